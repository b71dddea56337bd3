"""What the figures draw: checked on their marks and words, not on their pixels."""

import struct
import sys

import numpy as np
import pandas as pd
import pytest

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.scores import confusion_matrix, score_table
from ser_assets.reporting import pictures, plots
from ser_assets.reporting.canvas import to_png
from ser_assets_tests.reporting import tables


def words(figure) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def heights(axes) -> list[float]:
    return [round(bar.get_height(), 6) for bar in axes.patches]


def test_the_confusion_matrix_shows_share_of_the_row_and_number_of_takes():
    counts = np.zeros((8, 8), dtype=int)
    counts[0, :2] = 3, 1
    said = words(plots.confusion_heatmap(counts, "CNN"))
    assert {"75 %\n3", "25 %\n1", "neutral (4)", "calm (0)", "CNN"} <= set(said)


def test_bars_have_the_height_of_the_recalls_and_start_at_zero():
    judged = tables.predictions(("random_forest",))
    counts = confusion_matrix(judged)
    axes = plots.emotion_bars(judged).axes[0]
    assert np.allclose(heights(axes), np.diag(counts) / counts.sum(axis=1), atol=1e-6)
    assert axes.get_ylim() == (0, 1)


def test_actor_bars_have_a_bar_for_each_actor_and_model():
    axes = plots.actor_bars(tables.predictions()).axes[0]
    assert len(axes.patches) == 2 * len(tables.ACTORS)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(tables.ACTORS)


def test_scores_are_drawn_from_zero_to_one_with_chance_and_every_value():
    table = score_table(tables.predictions(), draws=50)
    figure = plots.score_comparison(table)
    said = words(figure)
    assert [axes.get_xlim() for axes in figure.axes] == [(0, 1), (0, 1)]
    assert said.count("chance") == 2
    shown = table[table["metric"].isin(["uar", "accuracy"])]["value"]
    assert all(f"{100 * value:.1f} %" in said for value in shown)


def test_copies_are_stacked_on_originals():
    clips = tables.full_report().clips
    figure = plots.samples_per_actor_and_emotion(clips)
    neutral = figure.axes[0]
    assert heights(neutral) == [2, 2, 2, 2, 2, 2]
    assert [bar.get_y() for bar in neutral.patches] == [0, 0, 0, 2, 2, 2]
    assert "neutral: 6 originals, 6 copies" in words(figure)


def test_only_the_first_25_features_are_drawn_the_largest_on_top():
    importances = tables.full_report().importances.sample(frac=1, random_state=1)
    axes = plots.feature_importances(importances).axes[0]
    assert len(axes.patches) == 25
    assert axes.get_yticklabels()[0].get_text() == "mfcc_39_std"
    assert axes.yaxis_inverted()


def test_the_mean_learning_curve_ends_where_the_first_fold_ends():
    figure = plots.learning_curves(tables.full_report().learning_curves)
    ends = {(line.get_linewidth(), np.max(line.get_xdata())) for line in figure.axes[0].lines}
    assert ends == {(0.8, 4), (2.2, 3)}


def test_the_grid_shows_only_emotions_that_have_a_clip():
    figure = plots.example_grid(tables.full_report().examples, "female")
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible() and axes.get_title(loc="left")]
    assert shown == list(EMOTIONS[:5])


@pytest.mark.parametrize("samples", [np.zeros(8000, np.float32), tables.chirp(0.01), tables.chirp(3)])
def test_silence_and_short_clips_are_drawn_too(samples: np.ndarray):
    assert pictures.clip_strip([("calm", samples)], tables.SAMPLING_RATE).startswith(b"\x89PNG")


def test_small_pictures_have_the_same_bytes_each_time():
    counts = confusion_matrix(tables.predictions(("cnn",)))

    def draw() -> list[bytes]:
        clips = [("angry", tables.chirp()), ("sad", tables.chirp(0.2))]
        return [
            pictures.clip_strip(clips, tables.SAMPLING_RATE),
            pictures.confusion_picture(counts),
        ]

    first = draw()
    assert first == draw()
    assert all(b"Software" not in png for png in first)


def test_a_strip_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no clip"):
        pictures.clip_strip([], tables.SAMPLING_RATE)


def test_markdown_carries_the_picture_itself():
    assert pictures.markdown_picture(b"\x89PNG", "a clip") == "![a clip](data:image/png;base64,iVBORw==)"


def test_no_figure_is_left_in_pyplot():
    figure = plots.emotion_bars(tables.predictions(("cnn",)))
    width, height = struct.unpack(">II", to_png(figure, dpi=50)[16:24])
    assert (width, height) == (550, 190)
    assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_a_model_without_some_emotion_or_actor_is_still_drawn():
    judged = tables.predictions()
    few = judged[~((judged["model"] == "cnn") & (judged["actor"] == "01")) & (judged["emotion"] != "sad")]
    assert len(plots.actor_bars(few).axes[0].containers) == 2
    assert len(plots.emotion_bars(few).axes[0].containers) == 2
    assert pd.notna(heights(plots.actor_bars(few).axes[0])).any()
