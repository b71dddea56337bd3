"""The leakage audit for readers: what each protocol keeps disjoint, and what each fold shares."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import pandas as pd

from ser_assets.reporting.labels import FOLD_NAMES, PROTOCOL_NAMES, in_given_order, join_words, protocol_title

SIDES: Final = ("actors", "takes", "recordings")


@dataclass(frozen=True)
class Shared:
    """How many actors, takes or recordings both sides of a fold share, and whether the protocol keeps them disjoint."""

    name: str
    count: int
    promised: bool

    @property
    def state(self) -> str:
        """`kept` or `broken` for a promise, `open` where the protocol promises nothing."""
        if not self.promised:
            return "open"
        return "broken" if self.count else "kept"

    @property
    def text(self) -> str:
        """The count, with a tick for a promise that was kept and a cross for a broken one."""
        return str(self.count) + {"kept": " ✓", "broken": " ✗", "open": ""}[self.state]


@dataclass(frozen=True)
class FoldAudit:
    """The test and training actors of one fold, and what the two sets share."""

    fold: str
    test_actors: str
    training_actors: str
    test_takes: int
    training_clips: int
    shared: list[Shared]

    @property
    def broken(self) -> list[str]:
        """Names of what was promised apart and is not."""
        return [each.name for each in self.shared if each.state == "broken"]


@dataclass(frozen=True)
class ProtocolAudit:
    """All folds of one protocol and fold scheme."""

    title: str
    promised: str | None
    folds: list[FoldAudit]

    @property
    def verdict(self) -> str:
        """What is promised, and whether it was kept, in a sentence."""
        if self.promised is None:
            return "What it keeps disjoint is not recorded: what both sides share is only counted."
        if not self.promised:
            return "It may share actors, takes and recordings, which are only counted."
        promise = f"Keeps {join_words(self.promised.split(', '))} disjoint"
        broken = [fold.fold for fold in self.folds if fold.broken]
        if broken:
            return f"{promise}: broken in fold {', '.join(broken)}."
        return f"{promise}: true in {'the only fold' if len(self.folds) == 1 else f'all {len(self.folds)} folds'}."

    @property
    def is_kept(self) -> bool:
        """Whether no promise is broken."""
        return not any(fold.broken for fold in self.folds)

    @property
    def leaks(self) -> list[str]:
        """Each broken fold and what it shares, for the alarm."""
        return [f"{self.title}, fold {fold.fold}: {join_words(fold.broken)}" for fold in self.folds if fold.broken]


def audits(leakage_audit: pd.DataFrame) -> list[ProtocolAudit]:
    """The audit of every protocol and fold scheme in their usual order, folds by number; none of an empty table."""
    if leakage_audit.empty:
        return []
    found = []
    for protocol in in_given_order(leakage_audit["protocol"].tolist(), list(PROTOCOL_NAMES)):
        of_protocol = leakage_audit[leakage_audit["protocol"] == protocol]
        for fold_scheme in in_given_order(of_protocol["fold_scheme"].tolist(), list(FOLD_NAMES)):
            rows = of_protocol[of_protocol["fold_scheme"] == fold_scheme].to_dict("records")
            rows.sort(key=lambda row: (len(row["fold"]), row["fold"]))
            title = protocol_title(protocol, fold_scheme)
            promises = [_promise(row) for row in rows]
            promised = None if None in promises else promises[0]
            found.append(ProtocolAudit(title, promised, [_fold(row) for row in rows]))
    return found


def _promise(row: dict[Any, Any]) -> str | None:
    """What a fold promises to keep apart, empty where nothing, None where it was not recorded."""
    return None if pd.isna(row["disjoint"]) else str(row["disjoint"])


def _fold(row: dict[Any, Any]) -> FoldAudit:
    promised = (_promise(row) or "").split(", ")
    return FoldAudit(
        fold=row["fold"],
        test_actors=actor_ranges(row["test_actors"]),
        training_actors=actor_ranges(row["training_actors"]),
        test_takes=row["test_takes"],
        training_clips=row["training_clips"],
        shared=[Shared(name, int(row[f"shared_{name}"]), name in promised) for name in SIDES],
    )


def actor_ranges(actors: str) -> str:
    """Shorten a list of actors: `01, 02, 03, 05` becomes `01–03, 05`."""
    codes = actors.split(", ") if actors else []
    runs: list[list[str]] = [codes[:1]] if codes else []
    for before, code in pairwise(codes):
        if code.isdecimal() and before.isdecimal() and int(code) == int(before) + 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(run) for run in runs)
