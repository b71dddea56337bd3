"""What each member adds to the ensemble, on made-up predictions."""

import numpy as np
import pandas as pd
import pytest

from ser_assets.learning.data.final_models import ENSEMBLE
from ser_assets.learning.data.predictions import probability_columns
from ser_assets.learning.evaluation.contributions import COLUMNS, member_contributions
from ser_assets.learning.models.ensemble import evaluate_ensemble
from ser_assets_tests.factories.examples import made_up_predictions

ACTORS = ("01", "02", "03", "04", "05", "06")
VALIDATION_ACTORS = ("11", "12", "13")


def predictions_of(actors: tuple[str, ...], *models: str) -> pd.DataFrame:
    """Good models are right more often than not, each in its own takes; `random` guesses."""
    tables = []
    for number, model in enumerate(models):
        table = made_up_predictions(actors, takes_each=4, seed=number, model=model)
        if model == "random":
            columns = [column for column in table if column.startswith("p_")]
            noise = np.random.default_rng(7).dirichlet(np.ones(len(columns)), len(table))
            table[columns] = noise
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def contributions(*models: str) -> pd.DataFrame:
    predicted, validated = predictions_of(ACTORS, *models), predictions_of(VALIDATION_ACTORS, *models)
    ensemble, _ = evaluate_ensemble(ENSEMBLE, predicted, validated)
    return member_contributions(ensemble, predicted, validated, draws=200)


def test_a_member_that_guesses_adds_less_than_members_that_know_other_takes() -> None:
    found = contributions("first", "second", "random").set_index("member")
    assert set(found.index) == {"first", "second", "random"}
    assert abs(found.loc["random", "gain"]) < 0.02
    assert (found.loc[["first", "second"], "low"] > 0).all()
    assert (found["low"] <= found["gain"]).all()
    assert (found["gain"] <= found["high"]).all()


def test_the_gain_is_the_difference_of_the_two_scores() -> None:
    predicted, validated = (
        predictions_of(ACTORS, "first", "second"),
        predictions_of(VALIDATION_ACTORS, "first", "second"),
    )
    ensemble, _ = evaluate_ensemble(ENSEMBLE, predicted, validated)
    rest, _ = evaluate_ensemble("rest", *(table[table["model"] == "second"] for table in (predicted, validated)))

    def uar(table: pd.DataFrame) -> float:
        emotions = [column.removeprefix("p_") for column in table if column.startswith("p_")]
        guess = np.array(emotions)[table[probability_columns(emotions)].to_numpy().argmax(axis=1)]
        return float((guess == table["emotion"]).groupby(table["emotion"]).mean().mean())

    [gain] = contributions("first", "second").set_index("member").loc[["first"], "gain"]
    assert gain == pytest.approx(uar(ensemble) - uar(rest), abs=1e-9)


def test_one_member_alone_is_compared_with_nothing() -> None:
    found = contributions("first")
    assert found.empty
    assert list(found.columns) == list(COLUMNS)
