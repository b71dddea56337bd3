"""The report of recordings that are not RAVDESS's: other emotions, other speakers, and labels that nobody knows."""

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_assets.corpus.interface import CorpusIdentity
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.scores import score_differences, score_table, scores_by_group
from ser_assets.reporting.comparison import chance_check
from ser_assets.reporting.figures import clips as clip_figures
from ser_assets.reporting.figures import confusion_and_recall
from ser_assets.reporting.figures import scores as score_figures
from ser_assets.reporting.figures.style import to_png
from ser_assets.reporting.labels import EMOTION_COLOURS, emotion_colours, metric_note
from ser_assets.reporting.leaderboard import leaderboards
from ser_assets.reporting.page import write_report
from ser_assets.reporting.report_data import ExampleClip, MissedTake, ReportData
from ser_assets.reporting.summary import informative_groups
from ser_assets_tests.factories import report_tables
from ser_assets_tests.factories.examples import made_up_predictions

FIVE = ("joy", "Ärger", "not sure", "$a_{b", 'sad | "<blue>"')
TWELVE = tuple(f"emotion {number}" for number in range(12))
SPEAKERS = ("Anna B", "Ben", "Çağrı", "d'Or", "Eve, née Li", "F")


def report_of(
    emotions: tuple[str, ...], speakers: tuple[str, ...] = SPEAKERS, *, gender: str | None = None
) -> ReportData:
    """A report with all sections of two models; of the takes no more is known than who performed which emotion."""
    forest, cnn = (
        made_up_predictions(speakers, seed=number, model=model, emotions=emotions).assign(fold_scheme="groups5")
        for number, model in enumerate(("random_forest", "cnn"))
    )
    evaluated = pd.concat([forest, cnn, cnn.assign(protocol="permuted_labels")], ignore_index=True)
    takes = forest[["take_id", "actor", "emotion"]].assign(gender=gender, intensity=None, statement=None, seconds=2.0)
    clips = [
        ExampleClip(emotion, gender or "", "a take", report_tables.chirp(), report_tables.SAMPLING_RATE)
        for emotion in emotions
    ]
    predicted = {"cnn": (emotions[1], 0.6), "random_forest": (emotions[-1], 0.5)}
    return ReportData(
        corpus=CorpusIdentity("table-voices", "voices.csv", ""),
        predictions=evaluated,
        scores=score_table(evaluated, draws=50),
        differences=score_differences(evaluated, draws=50),
        group_scores=scores_by_group(evaluated, takes, draws=50),
        missed=[MissedTake(clips[0], speakers[0], None, None, predicted)],
        missed_count=1,
        takes=takes,
        clips=takes[["take_id", "actor", "emotion"]].assign(variant=0),
        examples=clips,
        leakage_audit=pd.DataFrame(
            [("speaker_independent", "groups5", "1", speakers[0], ", ".join(speakers[1:]), 50, 10, 0, 0, 0, "actors")],
            columns=[
                *("protocol", "fold_scheme", "fold", "test_actors", "training_actors", "training_clips", "test_takes"),
                *("shared_actors", "shared_takes", "shared_recordings", "disjoint"),
            ],
        ),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(report_of(FIVE), tmp_path_factory.mktemp("other") / "report").parent


@pytest.fixture(scope="module")
def both_pages(folder: Path) -> list[str]:
    return [(folder / name).read_text(encoding="utf-8").replace("\u00a0", " ") for name in ("index.html", "report.md")]


def test_guessing_and_blind_log_loss_are_those_of_its_own_emotions(both_pages: list[str]) -> None:
    for page in both_pages:
        assert "chance is 20.0 %" in page
        assert "should be at chance, 20.0 %" in page
        assert "blind guessing: 1.61" in page
        assert "12.5 %" not in page


def test_nothing_is_said_of_ravdess_its_notebook_or_those_who_were_judged_on_it(both_pages: list[str]) -> None:
    for page in both_pages:
        assert not re.search("RAVDESS|published|notebook|[Nn]eutral", page)


def test_what_is_not_known_of_a_take_is_left_out(both_pages: list[str]) -> None:
    page, markdown = both_pages
    assert '<p class="small">actor Anna B</p>' in page
    assert "60 takes of 6 actors, 2.0 minutes" in page
    for text in both_pages:
        assert not re.search(r"None|\bnan\b|By gender|by gender", text)
    assert "| a take | joy | Anna B |  |  |" in markdown


def test_names_that_mean_something_to_html_and_markdown_are_told_as_they_are(both_pages: list[str]) -> None:
    page, markdown = both_pages
    assert "sad | &#34;&lt;blue&gt;&#34;" in page
    assert 'Random Forest: sad \\| "<blue>" 50 %' in markdown
    assert "Ben, Çağrı, d&#39;Or, Eve, née Li, F" in page


def test_the_machine_readable_report_has_the_emotions_in_the_order_of_the_predictions(folder: Path) -> None:
    figures = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert figures["emotions"] == list(FIVE)
    assert np.shape(figures["confusion"]["cnn"]) == (5, 5)
    assert figures["references"] == []
    assert [row["emotion"] for row in figures["recall_by_emotion"][:5]] == list(FIVE)
    assert figures["headline"]["chance"] == 0.2


@pytest.mark.parametrize("emotions", [TWELVE, FIVE, FIVE[:2]])
def test_any_number_of_emotions_is_drawn_each_in_a_panel_of_its_own(emotions: tuple[str, ...]) -> None:
    data = report_of(emotions)
    board = leaderboards(data.scores)[0]
    evaluated = board.of(data.predictions)
    figure = confusion_and_recall.samples_per_actor_and_emotion(data.clips, emotions)
    shown = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title(loc="left").split(":")[0] for axes in shown] == list(emotions)
    matrix = confusion_and_recall.model_confusion(evaluated, "cnn")
    assert [label.get_text() for label in matrix.axes[0].get_xticklabels()] == list(emotions)
    grid = clip_figures.example_grid(data.examples, "", emotions)
    for drawn in (
        figure,
        matrix,
        grid,
        confusion_and_recall.emotion_bars(evaluated),
        confusion_and_recall.actor_bars(evaluated),
    ):
        assert to_png(drawn, dpi=40).startswith(b"\x89PNG")


def test_a_hundred_speakers_have_a_bar_each_and_names_that_do_not_run_into_each_other() -> None:
    speakers = tuple(f"speaker {number:03d}" for number in range(100))
    axes = confusion_and_recall.actor_bars(made_up_predictions(speakers, 1, emotions=FIVE)).axes[0]
    names = axes.get_xticklabels()
    assert len(axes.patches) == 100
    assert {label.get_rotation() for label in names} == {90}
    assert 30 < len(names) < 90


def test_groupings_that_tell_nothing_apart_are_left_out() -> None:
    assert informative_groups(report_of(FIVE).group_scores).empty
    assert informative_groups(report_of(FIVE, gender="female").group_scores).empty
    assert informative_groups(pd.DataFrame()).empty
    data = report_of(FIVE)
    half = data.takes.assign(intensity=np.where(data.takes.index % 2, "loud", None))
    assert informative_groups(scores_by_group(data.predictions, half, draws=5)).empty
    loudness = data.takes.assign(intensity=np.where(data.takes.index % 2, "loud", "low"))
    groups = informative_groups(scores_by_group(data.predictions, loudness, draws=5))
    assert set(groups["grouping"]) == {"intensity"}
    assert [axes.get_title(loc="left") for axes in score_figures.group_dots(groups, 0.2).axes] == ["Intensity"]


def test_a_known_emotion_keeps_its_colour_and_the_others_share_out_what_is_free() -> None:
    assert emotion_colours(EMOTIONS) == EMOTION_COLOURS
    colours = emotion_colours(("joy", "sad", "boredom"))
    assert colours["sad"] == EMOTION_COLOURS["sad"]
    assert len(set(colours.values())) == 3
    assert set(emotion_colours(TWELVE).values()) == set(EMOTION_COLOURS.values())


def test_blind_guessing_among_two_emotions_costs_the_logarithm_of_two() -> None:
    assert "blind guessing: 0.69" in metric_note("log_loss", FIVE[:2])


def test_permuted_labels_are_held_against_the_chance_of_these_emotions() -> None:
    board = leaderboards(report_tables.uars({"cnn": 0.2}, "permuted_labels"))[0]
    evaluated = made_up_predictions(SPEAKERS, emotions=FIVE)
    assert "at chance, 20.0 %" in chance_check(board, evaluated, 0.2)


def test_a_page_in_other_scripts_tells_beside_each_picture_what_its_spellings_stand_for(tmp_path: Path) -> None:
    labels = ("高兴", "غضب", "दुःख", "a|b", "<b>joy</b>")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Glyph")
        folder = write_report(report_of(labels), tmp_path / "report").parent
    page, markdown = ((folder / name).read_text(encoding="utf-8") for name in ("index.html", "report.md"))
    legend = "ghdb = غضب, duhkh = दुःख, GaoXing = 高兴"
    assert page.count(f"In the picture: {legend}") == markdown.count(f"In the picture: {legend}") >= 4
    assert "<b>joy" not in page
