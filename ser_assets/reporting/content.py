"""What stands on the page: the values for its templates, its pictures, and the same figures for machines."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.scores import confusion_matrix
from ser_assets.reporting import plots
from ser_assets.reporting.canvas import to_png
from ser_assets.reporting.data import ReportData
from ser_assets.reporting.labels import CHANCE, METRIC_NAMES, METRIC_NOTES, MODEL_NAMES, in_order, readable
from ser_assets.reporting.pictures import data_uri
from ser_assets.reporting.summary import (
    Board,
    boards,
    headline,
    recalls_by_actor,
    recalls_by_emotion,
    score_markdown,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHARED = ["shared_takes", "shared_recordings", "shared_actors"]


@dataclass(frozen=True)
class Picture:
    """A figure of the page: its file name without ending, its section, what it shows, and its PNG bytes."""

    name: str
    section: str
    caption: str
    png: bytes

    @property
    def uri(self) -> str:
        """The picture as a `data:` URI."""
        return data_uri(self.png)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as the PNG header has them."""
        width, height = struct.unpack(">II", self.png[16:24])
        return width, height


def page_content(data: ReportData) -> dict[str, Any]:
    """Values for the templates; the first board is the one that the headline and the figures are about."""
    tables = boards(data.scores)
    return {
        "headline": headline(tables[0]),
        "board": tables[0],
        "boards": tables,
        "models": {model: readable(model, MODEL_NAMES) for table in tables for model in table.rows},
        "metrics": {metric: readable(metric, METRIC_NAMES) for table in tables for metric in table.metrics},
        "metric_notes": [METRIC_NOTES[m] for m in tables[0].metrics if m in METRIC_NOTES],
        "score_markdown": score_markdown(data.scores),
        "chance": CHANCE,
        "corpus": _corpus(data.takes),
        "rejected": _rejected(data.rejected),
        "leak_proof": _leak_proof(data.leak_proof),
        "leaks": _leaks(data.leak_proof, tables[0]),
        "facts": data.facts,
        "notice": data.notice,
        "pictures": list(_pictures(data, tables[0])),
    }


def machine_readable(data: ReportData) -> dict[str, Any]:
    """All figures of the page as plain values that JSON can hold; a number that does not exist is null."""
    tables = boards(data.scores)
    best = headline(tables[0])
    judged = _of(tables[0], data.predictions)
    return {
        "headline": {
            "model": best.model,
            "protocol": best.protocol,
            "folds": best.folds,
            "sentence": best.sentence,
            "comparison": best.comparison,
            "chance": CHANCE,
        },
        "scores": _records(data.scores),
        "emotions": list(EMOTIONS),
        "confusion": {
            str(model): confusion_matrix(own).tolist()
            for model, own in (judged.groupby("model") if len(judged) else ())
        },
        "recall_by_actor": _records(recalls_by_actor(judged)) if len(judged) else [],
        "recall_by_emotion": _records(recalls_by_emotion(judged)) if len(judged) else [],
        "corpus": _corpus(data.takes),
        "clips": _records(_clip_counts(data.clips)) if len(data.clips) else [],
        "rejected": _records(data.rejected),
        "leak_proof": _records(data.leak_proof),
        "importances": _records(data.importances),
        "learning_curves": _records(data.learning_curves),
        "facts": data.facts,
        "notice": data.notice,
    }


def _of(board: Board, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of the board's own protocol and folds; a table without these columns is of one protocol and kept whole."""
    if table.empty or not {"protocol", "folds"} <= set(table.columns):
        return table
    return table[(table["protocol"] == board.protocol) & (table["folds"] == board.folds)]


def _pictures(data: ReportData, board: Board) -> Iterator[Picture]:
    judged = _of(board, data.predictions)
    yield _picture(
        "scores", "scores", "UAR and accuracy with 95 % interval, by model", plots.score_comparison(data.scores)
    )
    if len(judged):
        for model in in_order(judged["model"].tolist(), list(board.rows)):
            caption = f"Confusion matrix of {readable(model, MODEL_NAMES)}"
            yield _picture(f"confusion_{model}", "confusion", caption, plots.model_confusion(judged, model))
        yield _picture("recall_by_emotion", "recall", "Recall of each emotion, by model", plots.emotion_bars(judged))
        yield _picture("uar_by_actor", "recall", "UAR of each actor, by model", plots.actor_bars(judged))
    if len(data.clips):
        caption = "Clips of each actor and emotion, originals and augmented copies"
        yield _picture("samples", "corpus", caption, plots.samples_per_actor_and_emotion(data.clips))
    for gender in sorted({clip.gender for clip in data.examples}):
        caption = f"One {gender} clip of each emotion: waveform and log-mel spectrogram"
        yield _picture(f"examples_{gender}", "examples", caption, plots.example_grid(data.examples, gender))
    if len(data.importances):
        caption = "The features that the Random Forest leans on most"
        yield _picture("importances", "importances", caption, plots.feature_importances(data.importances))
    curves = _of(board, data.learning_curves)
    if len(curves):
        caption = "Loss and accuracy by epoch in training and validation"
        yield _picture("learning_curves", "curves", caption, plots.learning_curves(curves))


def _picture(name: str, section: str, caption: str, figure: "Figure") -> Picture:
    return Picture(name, section, caption, to_png(figure))


def _corpus(takes: pd.DataFrame) -> dict[str, Any] | None:
    if takes.empty:
        return None
    genders = takes.groupby("gender")["actor"].nunique()
    return {
        "takes": len(takes),
        "actors": int(takes["actor"].nunique()),
        "actors_by_gender": {str(gender): int(count) for gender, count in genders.items()},
        "minutes": round(float(takes["seconds"].sum()) / 60, 1),
        "mean_seconds": round(float(takes["seconds"].mean()), 2),
    }


def _clip_counts(clips: pd.DataFrame) -> pd.DataFrame:
    counts = clips.assign(originals=clips["variant"] == 0, copies=clips["variant"] != 0)
    return counts.groupby(["actor", "emotion"])[["originals", "copies"]].sum().reset_index()


def _rejected(rejected: pd.DataFrame) -> dict[str, list[str]]:
    if rejected.empty:
        return {}
    by_reason = rejected.groupby("reason")["path"].apply(lambda paths: sorted(map(str, paths)))
    return {str(reason): paths for reason, paths in sorted(by_reason.items(), key=lambda item: -len(item[1]))}


def _leak_proof(leak_proof: pd.DataFrame) -> list[dict[str, Any]]:
    rows = [{str(name): value for name, value in row.items()} for row in leak_proof.to_dict("records")]
    for row in rows:
        for side in ("training_actors", "judged_actors"):
            row[side] = row[side] if isinstance(row[side], str) else " ".join(map(str, row[side]))
        row["clean"] = all(row[shared] == 0 for shared in _SHARED)
    return rows


def _leaks(leak_proof: pd.DataFrame, board: Board) -> list[str]:
    """Folds of the headline's own protocol that share anything between training and judging."""
    if leak_proof.empty:
        return []
    own = _of(board, leak_proof)
    return [str(fold) for fold in own.loc[own[_SHARED].sum(axis=1) > 0, "fold"]]


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(table.to_json(orient="records", double_precision=15))
