"""What the scores say about each other: ties, distances, what leaks add, and what chance gives."""

import numpy as np
import pandas as pd
import pytest

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.scores import score_differences, score_table
from ser_assets.reporting.comparison import Difference, best_of, chance_check, differences_on, gaps, lead
from ser_assets.reporting.leaderboard import leaderboards
from ser_assets_tests.factories import report_tables

NAN = float("nan")


def prediction_table(uars: dict[str, float], rows: list[tuple[str, str, float, float, float]]) -> str:
    board = leaderboards(report_tables.uars(uars))[0]
    return lead(board, differences_on(board, report_tables.differences(rows)))


def test_a_model_whose_whole_interval_is_above_zero_is_ahead_by_so_many_points():
    predicted = prediction_table({"complex_cnn": 0.6, "cnn": 0.566}, [("complex_cnn", "cnn", 0.034, 0.005, 0.063)])
    assert predicted == "CNN is 3.4 points behind (95 % interval of the difference 0.5 to 6.3 points)."


@pytest.mark.parametrize("low", [-0.006, 0.0])
def test_a_difference_within_the_noise_is_a_tie(low: float):
    predicted = prediction_table({"complex_cnn": 0.6, "cnn": 0.566}, [("complex_cnn", "cnn", 0.034, low, 0.063)])
    assert predicted.startswith("Tied with it, as the difference may be chance: CNN, 3.4 points behind")
    assert "is 3.4" not in predicted


def test_ties_are_named_first_then_those_behind_then_those_nobody_compared():
    predicted = prediction_table(
        {"svm": 0.6, "cnn": 0.58, "tree": 0.5, "lda": 0.45, "knn": 0.4},
        [("svm", "cnn", 0.02, -0.01, 0.05), ("svm", "tree", 0.1, 0.05, 0.15), ("svm", "lda", 0.15, 0.1, 0.2)],
    )
    assert predicted == (
        "Tied with it, as the difference may be chance: CNN, 2.0 points behind "
        "(95 % interval of the difference −1.0 to 5.0 points). "
        "tree is 10.0 points behind (95 % interval of the difference 5.0 to 15.0 points) and lda 15.0 (10.0 to 20.0). "
        "Whether it is ahead of knn is not known."
    )


def test_a_difference_that_was_written_the_other_way_round_is_turned():
    predicted = prediction_table({"svm": 0.6, "cnn": 0.6}, [("cnn", "svm", 0.0, -0.02, 0.05)])
    assert "CNN, 0.0 points behind (95 % interval of the difference −5.0 to 2.0 points)" in predicted


def test_without_a_comparison_the_lead_may_be_chance():
    predicted = prediction_table({"svm": 0.6, "cnn": 0.5}, [])
    assert predicted == (
        "Next is CNN with 50.0 % (95 % interval 46.0 to 54.0 %); the two were not compared take by take, "
        "so the lead may be chance."
    )


def test_without_an_interval_nothing_is_claimed_about_the_lead():
    assert prediction_table({"svm": 0.6, "cnn": 0.5}, [("svm", "cnn", 0.1, NAN, NAN)]) == (
        "Whether it is ahead of CNN is not known."
    )


def test_a_single_model_is_compared_with_nobody():
    assert prediction_table({"svm": 0.6}, []) == ""


def test_only_differences_of_the_board_in_uar_count_the_best_pairs_first():
    evaluated = report_tables.predictions(("random_forest", "cnn", "svm"))
    other = evaluated.assign(protocol="random_split", fold_scheme="")
    both = pd.concat([evaluated, other])
    board = leaderboards(score_table(both, draws=20))[0]
    found = differences_on(board, score_differences(both, draws=20))
    best, second, third = board.rows
    assert [(each.model, each.other) for each in found] == [(best, second), (best, third), (second, third)]
    uar = {model: scores["uar"].value for model, scores in board.rows.items()}
    assert [each.value for each in found] == pytest.approx([uar[each.model] - uar[each.other] for each in found])


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.05, "interval excludes zero"),
        (-0.05, -0.01, "interval excludes zero"),
        (0.0, 0.05, "may be chance"),
        (NAN, NAN, "not known: too few actors"),
    ],
)
def test_the_verdict_says_no_more_than_the_interval(low: float, high: float, verdict: str):
    assert Difference(0.03, low, high, "svm", "cnn").verdict == verdict


def test_whoever_was_picked_as_the_best_of_many_is_said_to_be():
    predicted = best_of(leaderboards(report_tables.uars({"svm": 0.6, "cnn": 0.5, "tree": 0.4}))[0])
    assert predicted.startswith("svm is the best of 3 models on these very takes, which flatters it slightly; ")
    assert predicted.endswith("not corrected for their number.")
    assert best_of(leaderboards(report_tables.uars({"svm": 0.6}))[0]) == ""


def test_what_a_leak_adds_is_the_leaky_score_minus_the_honest_one():
    table = pd.concat(
        [
            report_tables.uars({"cnn": 0.5, "svm": 0.4}),
            report_tables.uars({"cnn": 0.45}, fold_scheme="emobox6"),
            report_tables.uars({"cnn": 0.7, "svm": 0.35}, "random_split_leaky", ""),
            report_tables.uars({"cnn": 0.6}, "speaker_normalised"),
        ]
    )
    assert gaps(leaderboards(table)) == [
        (
            "Against Speaker-independent, luna5, in points of UAR: Random split with leaks (CNN +20.0 and svm −5.0); "
            "Speaker-normalised, luna5 (CNN +10.0)."
        ),
        "Random splits evaluate a fifth of the takes only, so their gaps are rough and unpaired.",
    ]


def test_folds_by_actor_have_gaps_that_nobody_needs_to_be_warned_of():
    table = pd.concat([report_tables.uars({"cnn": 0.5}), report_tables.uars({"cnn": 0.6}, "speaker_normalised")])
    assert gaps(leaderboards(table)) == [
        "Against Speaker-independent, luna5, in points of UAR: Speaker-normalised, luna5 (CNN +10.0)."
    ]


def test_without_honest_scores_no_gap_is_told():
    table = pd.concat(
        [
            report_tables.uars({"cnn": 0.5}, "random_split", ""),
            report_tables.uars({"cnn": 0.8}, "random_split_leaky", ""),
        ]
    )
    assert gaps(leaderboards(table)) == []


def answers(right: int, takes: int = 800, model: str = "svm") -> pd.DataFrame:
    """As many takes of each emotion, so many of them named right; the others are taken for the next emotion."""
    truth = np.arange(takes) % len(EMOTIONS)
    predicted = np.where(np.arange(takes) < right, truth, (truth + 1) % len(EMOTIONS))
    return predictions_of(truth, predicted, model)


def predictions_of(truth: np.ndarray, predicted: np.ndarray, model: str) -> pd.DataFrame:
    chances = pd.DataFrame(np.eye(len(EMOTIONS))[predicted], columns=[f"p_{emotion}" for emotion in EMOTIONS])
    return chances.assign(model=model, emotion=np.array(EMOTIONS)[truth])


CHANCE = 1 / len(EMOTIONS)
PERMUTED = leaderboards(report_tables.uars({"svm": 0.3}, "permuted_labels"))[0]


# One emotion of eight in 800 takes has a standard error of 1.17 points: three of them above 12.5 % is 16.0 %.
@pytest.mark.parametrize(("right", "leaks"), [(100, False), (128, False), (129, True)])
def test_permuted_labels_are_a_leak_from_three_standard_errors_above_chance(right: int, leaks: bool):
    predicted = chance_check(PERMUTED, answers(right), CHANCE)
    assert predicted.startswith("Labels permuted, luna5: should be at chance, 12.5 %.")
    assert ("Look for a leak" in predicted) == leaks
    assert ("svm (accuracy 16.1 %)" in predicted) == leaks


def test_always_naming_the_most_frequent_emotion_is_no_leak():
    truth = np.repeat(np.arange(8), [400, *[50] * 7])
    assert "No model is above it" in chance_check(PERMUTED, predictions_of(truth, np.zeros_like(truth), "svm"), CHANCE)


def test_of_four_models_without_a_leak_none_is_accused():
    random = np.random.default_rng(0)
    truth = np.repeat(np.arange(8), [96, *[192] * 7])
    for _ in range(40):
        guessed = [predictions_of(truth, random.integers(8, size=truth.size), f"model {number}") for number in range(4)]
        assert "Look for a leak" not in chance_check(PERMUTED, pd.concat(guessed), CHANCE)


def test_permuted_labels_without_predictions_are_not_judged():
    assert chance_check(PERMUTED, pd.DataFrame(), CHANCE).endswith("There are no predictions to check it.")
