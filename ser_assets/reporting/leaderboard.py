"""The score table shared out by protocol and fold scheme: what every score table and figure of the report reads."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ser_assets.learning.evaluation.estimate import Estimate
from ser_assets.reporting.labels import (
    FOLD_NAMES,
    METRIC_NAMES,
    PROTOCOL_NAMES,
    PROTOCOL_NOTES,
    decimal,
    in_given_order,
    model_title,
    percent,
    points,
    protocol_title,
    readable,
)


@dataclass(frozen=True)
class Score(Estimate):
    """One number of the score table, and what it rests on."""

    actors: int
    takes: int

    def __str__(self) -> str:
        return f"{decimal(self.value)} {self.interval}".rstrip()

    @property
    def interval(self) -> str:
        """`[0.541, 0.630]`, empty where there is no interval."""
        return f"[{decimal(self.low)}, {decimal(self.high)}]" if self.has_interval else ""

    @property
    def narrow(self) -> str:
        """`0.588` above `0.54-0.63`, for a column of a terminal."""
        return f"{decimal(self.value)}\n{self.low:.2f}-{self.high:.2f}" if self.has_interval else decimal(self.value)

    @property
    def range(self) -> str:
        """`54.1 to 63.0 %`, empty where there is no interval."""
        return f"{points(self.low)} to {percent(self.high)}" if self.has_interval else ""

    @property
    def as_percent(self) -> str:
        """`58.8 % (95 % interval 54.1 to 63.0 %)`, or the value alone where there is no interval."""
        return f"{percent(self.value)} (95 % interval {self.range})" if self.has_interval else percent(self.value)


@dataclass(frozen=True)
class Leaderboard:
    """Scores of one protocol on one fold scheme: `rows[model][metric]`, the best model by UAR first."""

    protocol: str
    fold_scheme: str
    metrics: list[str]
    rows: dict[str, dict[str, Score]]

    @property
    def name(self) -> str:
        """The protocol, for people."""
        return readable(self.protocol, PROTOCOL_NAMES)

    @property
    def title(self) -> str:
        """The protocol and its folds, for people."""
        return protocol_title(self.protocol, self.fold_scheme)

    @property
    def short_title(self) -> str:
        """The protocol and the name of its fold scheme."""
        return f"{self.name}, {self.fold_scheme}" if self.fold_scheme else self.name

    @property
    def basis(self) -> str:
        """Number of actors and takes that were evaluated, and where models differ in it, of each."""
        evaluated = {
            model: f"{found['uar'].actors} actors, {found['uar'].takes} takes" for model, found in self.rows.items()
        }
        if len(set(evaluated.values())) == 1:
            return next(iter(evaluated.values()))
        return "; ".join(f"{model_title(model)}: {basis}" for model, basis in evaluated.items())

    @property
    def note(self) -> str:
        """What the protocol promises and what it may be used for; empty for an unknown one."""
        return PROTOCOL_NOTES.get(self.protocol, "")

    @property
    def has_intervals(self) -> bool:
        """Whether any score of the board has an interval."""
        return any(score.has_interval for found in self.rows.values() for score in found.values())

    @property
    def intervals(self) -> str:
        """Where the intervals of the board come from, or why there are none."""
        return "95 % intervals by bootstrap over actors" if self.has_intervals else "no intervals: too few actors"

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Rows of this protocol and these folds; none of an empty table."""
        if table.empty:
            return table
        return table[(table["protocol"] == self.protocol) & (table["fold_scheme"] == self.fold_scheme)]


def leaderboards(scores: pd.DataFrame) -> list[Leaderboard]:
    """Share out the score table by protocol and fold scheme, both in their usual order; the headline's comes first.

    Raises:
        ValueError: the table is empty, or a model has no UAR, by which the best is picked.
    """
    if scores.empty:
        raise ValueError("the score table is empty: materialize at least one model first")
    tables = []
    for (protocol, fold_scheme), group in scores.groupby(["protocol", "fold_scheme"], sort=False):
        rows: dict[str, dict[str, Score]] = {}
        for row in group.to_dict("records"):
            score = Score(row["value"], row["low"], row["high"], row["actors"], row["takes"])
            rows.setdefault(row["model"], {})[row["metric"]] = score
        without_uar = [model for model, found in rows.items() if "uar" not in found]
        if without_uar:
            raise ValueError(f"no UAR among the scores of {', '.join(without_uar)} ({protocol}, {fold_scheme})")
        ranked = dict(sorted(rows.items(), key=lambda item: -np.nan_to_num(item[1]["uar"].value, nan=-1.0)))
        tables.append(
            Leaderboard(str(protocol), str(fold_scheme), in_given_order(list(group.metric), list(METRIC_NAMES)), ranked)
        )
    protocols = in_given_order([table.protocol for table in tables], list(PROTOCOL_NAMES))
    schemes = in_given_order([table.fold_scheme for table in tables], list(FOLD_NAMES))
    return sorted(tables, key=lambda table: (protocols.index(table.protocol), schemes.index(table.fold_scheme)))


def all_models(tables: list[Leaderboard]) -> list[str]:
    """Every model of the leaderboards: in the order of the first board, then those that only others have."""
    return list(dict.fromkeys(model for table in tables for model in table.rows))
