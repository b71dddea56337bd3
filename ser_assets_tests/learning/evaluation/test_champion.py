"""The rule for the champion: the best, but never on a lead that may be luck; and what blocks a new one."""

import numpy as np
import pandas as pd
import pytest

from ser_assets.corpus.ravdess import ACTORS, EMOTIONS
from ser_assets.learning.evaluation.champion import NotEvaluatedError, choose, drop
from ser_assets.learning.evaluation.scores import score_differences, score_table

SIZES = {"ensemble": 40_000_000, "neural_network": 2_000_000, "random_forest": 30_000_000}
SIX = ACTORS[:6]


def predicted(model: str, right: float, actors: tuple[str, ...] = SIX, **labels: str) -> pd.DataFrame:
    """Two takes of each emotion from every actor; the model names this share of the takes of each actor right."""
    rows = pd.DataFrame(
        [
            {"take_id": f"{emotion}-{repetition}-{actor}", "actor": actor, "emotion": emotion}
            for actor in actors
            for repetition in (1, 2)
            for emotion in EMOTIONS
        ]
    )
    place = rows.groupby("actor").cumcount()
    hit = place < right * place.groupby(rows["actor"]).transform("size")
    named = rows["emotion"].map(EMOTIONS.index).to_numpy() + np.where(hit, 0, 1)
    probabilities = np.full((len(rows), len(EMOTIONS)), 0.05)
    probabilities[np.arange(len(rows)), named % len(EMOTIONS)] = 0.65
    table = pd.concat([rows, pd.DataFrame(probabilities, columns=[f"p_{name}" for name in EMOTIONS])], axis=1)
    given = {"protocol": "speaker_independent", "fold_scheme": "luna5", "fold": "1", "audio_hash": table["take_id"]}
    return table.assign(model=model, **{**given, **labels})


def wavering(model: str, right: float, by: float, actors: tuple[str, ...] = SIX) -> pd.DataFrame:
    """Better than `right` in every second actor, and as much worse in the others."""
    return pd.concat(
        predicted(model, right + by * (1 if number % 2 else -1), (actor,)) for number, actor in enumerate(actors)
    )


def chosen(*predictions: pd.DataFrame, sizes: dict[str, int] | None = None) -> tuple[str, str]:
    table = pd.concat(predictions, ignore_index=True)
    choice = choose(score_table(table), score_differences(table), SIZES if sizes is None else sizes)
    return choice.model, choice.reason


def test_a_champion_of_other_emotions_is_no_measure_of_a_new_one() -> None:
    new = predicted("cnn", 0.8)
    last = new.rename(columns={"p_calm": "p_joy"})
    assert drop(last, new).sentence.startswith("not compared with the last champion, which knows neutral, joy")
    assert not drop(last, new).blocked


def test_the_best_is_chosen_where_it_beats_the_others_beyond_the_interval() -> None:
    model, reason = chosen(
        predicted("ensemble", 0.8), predicted("neural_network", 0.5), predicted("random_forest", 0.3)
    )
    assert model == "ensemble"
    assert "0.8" in reason
    assert "beats Neural Network, Random Forest beyond the 95 % interval" in reason


def test_a_lead_that_may_be_luck_goes_to_the_smaller_model() -> None:
    model, reason = chosen(
        wavering("ensemble", 0.7, 0.2), predicted("neural_network", 0.65), predicted("random_forest", 0.3)
    )
    assert model == "neural_network"
    assert "Ensemble has the best UAR" in reason
    assert "2.0 MB against 40.0 MB" in reason
    assert "[-" in reason


def test_the_smallest_is_not_chosen_when_it_is_beaten() -> None:
    model, _ = chosen(
        wavering("ensemble", 0.8, 0.1), wavering("random_forest", 0.75, -0.2), predicted("neural_network", 0.3)
    )
    assert model == "random_forest"


def test_a_smaller_best_model_stays_the_champion() -> None:
    model, reason = chosen(wavering("neural_network", 0.7, 0.2), predicted("random_forest", 0.65))
    assert model == "neural_network"
    assert "it does not beat Random Forest beyond the 95 % interval, but it is smaller" in reason


def test_models_that_tie_are_told_apart_by_size() -> None:
    assert chosen(predicted("random_forest", 0.5), predicted("neural_network", 0.5))[0] == "neural_network"
    assert chosen(predicted("neural_network", 0.5), predicted("random_forest", 0.5))[0] == "neural_network"


def test_with_too_few_actors_for_an_interval_the_best_is_chosen() -> None:
    few = ACTORS[:4]
    model, reason = chosen(predicted("ensemble", 0.55, few), predicted("neural_network", 0.5, few))
    assert model == "ensemble"
    assert "no interval" in reason


def test_only_unseen_actors_count_and_the_first_fold_scheme() -> None:
    leaky = [
        predicted("random_forest", 1.0, protocol="random_split", fold_scheme=""),
        predicted("ensemble", 0.2, protocol="random_split", fold_scheme=""),
    ]
    other = [predicted("random_forest", 0.9, fold_scheme="loso"), predicted("ensemble", 0.2, fold_scheme="loso")]
    first = [predicted("random_forest", 0.3), predicted("ensemble", 0.8)]
    table = pd.concat([*leaky, *other, *first], ignore_index=True)
    assert choose(score_table(table), score_differences(table), SIZES, ("luna5", "loso"))[:2] == ("ensemble", "luna5")


def test_a_model_that_is_not_kept_is_not_chosen() -> None:
    evaluated = (predicted("ensemble", 0.9), predicted("neural_network", 0.5))
    assert chosen(*evaluated, sizes={"neural_network": 1})[0] == "neural_network"
    with pytest.raises(NotEvaluatedError, match="none of the evaluated models is kept: ensemble, neural_network"):
        chosen(*evaluated, sizes={})


def test_a_model_judged_on_other_takes_is_no_rival() -> None:
    best = wavering("ensemble", 0.65, 0.2)
    assert chosen(best, predicted("neural_network", 0.6))[0] == "neural_network"
    assert chosen(best, predicted("neural_network", 0.6, ACTORS[:5]))[0] == "ensemble"


def test_without_scores_on_unseen_actors_there_is_no_champion() -> None:
    with pytest.raises(NotEvaluatedError, match="no model was evaluated under speaker_independent"):
        chosen(predicted("ensemble", 0.9, protocol="random_split"))


def test_a_drop_beyond_the_interval_is_blocked_with_its_figures() -> None:
    found = drop(predicted("ensemble", 0.8), predicted("cnn", 0.5))
    assert found.blocked
    assert "-0.3" in found.sentence
    assert "on 96 takes of 6 actors that both evaluated" in found.sentence


@pytest.mark.parametrize("right", [0.5, 0.8])
def test_a_gain_or_no_change_is_not_blocked(right: float) -> None:
    found = drop(predicted("cnn", 0.5), predicted("ensemble", right))
    assert not found.blocked
    assert "differs" in found.sentence


def test_a_drop_inside_the_noise_is_not_blocked() -> None:
    assert not drop(predicted("cnn", 0.6), wavering("ensemble", 0.55, 0.2)).blocked


def test_only_takes_of_the_same_recording_are_compared() -> None:
    found = drop(predicted("cnn", 0.8), predicted("cnn", 0.5, ACTORS[1:9]))
    assert found.blocked
    assert "5 actors" in found.sentence
    found = drop(predicted("cnn", 0.8, audio_hash="a demo voice"), predicted("cnn", 0.5))
    assert not found.blocked
    assert "no take was evaluated by both" in found.sentence


def test_with_too_few_actors_in_common_nothing_is_decided_and_that_is_said() -> None:
    found = drop(predicted("cnn", 0.9), predicted("cnn", 0.2, ACTORS[2:9]))
    assert not found.blocked
    assert "not decided" in found.sentence
    assert "fewer than 5 actors" in found.sentence


def test_other_folds_than_before_do_not_keep_from_comparing() -> None:
    assert drop(predicted("cnn", 0.8, fold_scheme="luna5"), predicted("cnn", 0.5, fold_scheme="emobox6")).blocked


def test_both_are_evaluated_against_the_labels_of_now() -> None:
    new = predicted("ensemble", 0.8)
    corrected = new["emotion"].map(dict(zip(EMOTIONS, (*EMOTIONS[1:], EMOTIONS[0]), strict=True)))
    last = new.assign(emotion=corrected)
    assert "differs from that of the last champion by +0.000" in drop(last, new).sentence


def test_a_worse_champion_stays_worse_when_the_old_labels_flattered_it() -> None:
    new, last = predicted("ensemble", 0.9), predicted("ensemble", 0.3)
    named = last[[f"p_{name}" for name in EMOTIONS]].idxmax(axis=1).str.removeprefix("p_")
    assert not drop(last.assign(emotion=named), new).blocked
