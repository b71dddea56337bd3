"""Which model is the champion, and whether a new one may take the place of the one before: rules on tables alone."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import pandas as pd

from ser_assets.learning.data.predictions import emotions_of
from ser_assets.learning.evaluation.bootstrap import FEWEST_ACTORS
from ser_assets.learning.evaluation.estimate import Estimate
from ser_assets.learning.evaluation.scores import score_differences
from ser_assets.learning.models.catalog import titles

PROTOCOL: Final = "speaker_independent"
"""The champion is for new speakers, and is chosen by the score on unseen actors."""
METRIC: Final = "uar"


class NotEvaluatedError(LookupError):
    """No model was both evaluated on unseen actors and kept; the message says what is missing."""


class Choice(NamedTuple):
    """The champion, the fold scheme of its score, and the reason in a sentence."""

    model: str
    fold_scheme: str
    reason: str


class Drop(NamedTuple):
    """How a new champion compares with the one before, on the takes that both evaluated.

    Attributes:
        blocked: the new one is worse beyond the 95 % interval.
        sentence: the figures, or why there are none.
    """

    blocked: bool
    sentence: str


def choose(
    scores: pd.DataFrame, differences: pd.DataFrame, sizes: Mapping[str, int], fold_schemes: Sequence[str] = ()
) -> Choice:
    """Pick the smallest of the models that the best does not beat beyond the paired 95 % interval.

    The best is the one with the highest UAR under `PROTOCOL`. Without intervals (fewer than five actors) it is the
    champion itself.

    Args:
        scores: as `scores.score_table` gives them.
        differences: as `scores.score_differences` gives them.
        sizes: bytes of each kept model; others cannot be chosen.
        fold_schemes: the first of these that was evaluated counts; otherwise the first in the table.

    Raises:
        NotEvaluatedError: no kept model was evaluated.
    """
    fold_scheme, uar = _judged(scores, fold_schemes)
    candidates = sorted((name for name in uar if name in sizes), key=lambda name: (-uar[name], sizes[name], name))
    if not candidates:
        raise NotEvaluatedError(f"none of the evaluated models is kept: {', '.join(sorted(uar))}")
    best, *others = candidates
    leads = _leads(differences, fold_scheme, best, others)
    rivals = {name: lead for name, lead in leads.items() if lead.low <= 0}
    smallest = min([best, *rivals], key=lambda name: sizes[name])
    led = f"{_title(best)} has the best UAR on unseen actors, {uar[best]:.3f}"
    if not others:
        reason = f"{_title(best)} is the only model evaluated and kept; its UAR on unseen actors is {uar[best]:.3f}"
    elif not leads:
        reason = f"{led}; there is no interval that could tell whether that is luck"
    elif not rivals:
        unlike = [name for name in others if name not in leads]
        apart = f"; not compared, because they evaluated other takes: {_titles(unlike)}" if unlike else ""
        reason = f"{led}, and beats {_titles(leads)} beyond the 95 % interval{apart}"
    elif smallest == best:
        reason = f"{led}; it does not beat {_titles(rivals)} beyond the 95 % interval, but it is smaller"
    else:
        reason = (
            f"{led}, but does not beat {_title(smallest)} beyond the 95 % interval "
            f"({rivals[smallest].with_sign()}), and {_title(smallest)} is smaller: {_megabytes(sizes[smallest])} "
            f"against {_megabytes(sizes[best])}"
        )
    return Choice(smallest, fold_scheme, reason)


def drop(previous: pd.DataFrame, new: pd.DataFrame, draws: int = 2000, seed: int = 42) -> Drop:
    """Compare a new champion with the one before by paired bootstrap over actors of the difference of their UAR.

    Args:
        previous: predictions of each for unseen actors, as `evaluate.evaluate` gives them, with one column more,
            `audio_hash`: only where the same recording is behind a take of both is it the same question.
        new: predictions of each for unseen actors, as `evaluate.evaluate` gives them, with one column more,
            `audio_hash`: only where the same recording is behind a take of both is it the same question.
        draws: as for `scores.score_differences`.
        seed: as for `scores.score_differences`.
    """
    if set(emotions_of(previous)) != set(emotions_of(new)):
        return Drop(False, f"not compared with the last champion, which knows {', '.join(emotions_of(previous))}")
    # A label may have been corrected since: both are evaluated against the labels of now.
    labels = new[["take_id", "audio_hash", "actor", "emotion"]]
    previous = previous.drop(columns=["actor", "emotion"]).merge(labels, on=["take_id", "audio_hash"])
    both = previous["take_id"]
    if both.empty:
        return Drop(False, "not compared with the last champion: no take was evaluated by both")
    sides = {"new": new, "previous": previous}
    evaluated = pd.concat(
        side[side["take_id"].isin(both)].assign(model=name, protocol=PROTOCOL, fold_scheme="")
        for name, side in sides.items()
    )
    [pair] = score_differences(evaluated, draws, seed).query("metric == @METRIC").to_dict("records")
    found = Estimate(pair["difference"], pair["low"], pair["high"])
    found = found if pair["model"] == "new" else -found
    basis = f"on {pair['takes']} takes of {pair['actors']} actors that both evaluated"
    if not found.has_interval:
        return Drop(
            False,
            f"not decided: UAR differs from that of the last champion by {found.value:+.3f} {basis}, and fewer than "
            f"{FEWEST_ACTORS} actors give no interval",
        )
    return Drop(found.high < 0, f"UAR differs from that of the last champion by {found.with_sign()} {basis}")


def _judged(scores: pd.DataFrame, fold_schemes: Sequence[str]) -> tuple[str, dict[str, float]]:
    """The fold scheme that counts, and the UAR of each model in it."""
    evaluated = scores[(scores["protocol"] == PROTOCOL) & (scores["metric"] == METRIC)].dropna(subset=["value"])
    if evaluated.empty:
        raise NotEvaluatedError(f"no model was evaluated under {PROTOCOL}")
    present = evaluated["fold_scheme"].unique().tolist()
    fold_scheme = next((name for name in fold_schemes if name in present), str(present[0]))
    own = evaluated[evaluated["fold_scheme"] == fold_scheme]
    return fold_scheme, dict(zip(own["model"], own["value"].astype(float), strict=True))


def _leads(differences: pd.DataFrame, fold_scheme: str, best: str, others: Sequence[str]) -> dict[str, Estimate]:
    """How far the best leads each of the others that it can be compared with, by an interval."""
    under = (
        (differences["protocol"] == PROTOCOL)
        & (differences["fold_scheme"] == fold_scheme)
        & (differences["metric"] == METRIC)
    )
    pairs = differences[under & ((differences["model"] == best) | (differences["other"] == best))]
    leads = {}
    for row in pairs.to_dict("records"):
        found = Estimate(row["difference"], row["low"], row["high"])
        # Which of two that tie stands first in the table is chance.
        first = row["model"] == best
        leads[row["other"] if first else row["model"]] = found if first else -found
    return {other: lead for other, lead in leads.items() if other in others and lead.has_interval}


def _title(model: str) -> str:
    return titles().get(model, model)


def _titles(models: Iterable[str]) -> str:
    return ", ".join(map(_title, models))


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
