"""Who leads, and the compact tables of the shell and the UI."""

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from ser_assets.learning.evaluation.scores import score_table
from ser_assets.reporting.labels import METRIC_NAMES
from ser_assets.reporting.leaderboard import leaderboards
from ser_assets.reporting.summary import (
    board_markdown,
    headline,
    recalls_by_actor,
    recalls_by_emotion,
    score_markdown,
    score_table_for_terminal,
)
from ser_assets_tests.factories import report_tables

NAN = float("nan")


def test_the_best_is_picked_by_uar_even_where_another_has_more_accuracy():
    table = report_tables.scores(
        [
            ("cnn", "uar", 0.50, 0.45, 0.55),
            ("cnn", "accuracy", 0.90, 0.85, 0.95),
            ("complex_cnn", "uar", 0.60, 0.56, 0.64),
            ("complex_cnn", "accuracy", 0.58, 0.54, 0.62),
        ]
    )
    predicted = headline(leaderboards(table)[0])
    assert predicted.model == "complex_cnn"
    assert predicted.sentence == (
        "Complex CNN recognises 60.0 % of emotions of speakers it was not trained on (95 % interval 56.0 to 64.0 %)."
    )
    assert predicted.accuracy is not None
    assert predicted.accuracy.value == 0.58


def test_a_single_model_is_compared_with_nobody():
    assert headline(leaderboards(report_tables.scores([("cnn", "uar", 0.6, 0.5, 0.7)]))[0]).comparison == ""


def test_a_random_split_is_never_presented_as_unseen_speakers():
    table = report_tables.scores([("cnn", "uar", 0.8, 0.7, 0.9)], protocol="random_split")
    assert "also trained on" in headline(leaderboards(table)[0]).sentence


def test_the_speaker_independent_board_comes_first_whatever_the_others_reach():
    table = pd.concat(
        [
            report_tables.scores([("cnn", "uar", 0.9, 0.8, 1.0)], protocol="random_split_leaky"),
            report_tables.scores([("cnn", "uar", 0.4, 0.3, 0.5)]),
        ]
    )
    assert [board.protocol for board in leaderboards(table)] == ["speaker_independent", "random_split_leaky"]


def test_scores_that_are_missing_are_refused_by_name():
    with pytest.raises(ValueError, match="empty"):
        leaderboards(report_tables.scores([]))
    with pytest.raises(ValueError, match="no UAR among the scores of cnn"):
        leaderboards(report_tables.scores([("cnn", "accuracy", 0.5, 0.4, 0.6)]))


def test_boards_are_in_the_order_of_protocols_and_of_fold_schemes_in_each():
    found = [("random_split", ""), ("speaker_normalised", "luna5"), ("speaker_independent", "loso")]
    found += [("permuted_labels", "luna5"), ("speaker_independent", "emobox6"), ("speaker_independent", "luna5")]
    table = pd.concat([report_tables.uars({"cnn": 0.5}, protocol, fold_scheme) for protocol, fold_scheme in found])
    assert [(board.protocol, board.fold_scheme) for board in leaderboards(table)] == [
        *(("speaker_independent", fold_scheme) for fold_scheme in ("luna5", "emobox6", "loso")),
        ("speaker_normalised", "luna5"),
        ("random_split", ""),
        ("permuted_labels", "luna5"),
    ]


def test_a_board_takes_its_own_rows_of_any_table():
    table = pd.concat(
        [report_tables.uars({"cnn": 0.5}, fold_scheme=fold_scheme) for fold_scheme in ("luna5", "emobox6")]
    )
    second = leaderboards(table)[1]
    assert second.of(table)["fold_scheme"].tolist() == ["emobox6"]
    assert second.of(pd.DataFrame()).empty


def test_board_markdown_has_a_row_for_each_metric_with_its_interval_and_what_it_rests_on():
    table = report_tables.scores([("cnn", "uar", 0.5, 0.45, 0.55), ("cnn", "my_metric", 0.25, NAN, NAN)])
    basis = "(24 actors, 1440 takes; 95 % intervals by bootstrap over actors)"
    expected = [
        f"**Speaker-independent, Luna-Jiménez's five folds by actor** {basis}",
        "",
        "| Metric | CNN |",
        "| --- | ---: |",
        "| UAR | 0.500 [0.450, 0.550] |",
        "| my metric | 0.250 |",
    ]
    assert board_markdown(leaderboards(table)[0]).splitlines() == expected
    assert score_markdown(table).splitlines() == expected


def test_score_markdown_sets_protocols_side_by_side_and_tells_all_metrics_of_the_first_alone():
    table = pd.concat(
        [
            report_tables.uars({"cnn": 0.5, "svm": 0.4}),
            report_tables.scores(
                [("cnn", "uar", 0.8, NAN, NAN), ("cnn", "accuracy", 0.9, NAN, NAN)], "random_split", ""
            ),
        ]
    )
    lines = score_markdown(table).splitlines()
    assert "| Protocol | CNN | svm |" in lines
    assert "| Speaker-independent, luna5 | 0.500 [0.460, 0.540] | 0.400 [0.360, 0.440] |" in lines
    assert "| Random split | 0.800 |  |" in lines
    assert not any("Accuracy" in line for line in lines)


def printed(table: pd.DataFrame, width: int) -> str:
    console = Console(width=width)
    with console.capture() as capture:
        console.print(score_table_for_terminal(table))
    return capture.get()


def test_the_terminal_shows_the_headline_and_the_same_numbers():
    table = score_table(report_tables.predictions(), draws=50)
    shown = printed(table, width=80)
    assert "speakers it was not trained on" in " ".join(shown.split())
    assert all(f"{value:.3f}" in shown for value in table["value"])


def test_six_boards_of_four_models_and_seven_metrics_fit_into_80_columns():
    models = ("random_forest", "neural_network", "cnn", "complex_cnn")
    metrics = tuple(METRIC_NAMES)
    schemes = [("speaker_independent", "luna5"), ("speaker_independent", "emobox6"), ("speaker_normalised", "luna5")]
    schemes += [("speaker_normalised", "emobox6"), ("random_split", ""), ("random_split_leaky", "")]
    value = iter(np.arange(168) / 1000)
    table = pd.concat(
        report_tables.scores(
            [(model, metric, next(value), 0.1, 0.9) for model in models for metric in metrics], *scheme
        )
        for scheme in schemes
    )
    shown = printed(table, width=80)
    uar = table[table["metric"] == "uar"]
    first = table[(table["protocol"] == "speaker_independent") & (table["fold_scheme"] == "luna5")]
    assert all(f" {value:.3f} " in shown for value in [*uar["value"], *first["value"]])
    assert shown.count("0.10-0.90") == 6 * 4 + 7 * 4
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_recalls_are_given_for_every_model():
    evaluated = report_tables.predictions(("random_forest", "svm"))
    by_actor, by_emotion = recalls_by_actor(evaluated), recalls_by_emotion(evaluated)
    assert len(by_actor) == 2 * len(report_tables.ACTORS)
    assert len(by_emotion) == 2 * 8
    overall = score_table(evaluated, draws=10).query("model == 'svm' and metric == 'uar'")["value"].item()
    assert np.isclose(by_emotion.query("model == 'svm'")["recall"].mean(), overall)
