"""What the scores say about each other: ties, distances, what a leak is worth, and what chance gives."""

import pandas as pd
import pytest

from ser_assets.learning.scores import score_differences, score_table
from ser_assets.reporting.boards import boards
from ser_assets.reporting.comparison import chance_check, differences_on, gaps, lead
from ser_assets_tests.reporting import tables

NAN = float("nan")


def said_of(uars: dict[str, float], rows: list[tuple[str, str, float, float, float]]) -> str:
    board = boards(tables.uars(uars))[0]
    return lead(board, differences_on(board, tables.differences(rows)))


def test_a_model_whose_whole_interval_is_above_zero_is_ahead_by_so_many_points():
    said = said_of({"complex_cnn": 0.6, "cnn": 0.566}, [("complex_cnn", "cnn", 0.034, 0.005, 0.063)])
    assert said == "CNN is 3.4 points behind (95 % interval of the difference 0.5 to 6.3 points)."


@pytest.mark.parametrize("low", [-0.006, 0.0])
def test_a_difference_within_the_noise_is_a_tie(low: float):
    said = said_of({"complex_cnn": 0.6, "cnn": 0.566}, [("complex_cnn", "cnn", 0.034, low, 0.063)])
    assert said.startswith("Tied with it, as the difference may be chance: CNN, 3.4 points behind")
    assert "is 3.4" not in said


def test_ties_are_named_first_then_those_behind_then_those_nobody_compared():
    said = said_of(
        {"svm": 0.6, "cnn": 0.58, "tree": 0.5, "lda": 0.45, "knn": 0.4},
        [("svm", "cnn", 0.02, -0.01, 0.05), ("svm", "tree", 0.1, 0.05, 0.15), ("svm", "lda", 0.15, 0.1, 0.2)],
    )
    assert said == (
        "Tied with it, as the difference may be chance: CNN, 2.0 points behind "
        "(95 % interval of the difference −1.0 to 5.0 points). "
        "tree is 10.0 points behind (95 % interval of the difference 5.0 to 15.0 points) and lda 15.0 (10.0 to 20.0). "
        "Whether it is ahead of knn is not known."
    )


def test_a_difference_that_was_written_the_other_way_round_is_turned():
    said = said_of({"svm": 0.6, "cnn": 0.6}, [("cnn", "svm", 0.0, -0.02, 0.05)])
    assert "CNN, 0.0 points behind (95 % interval of the difference −5.0 to 2.0 points)" in said


def test_without_a_comparison_the_lead_may_be_chance():
    said = said_of({"svm": 0.6, "cnn": 0.5}, [])
    assert said == (
        "Next is CNN with 50.0 % (95 % interval 46.0 to 54.0 %); nobody compared the two take by take, "
        "so the lead may be chance."
    )


def test_without_an_interval_nothing_is_claimed_about_the_lead():
    assert said_of({"svm": 0.6, "cnn": 0.5}, [("svm", "cnn", 0.1, NAN, NAN)]) == (
        "Whether it is ahead of CNN is not known."
    )


def test_a_single_model_is_compared_with_nobody():
    assert said_of({"svm": 0.6}, []) == ""


def test_only_differences_of_the_board_in_uar_count_the_best_pairs_first():
    judged = tables.predictions(("random_forest", "cnn", "svm"))
    other = judged.assign(protocol="random_split", folds="")
    both = pd.concat([judged, other])
    board = boards(score_table(both, draws=20))[0]
    found = differences_on(board, score_differences(both, draws=20))
    best, second, third = board.rows
    assert [(each.model, each.other) for each in found] == [(best, second), (best, third), (second, third)]
    uar = {model: scores["uar"].value for model, scores in board.rows.items()}
    assert [each.value for each in found] == pytest.approx([uar[each.model] - uar[each.other] for each in found])


def test_what_a_leak_is_worth_is_the_leaky_score_minus_the_honest_one():
    table = pd.concat(
        [
            tables.uars({"cnn": 0.5, "svm": 0.4}),
            tables.uars({"cnn": 0.45}, folds="emobox6"),
            tables.uars({"cnn": 0.7, "svm": 0.65}, "random_split_leaky", ""),
        ]
    )
    [said] = gaps(boards(table))
    assert said == (
        "Random split with leaks minus Speaker-independent, luna5, in points of UAR: CNN +20.0 and svm +25.0. "
        "A score from such a split promises a new speaker that much too much."
    )


def test_a_leak_that_does_not_help_everybody_is_not_said_to():
    table = pd.concat([tables.uars({"cnn": 0.5}), tables.uars({"cnn": 0.48}, "random_split_leaky", "")])
    assert gaps(boards(table)) == [
        "Random split with leaks minus Speaker-independent, luna5, in points of UAR: CNN −2.0."
    ]


def test_without_honest_scores_no_gap_is_told():
    table = pd.concat(
        [tables.uars({"cnn": 0.5}, "random_split", ""), tables.uars({"cnn": 0.8}, "random_split_leaky", "")]
    )
    assert gaps(boards(table)) == []


@pytest.mark.parametrize(("uar", "words"), [(0.13, "No model's interval lies above it"), (0.2, "svm (16.0 to 24.0 %)")])
def test_permuted_labels_are_checked_against_chance(uar: float, words: str):
    said = chance_check(boards(tables.uars({"svm": uar}, "permuted_labels"))[0])
    assert said.startswith("Labels permuted, luna5: should be at chance, 12.5 %.")
    assert words in said
    assert ("Look for a leak" in said) == (uar == 0.2)


def test_permuted_labels_without_an_interval_are_not_judged():
    table = tables.scores([("svm", "uar", 0.3, NAN, NAN)], "permuted_labels")
    assert "for want of actors" in chance_check(boards(table)[0])
