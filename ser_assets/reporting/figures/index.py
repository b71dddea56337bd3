"""Which figures stand on the page, in which section, and under which caption."""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ser_assets.reporting.figures import clips as clip_figures
from ser_assets.reporting.figures import confusion_and_recall
from ser_assets.reporting.figures import scores as score_figures
from ser_assets.reporting.figures.spelling import legend_of
from ser_assets.reporting.figures.style import to_png
from ser_assets.reporting.figures.thumbnails import data_uri
from ser_assets.reporting.labels import (
    GROUPING_NAMES,
    chance_of,
    in_given_order,
    join_words,
    model_title,
)
from ser_assets.reporting.leaderboard import Leaderboard
from ser_assets.reporting.references import Reference
from ser_assets.reporting.report_data import ReportData
from ser_assets.reporting.summary import informative_groups

if TYPE_CHECKING:
    from matplotlib.figure import Figure


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
    def legend(self) -> str:
        """Which spellings in Latin letters stand for which words; empty where none do."""
        return legend_of(self.png)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels, as the PNG header has them."""
        width, height = struct.unpack(">II", self.png[16:24])
        return width, height


def all_pictures(data: ReportData, tables: Sequence[Leaderboard], references: Sequence[Reference]) -> Iterator[Picture]:
    """Draw what there are data for; scores are of all leaderboards, everything else of the first, the headline's."""
    caption = "UAR and accuracy with 95 % interval, by protocol and model"
    if references:
        caption += "; a thin line rises from each published score"
    figure = score_figures.protocols_side_by_side(tables, chance_of(data.emotions), references)
    yield _picture("scores", "protocols", caption, figure)
    yield from _of_predictions(data, tables[0])
    yield from _of_clips(data)
    yield from _of_training(data, tables[0])


def _of_predictions(data: ReportData, board: Leaderboard) -> Iterator[Picture]:
    evaluated, groups = board.of(data.predictions), board.of(data.group_scores)
    if len(evaluated):
        caption = "Share of correct predictions, by the probability of the predicted emotion"
        yield _picture("reliability", "reliability", caption, score_figures.reliability_diagram(evaluated, board))
        for model in in_given_order(evaluated["model"].tolist(), list(board.rows)):
            caption = f"Confusion matrix of {model_title(model)}"
            yield _picture(
                f"confusion_{model}", "confusion", caption, confusion_and_recall.model_confusion(evaluated, model)
            )
        caption = "Recall of each emotion, by model" + (", with 95 % intervals" if len(groups) else "")
        yield _picture("recall_by_emotion", "recall", caption, confusion_and_recall.emotion_bars(evaluated, groups))
        yield _picture(
            "uar_by_actor", "recall", "UAR of each actor, by model", confusion_and_recall.actor_bars(evaluated)
        )
    telling = informative_groups(groups)
    if len(telling):
        groupings = in_given_order(telling["grouping"].tolist(), list(GROUPING_NAMES))
        caption = f"UAR with 95 % interval by {join_words(groupings)}, by model"
        yield _picture("groups", "groups", caption, score_figures.group_dots(telling, chance_of(data.emotions)))


def _of_clips(data: ReportData) -> Iterator[Picture]:
    if data.missed:
        seconds = clip_figures.longest_seconds([take.clip for take in data.missed])
        for number, take in enumerate(data.missed, start=1):
            caption = f"Waveform and log-mel spectrogram of take {take.clip.take_id}"
            figure = clip_figures.clip_card(take.clip, seconds, data.emotions)
            yield _picture(f"missed_{number}", "missed", caption, figure)
    if len(data.clips):
        caption = "Clips of each actor and emotion, originals and augmented copies"
        yield _picture(
            "samples", "corpus", caption, confusion_and_recall.samples_per_actor_and_emotion(data.clips, data.emotions)
        )
    for gender in sorted({clip.gender for clip in data.examples}):
        caption = f"One {gender} clip of each emotion: waveform and log-mel spectrogram".replace("  ", " ")
        figure = clip_figures.example_grid(data.examples, gender, data.emotions)
        yield _picture("_".join(["examples", *re.findall(r"\w+", gender)]), "examples", caption, figure)


def _of_training(data: ReportData, board: Leaderboard) -> Iterator[Picture]:
    curves = board.of(data.learning_curves)
    if len(curves):
        caption = "Loss and accuracy by epoch in training and validation"
        yield _picture("learning_curves", "curves", caption, confusion_and_recall.learning_curves(curves))
    if len(data.importances):
        caption = "The most important features of the Random Forest"
        yield _picture(
            "importances", "importances", caption, confusion_and_recall.feature_importances(data.importances)
        )


def _picture(name: str, section: str, caption: str, figure: "Figure") -> Picture:
    return Picture(name, section, caption, to_png(figure))
