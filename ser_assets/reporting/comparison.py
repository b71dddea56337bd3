"""Scores compared, in sentences: who leads, who ties, what leaks add, what chance gives."""

from dataclasses import dataclass, replace

import pandas as pd

from ser_assets.learning.evaluation.chance import against_guessing
from ser_assets.learning.evaluation.estimate import Estimate
from ser_assets.reporting.labels import join_words, model_title, percent, points
from ser_assets.reporting.leaderboard import Leaderboard

_RANDOM_SPLITS = ("random_split_leaky", "random_split")
_COMPARED = (*_RANDOM_SPLITS, "speaker_normalised")


@dataclass(frozen=True)
class Difference(Estimate):
    """UAR of a model minus that of another on the same takes, with the 95 % interval of the paired bootstrap."""

    model: str
    other: str

    @property
    def range(self) -> str:
        """`0.5 to 6.3`, in points; empty where there is no interval."""
        return f"{points(self.low)} to {points(self.high)}" if self.has_interval else ""

    @property
    def verdict(self) -> str:
        """What follows from the interval."""
        if not self.has_interval:
            return "not known: too few actors"
        return "interval excludes zero" if self.excludes_zero else "may be chance"

    def __neg__(self) -> "Difference":
        """The same difference, seen from the other model."""
        return replace(super().__neg__(), model=self.other, other=self.model)


def differences_on(board: Leaderboard, differences: pd.DataFrame) -> list[Difference]:
    """Differences in UAR between the models of a board, the best model first in each and the best pairs on top."""
    own = board.of(differences)
    if own.empty:
        return []
    rank = {model: place for place, model in enumerate(board.rows)}
    found = [
        Difference(row["difference"], row["low"], row["high"], row["model"], row["other"])
        for row in own[own["metric"] == "uar"].to_dict("records")
        if row["model"] in rank and row["other"] in rank
    ]
    turned = [each if rank[each.model] < rank[each.other] else -each for each in found]
    return sorted(turned, key=lambda each: (rank[each.model], rank[each.other]))


def contributions_on(board: Leaderboard, contributions: pd.DataFrame) -> list[Difference]:
    """What each member adds to the ensemble on a board, the largest gain first."""
    own = board.of(contributions) if len(contributions) else contributions
    found = [Difference(row["gain"], row["low"], row["high"], row["member"], "") for row in own.to_dict("records")]
    return sorted(found, key=lambda each: -each.value)


def lead(board: Leaderboard, differences: list[Difference]) -> str:
    """Say who is tied with the best model of a board and who is behind it, and how surely; empty for a single model."""
    best, *others = board.rows
    if not others:
        return ""
    against = {each.other: each for each in differences if each.model == best}
    if not against:
        next_score = board.rows[others[0]]["uar"].as_percent
        return (
            f"Next is {_name(others[0])} with {next_score}; the two were not compared take by take, "
            "so the lead may be chance."
        )
    known = [against[other] for other in others if other in against and against[other].has_interval]
    tied = [each for each in known if not each.excludes_zero]
    behind = [each for each in known if each.excludes_zero]
    unknown = [_name(other) for other in others if other not in against or not against[other].has_interval]
    predicted = []
    if tied:
        predicted.append(f"Tied with it, as the difference may be chance: {_distances(tied, ',')}.")
    if behind:
        predicted.append(f"{_distances(behind, ' is')}.")
    if unknown:
        predicted.append(f"Whether it is ahead of {join_words(unknown)} is not known.")
    return " ".join(predicted)


def _distances(differences: list[Difference], verb: str) -> str:
    first, *rest = differences
    behind = f"{_name(first.other)}{verb} {points(first.value)} points behind"
    parts = [f"{behind} (95 % interval of the difference {first.range} points)"]
    parts += [f"{_name(each.other)} {points(each.value)} ({each.range})" for each in rest]
    return join_words(parts)


def best_of(board: Leaderboard) -> str:
    """What choosing the best model, and comparing many pairs, does to their scores; empty for a single model."""
    best, *others = board.rows
    if not others:
        return ""
    return (
        f"{_name(best)} is the best of {len(board.rows)} models on these very takes, which flatters it slightly; "
        "the intervals of pairs are not corrected for their number."
    )


def gaps(tables: list[Leaderboard]) -> list[str]:
    """What each other protocol adds to the honest scores, in points of UAR by model; none without honest scores.

    Two sentences at most: the gaps, and how far those of random splits may be trusted.
    """
    honest, *others = tables
    first = {board.protocol: board for board in reversed(others)}
    compared = [first[protocol] for protocol in _COMPARED if protocol in first]
    if honest.protocol != "speaker_independent" or not compared:
        return []
    by_protocol = "; ".join(f"{board.short_title} ({_gained(honest, board)})" for board in compared)
    predicted = [f"Against {honest.short_title}, in points of UAR: {by_protocol}."]
    if any(board.protocol in _RANDOM_SPLITS for board in compared):
        predicted.append("Random splits evaluate a fifth of the takes only, so their gaps are rough and unpaired.")
    return predicted


def _gained(honest: Leaderboard, other: Leaderboard) -> str:
    gained = {
        model: other.rows[model]["uar"].value - found["uar"].value
        for model, found in honest.rows.items()
        if model in other.rows
    }
    return join_words([f"{_name(model)} {'+' if gain > 0 else ''}{points(gain)}" for model, gain in gained.items()])


def chance_check(board: Leaderboard, evaluated: pd.DataFrame, chance: float) -> str:
    """Whether scores on permuted labels are at chance, as they should be where nothing leaks.

    The rule is that of the blocking asset check (`evaluation.chance`).

    Args:
        board: of the protocol with permuted labels.
        evaluated: predictions of the board's own protocol and fold scheme; without any, the outcome is left out.
        chance: UAR of guessing.
    """
    should = f"{board.short_title}: should be at chance, {percent(chance)}."
    if evaluated.empty:
        return f"{should} There are no predictions to check it."
    by_model = {str(model): against_guessing(own) for model, own in evaluated.groupby("model", sort=False)}
    above = [
        f"{_name(model)} (accuracy {percent(each.accuracy)})" for model, each in by_model.items() if each.is_beyond_luck
    ]
    if above:
        return f"{should} Above it by more than luck allows: {join_words(above)}. Look for a leak."
    return f"{should} No model is above it by more than luck allows."


def _name(model: str) -> str:
    return model_title(model)
