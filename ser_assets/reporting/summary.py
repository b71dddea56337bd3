"""From the tables of predictions and scores to what people read of them: headline, compact tables, recalls by model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ser_assets.learning.evaluation.scores import recall_by_actor, recall_by_emotion
from ser_assets.reporting.comparison import Difference, lead
from ser_assets.reporting.labels import GROUPING_NAMES, METRIC_NAMES, model_title, percent, readable
from ser_assets.reporting.leaderboard import Leaderboard, Score, all_models, leaderboards

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


@dataclass(frozen=True)
class Headline:
    """The best model by UAR, its score, and whether its lead is beyond chance."""

    model: str
    protocol: str
    fold_scheme: str
    uar: Score
    accuracy: Score | None
    sentence: str
    comparison: str


def headline(board: Leaderboard, differences: Sequence[Difference] = ()) -> Headline:
    """Say who leads a board, in sentences that a visitor reads in five seconds."""
    model, best = next(iter(board.rows.items()))
    uar = best["uar"]
    speakers = {
        "speaker_independent": "of speakers it was not trained on",
        "speaker_normalised": "of new speakers, normalised by their unlabelled clips",
        "permuted_labels": "after learning from permuted labels",
    }.get(board.protocol, "of speakers it was also trained on")
    interval = f" (95 % interval {uar.range})" if uar.has_interval else ""
    return Headline(
        model=model,
        protocol=board.protocol,
        fold_scheme=board.fold_scheme,
        uar=uar,
        accuracy=best.get("accuracy"),
        sentence=f"{model_title(model)} recognises {percent(uar.value)} of emotions {speakers}{interval}.",
        comparison=lead(board, list(differences)),
    )


def score_markdown(scores: pd.DataFrame) -> str:
    """Compact Markdown: UAR of every protocol where there are several, then all metrics of the headline's.

    Raises:
        ValueError: the table is empty or has no UAR.
    """
    tables = leaderboards(scores)
    side_by_side = [_protocols_markdown(tables)] if len(tables) > 1 else []
    return "\n\n".join([*side_by_side, board_markdown(tables[0])])


def board_markdown(board: Leaderboard) -> str:
    """Markdown table of the metrics of a board by model, `value [low, high]`, the best model first."""
    title = f"**{board.title}** ({board.basis}; {board.intervals})"
    rows = {
        readable(metric, METRIC_NAMES): [found.get(metric) for found in board.rows.values()] for metric in board.metrics
    }
    return _models_as_columns(title, "Metric", list(board.rows), rows)


def _protocols_markdown(tables: list[Leaderboard]) -> str:
    models = all_models(tables)
    rows = {table.short_title: [_uar(table, model) for model in models] for table in tables}
    return _models_as_columns(f"**UAR by protocol** ({tables[0].intervals})", "Protocol", models, rows)


def _models_as_columns(title: str, corner: str, models: list[str], rows: dict[str, list[Score | None]]) -> str:
    header = [corner, *(model_title(model) for model in models)]
    lines = [title, "", markdown_row(header), markdown_row(["---"] + ["---:"] * len(models))]
    lines += [
        markdown_row([name, *("" if score is None else str(score) for score in found)]) for name, found in rows.items()
    ]
    return "\n".join(lines)


def markdown_row(cells: Sequence[str]) -> str:
    """One row of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def _uar(table: Leaderboard, model: str) -> Score | None:
    return table.rows[model]["uar"] if model in table.rows else None


def score_table_for_terminal(scores: pd.DataFrame) -> "RenderableType":
    """Fit the scores into 80 columns of a rich console: UAR of every protocol, then all metrics of the headline's.

    Models are columns, the best first, so that more protocols or metrics make the tables longer and not wider.

    Raises:
        ValueError: the table is empty or has no UAR.
    """
    from rich.console import Group

    first, *others = tables = leaderboards(scores)
    models = all_models(tables)
    shown: list[RenderableType] = [headline(first).sentence, ""]
    if others:
        by_protocol = _terminal_table(f"UAR by protocol; {first.intervals}", "Protocol", models)
        for table in tables:
            _add_row(by_protocol, table.short_title, [_uar(table, model) for model in models])
        shown.append(by_protocol)
    title = f"{first.title}\n{first.basis}; {first.intervals}"
    by_metric = _terminal_table(title, "Metric", list(first.rows))
    for metric in first.metrics:
        _add_row(by_metric, readable(metric, METRIC_NAMES), [found.get(metric) for found in first.rows.values()])
    return Group(*shown, by_metric)


def _terminal_table(title: str, corner: str, models: list[str]) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(corner, title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for model in models:
        # Two words stand on two lines, so that four models are no wider than their intervals.
        table.add_column(model_title(model).replace(" ", "\n", 1), justify="right")
    return table


def _add_row(table: "Table", name: str, scores: list[Score | None]) -> None:
    table.add_row(name, *("" if score is None else score.narrow for score in scores))


def informative_groups(group_scores: pd.DataFrame) -> pd.DataFrame:
    """UAR by gender, intensity and statement, of one protocol and fold scheme, as far as these tell takes apart.

    A grouping of which there is one group, or none, says no more than the score of all takes.
    """
    if group_scores.empty:
        return group_scores
    own = group_scores[(group_scores["metric"] == "uar") & group_scores["grouping"].isin(GROUPING_NAMES)]
    return own[own.groupby("grouping")["group"].transform("nunique") > 1]


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
