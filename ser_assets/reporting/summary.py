"""From the tables of predictions and scores to what the report says: headline, score tables, recalls by model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ser_assets.learning.scores import recall_by_actor, recall_by_emotion
from ser_assets.reporting.labels import (
    FOLD_NAMES,
    METRIC_NAMES,
    MODEL_NAMES,
    PROTOCOL_NAMES,
    PROTOCOL_NOTES,
    decimal,
    in_order,
    percent,
    readable,
)

if TYPE_CHECKING:
    from rich.console import RenderableType


@dataclass(frozen=True)
class Score:
    """One number of the score table: its value, its 95 % interval (NaN if there is none), and what it rests on."""

    value: float
    low: float
    high: float
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
    def as_percent(self) -> str:
        """`58.8 % (95 % interval 54.1 to 63.0 %)`, or the value alone where there is no interval."""
        if not self.has_interval:
            return percent(self.value)
        return f"{percent(self.value)} (95 % interval {100 * self.low:.1f} to {percent(self.high)})"

    @property
    def has_interval(self) -> bool:
        """Whether the bootstrap could say how sure this number is."""
        return bool(np.isfinite(self.low) and np.isfinite(self.high))


@dataclass(frozen=True)
class Board:
    """Scores of one protocol on one fold scheme: `rows[model][metric]`, the best model by UAR first."""

    protocol: str
    folds: str
    metrics: list[str]
    rows: dict[str, dict[str, Score]]

    @property
    def title(self) -> str:
        """The protocol and its folds, for people."""
        folds = readable(self.folds, FOLD_NAMES)
        name = readable(self.protocol, PROTOCOL_NAMES)
        return f"{name}, {folds}" if folds else name

    @property
    def basis(self) -> str:
        """Number of actors and takes that were judged, and where models differ in it, of each."""
        judged = {
            model: f"{found['uar'].actors} actors, {found['uar'].takes} takes" for model, found in self.rows.items()
        }
        if len(set(judged.values())) == 1:
            return next(iter(judged.values()))
        return "; ".join(f"{readable(model, MODEL_NAMES)}: {basis}" for model, basis in judged.items())

    @property
    def note(self) -> str:
        """What the protocol promises, in one sentence; empty for an unknown one."""
        return PROTOCOL_NOTES.get(self.protocol, "")

    @property
    def has_intervals(self) -> bool:
        """Whether any score of the board has an interval."""
        return any(score.has_interval for found in self.rows.values() for score in found.values())


@dataclass(frozen=True)
class Headline:
    """The best model by UAR, how good it is on whom, and whether its lead over the next one means anything."""

    model: str
    protocol: str
    folds: str
    uar: Score
    accuracy: Score | None
    sentence: str
    comparison: str


def boards(scores: pd.DataFrame) -> list[Board]:
    """Share out the score table by protocol and fold scheme, the protocols in their usual order.

    Raises:
        ValueError: the table is empty, or a model has no UAR, by which the best is picked.
    """
    if scores.empty:
        raise ValueError("the score table is empty: materialise at least one model first")
    tables = []
    for (protocol, folds), group in scores.groupby(["protocol", "folds"], sort=False):
        rows: dict[str, dict[str, Score]] = {}
        for row in group.to_dict("records"):
            score = Score(row["value"], row["low"], row["high"], row["actors"], row["takes"])
            rows.setdefault(row["model"], {})[row["metric"]] = score
        without_uar = [model for model, found in rows.items() if "uar" not in found]
        if without_uar:
            raise ValueError(f"no UAR among the scores of {', '.join(without_uar)} ({protocol}, {folds})")
        ranked = dict(sorted(rows.items(), key=lambda item: -np.nan_to_num(item[1]["uar"].value, nan=-1.0)))
        tables.append(Board(str(protocol), str(folds), in_order(list(group.metric), list(METRIC_NAMES)), ranked))
    order = in_order([table.protocol for table in tables], list(PROTOCOL_NAMES))
    return sorted(tables, key=lambda table: order.index(table.protocol))


def headline(board: Board) -> Headline:
    """Say who leads a board, in sentences that a visitor reads in five seconds."""
    (model, best), *others = board.rows.items()
    uar = best["uar"]
    whom = {
        "speaker_independent": "in voices it has never heard",
        "speaker_calibrated": "in new voices, after calibrating on unlabelled clips of each",
    }.get(board.protocol, "in voices that it also heard in training")
    interval = f" (95 % interval {100 * uar.low:.1f} to {percent(uar.high)})" if uar.has_interval else ""
    return Headline(
        model=model,
        protocol=board.protocol,
        folds=board.folds,
        uar=uar,
        accuracy=best.get("accuracy"),
        sentence=f"{readable(model, MODEL_NAMES)} recognises {percent(uar.value)} of emotions {whom}{interval}.",
        comparison=_comparison(model, uar, others[0][0], others[0][1]["uar"]) if others else "",
    )


def _comparison(model: str, best: Score, other_model: str, other: Score) -> str:
    name, runner_up = readable(model, MODEL_NAMES), readable(other_model, MODEL_NAMES)
    if not (best.has_interval and other.has_interval):
        return (
            f"Next is {runner_up} with {other.as_percent}; without intervals nobody can say whether the lead is real."
        )
    if other.high >= best.low:
        return (
            f"Next is {runner_up} with {other.as_percent}: "
            f"their intervals overlap, so the lead of {name} may be chance."
        )
    return f"It is clearly ahead of {runner_up}, which reaches {other.as_percent}: their intervals do not overlap."


def score_markdown(scores: pd.DataFrame) -> str:
    """Compact Markdown table of models by metrics, `value [low, high]`, one for each protocol.

    Raises:
        ValueError: the table is empty or has no UAR.
    """
    return "\n\n".join(_board_markdown(board) for board in boards(scores))


def _board_markdown(board: Board) -> str:
    header = ["Model", *(readable(metric, METRIC_NAMES) for metric in board.metrics)]
    lines = [f"**{board.title}** ({board.basis}; 95 % intervals by bootstrap over actors)", ""]
    lines += [_markdown_row(header), _markdown_row(["---"] + ["---:"] * (len(header) - 1))]
    for model, found in board.rows.items():
        cells = (str(found[metric]) if metric in found else "" for metric in board.metrics)
        lines.append(_markdown_row([readable(model, MODEL_NAMES), *cells]))
    return "\n".join(lines)


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def score_table_for_terminal(scores: pd.DataFrame) -> "RenderableType":
    """Make a table of models by metrics for a rich console, one for each protocol.

    Raises:
        ValueError: the table is empty or has no UAR.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table

    tables = []
    for board in boards(scores):
        title = f"{board.title}\n{board.basis}; 95 % intervals by bootstrap over actors"
        table = Table("Model", title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
        for metric in board.metrics:
            table.add_column(readable(metric, METRIC_NAMES), justify="right")
        for model, found in board.rows.items():
            cells = (found[metric].narrow if metric in found else "" for metric in board.metrics)
            table.add_row(readable(model, MODEL_NAMES), *cells)
        tables.append(table)
    return Group(*tables)


def recalls_by_emotion(predictions: pd.DataFrame) -> pd.DataFrame:
    """Recall and number of takes of each emotion by model; columns model, emotion, recall, takes."""
    return _by_model(predictions, recall_by_emotion)


def recalls_by_actor(predictions: pd.DataFrame) -> pd.DataFrame:
    """UAR, accuracy and number of takes of each actor by model; columns model, actor, uar, accuracy, takes."""
    return _by_model(predictions, recall_by_actor)


def _by_model(predictions: pd.DataFrame, measure: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    tables = []
    for model, own in predictions.groupby("model", sort=False):
        table = measure(own)
        table.insert(0, "model", model)
        tables.append(table)
    return pd.concat(tables, ignore_index=True)
