"""What the figures draw: checked on their marks and words, not on their pixels."""

import base64
import struct
import sys

import numpy as np
import pandas as pd
import pytest

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.scores import confusion_matrix, reliability, score_table, scores_by_group
from ser_assets.reporting.figures import clips as clip_figures
from ser_assets.reporting.figures import confusion_and_recall, thumbnails
from ser_assets.reporting.figures import scores as score_figures
from ser_assets.reporting.figures.style import to_png
from ser_assets.reporting.leaderboard import leaderboards
from ser_assets.reporting.references import PEOPLE, REFERENCES, SYSTEMS
from ser_assets.reporting.summary import informative_groups
from ser_assets_tests.factories import report_tables

CHANCE = 1 / len(EMOTIONS)


def words(figure) -> list[str]:
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def heights(axes) -> list[float]:
    return [round(bar.get_height(), 6) for bar in axes.patches]


def test_the_confusion_matrix_shows_share_of_the_row_and_number_of_takes():
    counts = np.zeros((8, 8), dtype=int)
    counts[0, :2] = 3, 1
    predicted = words(confusion_and_recall.confusion_heatmap(counts, EMOTIONS, "CNN"))
    assert {"75 %\n3", "25 %\n1", "neutral (4)", "calm (0)", "CNN"} <= set(predicted)


def test_bars_have_the_height_of_the_recalls_and_start_at_zero():
    evaluated = report_tables.predictions(("random_forest",))
    counts = confusion_matrix(evaluated)
    axes = confusion_and_recall.emotion_bars(evaluated).axes[0]
    assert np.allclose(heights(axes), np.diag(counts) / counts.sum(axis=1), atol=1e-6)
    assert axes.get_ylim() == (0, 1)


def test_actors_stand_in_the_order_of_their_numbers():
    predictions = report_tables.predictions()
    predictions["actor"] = predictions["actor"].map(lambda actor: str(2 * int(actor)))
    axes = confusion_and_recall.actor_bars(predictions).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "4", "6", "8", "10"]


def test_actor_bars_have_a_bar_for_each_actor_and_model():
    axes = confusion_and_recall.actor_bars(report_tables.predictions()).axes[0]
    assert len(axes.patches) == 2 * len(report_tables.ACTORS)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(report_tables.ACTORS)


def test_recalls_have_whiskers_where_intervals_are_known():
    data = report_tables.full_report()
    board = leaderboards(data.scores)[0]
    groups = board.of(data.group_scores)
    [cnn, forest] = confusion_and_recall.emotion_bars(board.of(data.predictions), groups).axes[0].collections
    own = (
        groups.query("grouping == 'emotion' and metric == 'uar' and model == 'cnn'").set_index("group").loc[[*EMOTIONS]]
    )
    drawn = {tuple(np.round(segment[:, 1], 9)) for each in (cnn, forest) for segment in each.get_segments()}
    assert {(round(low, 9), round(high, 9)) for low, high in zip(own["low"], own["high"], strict=True)} <= drawn
    assert not confusion_and_recall.emotion_bars(board.of(data.predictions)).axes[0].collections


def dots(axes) -> set[tuple[float, float]]:
    """Middle and height of every dot."""
    return {
        (round(float(line.get_xdata()[0]), 9), float(line.get_ydata()[0]))
        for line in axes.lines
        if line.get_marker() == "o"
    }


def test_protocols_have_a_band_each_with_every_model_at_its_score():
    table = pd.concat(
        [report_tables.uars({"cnn": 0.5, "svm": 0.4}), report_tables.uars({"svm": 0.9, "cnn": 0.8}, "random_split", "")]
    )
    figure = score_figures.protocols_side_by_side(leaderboards(table), CHANCE)
    assert [axes.get_xlim() for axes in figure.axes] == [(0, 1), (0, 1)]
    assert dots(figure.axes[0]) == {(0.5, 0), (0.4, 1), (0.8, 3), (0.9, 4)}
    assert words(figure).count("chance") == 2
    assert not any("people" in word for word in words(figure))


def test_published_scores_stand_below_in_their_own_metric_and_people_are_a_line():
    figure = score_figures.protocols_side_by_side(
        leaderboards(report_tables.uars({"cnn": 0.5})), CHANCE, REFERENCES["ravdess"]
    )
    predicted = words(figure)
    assert f"people {100 * PEOPLE.accuracy:.1f} %" in predicted
    assert {system.system for system in SYSTEMS} <= set(predicted)
    for axes, metric in zip(figure.axes, ("uar", "accuracy"), strict=True):
        drawn = sorted(line.get_xdata()[0] for line in axes.lines if line.get_marker() == "D")
        assert drawn == sorted(value for system in SYSTEMS if (value := system.value(metric)) is not None)


def test_reliability_has_a_panel_for_each_model_with_its_bins_and_its_calibration_error():
    evaluated = report_tables.predictions()
    board = leaderboards(score_table(evaluated, draws=20))[0]
    figure = score_figures.reliability_diagram(evaluated, board)
    shown = [axes for axes in figure.axes if axes.get_visible() and axes.get_title(loc="left")]
    assert [axes.get_title(loc="left") for axes in shown] == ["Random Forest", "CNN"]
    for axes, model in zip(shown, board.rows, strict=True):
        bins = reliability(evaluated[evaluated["model"] == model])
        assert np.allclose(axes.collections[0].get_offsets(), bins[["confidence", "accuracy"]])
        error = board.rows[model]["calibration_error"].value
        assert f"calibration error {error:.3f}" in words(axes)


def test_groups_are_drawn_with_every_model_at_its_uar():
    data = report_tables.full_report()
    board = leaderboards(data.scores)[0]
    groups = informative_groups(scores_by_group(board.of(data.predictions), data.takes, draws=20))
    figure = score_figures.group_dots(groups, CHANCE)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Gender", "Intensity", "Statement"]
    own = data.group_scores.query("protocol == 'speaker_independent' and grouping == 'gender' and metric == 'uar'")
    assert {x for x, _ in dots(figure.axes[0])} == {round(value, 9) for value in own["value"]}
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["female\n", "male\n"]


def test_copies_are_stacked_on_originals():
    clips = report_tables.full_report().clips
    figure = confusion_and_recall.samples_per_actor_and_emotion(clips, EMOTIONS)
    neutral = figure.axes[0]
    assert heights(neutral) == [2] * 10
    assert [bar.get_y() for bar in neutral.patches] == [0] * 5 + [2] * 5
    assert "neutral: 10 originals, 10 copies" in words(figure)


def test_only_the_first_25_features_are_drawn_the_largest_on_top():
    importances = report_tables.full_report().importances.sample(frac=1, random_state=1)
    axes = confusion_and_recall.feature_importances(importances).axes[0]
    assert len(axes.patches) == 25
    assert axes.get_yticklabels()[0].get_text() == "mfcc_39_std"
    assert axes.yaxis_inverted()


def test_the_mean_learning_curve_ends_where_the_first_fold_ends():
    figure = confusion_and_recall.learning_curves(report_tables.full_report().learning_curves)
    ends = {(line.get_linewidth(), np.max(line.get_xdata())) for line in figure.axes[0].lines}
    assert ends == {(0.8, 4), (2.2, 3)}


def test_the_grid_shows_only_emotions_that_have_a_clip():
    figure = clip_figures.example_grid(report_tables.full_report().examples, "female", EMOTIONS)
    shown = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible() and axes.get_title(loc="left")]
    assert shown == list(EMOTIONS[:5])


@pytest.mark.parametrize("samples", [np.zeros(8000, np.float32), report_tables.chirp(0.01), report_tables.chirp(3)])
def test_silence_and_short_clips_are_drawn_too(samples: np.ndarray):
    assert thumbnails.clip_strip([("calm", samples)], report_tables.SAMPLING_RATE).startswith(b"\x89PNG")


def test_small_pictures_have_the_same_bytes_each_time():
    counts = confusion_matrix(report_tables.predictions(("cnn",)))

    def draw() -> list[bytes]:
        clips = [("angry", report_tables.chirp()), ("sad", report_tables.chirp(0.2))]
        return [
            thumbnails.clip_strip(clips, report_tables.SAMPLING_RATE),
            thumbnails.confusion_picture(counts, EMOTIONS),
        ]

    first = draw()
    assert first == draw()
    assert all(b"Software" not in png for png in first)


def test_a_strip_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no clip"):
        thumbnails.clip_strip([], report_tables.SAMPLING_RATE)


def test_markdown_carries_the_picture_itself():
    png = thumbnails.clip_strip([("calm", report_tables.chirp())], report_tables.SAMPLING_RATE)
    encoded = base64.b64encode(png).decode()
    assert thumbnails.markdown_picture(png, "a clip") == f"![a clip](data:image/png;base64,{encoded})"


def test_no_figure_is_left_in_pyplot():
    figure = confusion_and_recall.emotion_bars(report_tables.predictions(("cnn",)))
    width, height = struct.unpack(">II", to_png(figure, dpi=50)[16:24])
    assert (width, height) == (550, 190)
    assert sys.modules["matplotlib.pyplot"].get_fignums() == []


def test_a_model_without_some_emotion_or_actor_is_still_drawn():
    evaluated = report_tables.predictions()
    few = evaluated[~((evaluated["model"] == "cnn") & (evaluated["actor"] == "01")) & (evaluated["emotion"] != "sad")]
    assert len(confusion_and_recall.actor_bars(few).axes[0].containers) == 2
    assert len(confusion_and_recall.emotion_bars(few).axes[0].containers) == 2
    assert pd.notna(heights(confusion_and_recall.actor_bars(few).axes[0])).any()
