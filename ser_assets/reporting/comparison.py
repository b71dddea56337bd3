"""What the scores say about each other, in sentences: who leads, who ties, what a leak is worth, what chance gives."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ser_assets.reporting.boards import Board
from ser_assets.reporting.labels import CHANCE, MODEL_NAMES, listed, percent, points, readable

# What the sentence after a gap says of it, where every model gains.
_WORTH = {
    "random_split_leaky": "A score from such a split promises a new speaker that much too much.",
    "random_split": "To have heard the voice in training is worth that much.",
    "speaker_calibrated": "To know other clips of the speaker, without their labels, is worth that much.",
}


@dataclass(frozen=True)
class Difference:
    """UAR of a model minus that of another on the same takes, with the 95 % interval of the paired bootstrap."""

    model: str
    other: str
    value: float
    low: float
    high: float

    @property
    def is_known(self) -> bool:
        """Whether the bootstrap could say how sure the difference is."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))

    @property
    def is_real(self) -> bool:
        """Whether the whole interval lies on one side of zero."""
        return self.is_known and (self.low > 0 or self.high < 0)

    @property
    def range(self) -> str:
        """`0.5 to 6.3`, in points; empty where there is no interval."""
        return f"{points(self.low)} to {points(self.high)}" if self.is_known else ""

    @property
    def verdict(self) -> str:
        """What the interval lets one say."""
        if not self.is_known:
            return "not known, for want of actors"
        return "real" if self.is_real else "may be chance"

    def reversed(self) -> "Difference":
        """The same difference, seen from the other model."""
        return Difference(self.other, self.model, -self.value, -self.high, -self.low)


def differences_on(board: Board, differences: pd.DataFrame) -> list[Difference]:
    """Differences in UAR between the models of a board, the best model first in each and the best pairs on top."""
    own = board.of(differences)
    if own.empty:
        return []
    rank = {model: place for place, model in enumerate(board.rows)}
    found = [
        Difference(row["model"], row["other"], row["difference"], row["low"], row["high"])
        for row in own[own["metric"] == "uar"].to_dict("records")
        if row["model"] in rank and row["other"] in rank
    ]
    turned = [each if rank[each.model] < rank[each.other] else each.reversed() for each in found]
    return sorted(turned, key=lambda each: (rank[each.model], rank[each.other]))


def lead(board: Board, differences: list[Difference]) -> str:
    """Say who is tied with the best model of a board and who is behind it, and how surely; empty for a single model."""
    best, *others = board.rows
    if not others:
        return ""
    against = {each.other: each for each in differences if each.model == best}
    if not against:
        next_score = board.rows[others[0]]["uar"].as_percent
        return (
            f"Next is {_name(others[0])} with {next_score}; nobody compared the two take by take, "
            "so the lead may be chance."
        )
    known = [against[other] for other in others if other in against and against[other].is_known]
    tied, behind = [each for each in known if not each.is_real], [each for each in known if each.is_real]
    unknown = [_name(other) for other in others if other not in against or not against[other].is_known]
    said = []
    if tied:
        said.append(f"Tied with it, as the difference may be chance: {_distances(tied, ',')}.")
    if behind:
        said.append(f"{_distances(behind, ' is')}.")
    if unknown:
        said.append(f"Whether it is ahead of {listed(unknown)} is not known.")
    return " ".join(said)


def _distances(differences: list[Difference], verb: str) -> str:
    first, *rest = differences
    behind = f"{_name(first.other)}{verb} {points(first.value)} points behind"
    parts = [f"{behind} (95 % interval of the difference {first.range} points)"]
    parts += [f"{_name(each.other)} {points(each.value)} ({each.range})" for each in rest]
    return listed(parts)


def gaps(tables: list[Board]) -> list[str]:
    """What each other protocol adds to the honest scores, in points of UAR by model; none without honest scores."""
    honest, *others = tables
    if honest.protocol != "speaker_independent":
        return []
    first = {board.protocol: board for board in reversed(others)}
    return [_gap(honest, first[protocol]) for protocol in _WORTH if protocol in first]


def _gap(honest: Board, other: Board) -> str:
    gained = {
        model: other.rows[model]["uar"].value - found["uar"].value
        for model, found in honest.rows.items()
        if model in other.rows
    }
    by_model = listed([f"{_name(model)} {'+' if gain > 0 else ''}{points(gain)}" for model, gain in gained.items()])
    worth = f" {_WORTH[other.protocol]}" if gained and min(gained.values()) > 0 else ""
    return f"{other.short_title} minus {honest.short_title}, in points of UAR: {by_model}.{worth}"


def chance_check(board: Board) -> str:
    """Whether scores on permuted labels are at chance, as they should be where nothing leaks."""
    should = f"{board.short_title}: should be at chance, {percent(CHANCE)}."
    scores = {model: found["uar"] for model, found in board.rows.items() if found["uar"].has_interval}
    if not scores:
        return f"{should} No interval says whether it is, for want of actors."
    above = [f"{_name(model)} ({score.range})" for model, score in scores.items() if score.low > CHANCE]
    if above:
        return f"{should} Above it, with the whole interval: {listed(above)}. Look for a leak."
    return f"{should} No model's interval lies above it."


def _name(model: str) -> str:
    return readable(model, MODEL_NAMES)
