"""Who leads, by how much, and whether that means anything."""

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from ser_assets.learning.scores import score_table
from ser_assets.reporting.summary import (
    boards,
    headline,
    recalls_by_actor,
    recalls_by_emotion,
    score_markdown,
    score_table_for_terminal,
)
from ser_assets_tests.reporting import tables

NAN = float("nan")


def test_the_best_is_picked_by_uar_even_where_another_has_more_accuracy():
    table = tables.scores(
        [
            ("cnn", "uar", 0.50, 0.45, 0.55),
            ("cnn", "accuracy", 0.90, 0.85, 0.95),
            ("complex_cnn", "uar", 0.60, 0.56, 0.64),
            ("complex_cnn", "accuracy", 0.58, 0.54, 0.62),
        ]
    )
    said = headline(boards(table)[0])
    assert said.model == "complex_cnn"
    assert said.sentence == (
        "Complex CNN recognises 60.0 % of emotions in voices it has never heard (95 % interval 56.0 to 64.0 %)."
    )
    assert said.accuracy is not None
    assert said.accuracy.value == 0.58


@pytest.mark.parametrize(
    ("runner_up_high", "words"), [(0.55, "clearly ahead"), (0.56, "may be chance"), (0.70, "may be chance")]
)
def test_a_lead_counts_only_where_the_intervals_do_not_overlap(runner_up_high: float, words: str):
    table = tables.scores([("cnn", "uar", 0.60, 0.56, 0.64), ("complex_cnn", "uar", 0.52, 0.48, runner_up_high)])
    assert words in headline(boards(table)[0]).comparison


def test_without_intervals_nothing_is_claimed_about_the_lead():
    table = tables.scores([("cnn", "uar", 0.60, NAN, NAN), ("complex_cnn", "uar", 0.52, 0.48, 0.55)])
    said = headline(boards(table)[0])
    assert "interval" not in said.sentence
    assert "nobody can say" in said.comparison


def test_a_single_model_is_compared_with_nobody():
    assert headline(boards(tables.scores([("cnn", "uar", 0.6, 0.5, 0.7)]))[0]).comparison == ""


def test_a_random_split_is_never_sold_as_unheard_voices():
    table = tables.scores([("cnn", "uar", 0.8, 0.7, 0.9)], protocol="random_split")
    assert "also heard in training" in headline(boards(table)[0]).sentence


def test_the_speaker_independent_board_comes_first_whatever_the_others_reach():
    table = pd.concat(
        [
            tables.scores([("cnn", "uar", 0.9, 0.8, 1.0)], protocol="random_split_leaky"),
            tables.scores([("cnn", "uar", 0.4, 0.3, 0.5)]),
        ]
    )
    assert [board.protocol for board in boards(table)] == ["speaker_independent", "random_split_leaky"]


def test_scores_that_are_missing_are_refused_by_name():
    with pytest.raises(ValueError, match="empty"):
        boards(tables.scores([]))
    with pytest.raises(ValueError, match="no UAR among the scores of cnn"):
        boards(tables.scores([("cnn", "accuracy", 0.5, 0.4, 0.6)]))


def test_score_markdown_is_one_table_with_intervals_and_what_they_rest_on():
    table = tables.scores([("cnn", "uar", 0.5, 0.45, 0.55), ("cnn", "my_metric", 0.25, NAN, NAN)])
    basis = "(24 actors, 1440 takes; 95 % intervals by bootstrap over actors)"
    assert score_markdown(table).splitlines() == [
        f"**Speaker-independent, Luna-Jiménez's five folds by actor** {basis}",
        "",
        "| Model | UAR | my metric |",
        "| --- | ---: | ---: |",
        "| CNN | 0.500 [0.450, 0.550] | 0.250 |",
    ]


def test_the_terminal_shows_the_same_numbers():
    judged = tables.predictions()
    table = score_table(judged, draws=50)
    console = Console(width=160)
    with console.capture() as capture:
        console.print(score_table_for_terminal(table))
    printed = capture.get()
    assert all(f"{value:.3f}" in printed for value in table["value"])


def test_recalls_are_given_for_every_model():
    judged = tables.predictions(("random_forest", "svm"))
    by_actor, by_emotion = recalls_by_actor(judged), recalls_by_emotion(judged)
    assert len(by_actor) == 2 * len(tables.ACTORS)
    assert len(by_emotion) == 2 * 8
    overall = score_table(judged, draws=10).query("model == 'svm' and metric == 'uar'")["value"].item()
    assert np.isclose(by_emotion.query("model == 'svm'")["recall"].mean(), overall)
