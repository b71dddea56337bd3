"""The checks of a model catch a pipeline that is broken on purpose."""

from pathlib import Path

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from ser_assets.assets.checks import model_checks
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.storage.tables import FEATURES, LEAK_PROOF, PREDICTIONS, RAW_VIDEOS
from ser_assets.storage.warehouse import Warehouse

ACTORS = ("01", "02")
FOLD = {"model": "cnn", "protocol": "speaker_independent", "folds": "loso"}


def honest_tables() -> dict[str, pd.DataFrame]:
    """Two actors with one take of each emotion, each judged by a model of the other, and always right."""
    takes = pd.DataFrame(
        {
            "take_id": f"{emotion}-{actor}",
            "recording": f"sound of {emotion} {actor}",
            "actor": actor,
            "emotion": emotion,
        }
        for actor in ACTORS
        for emotion in EMOTIONS
    )
    chances = {f"p_{name}": (takes["emotion"] == name).astype(float) for name in EMOTIONS}
    folds = [
        {**FOLD, "fold": judged, "training_actors": other} for judged, other in zip(ACTORS, ACTORS[::-1], strict=True)
    ]
    return {
        RAW_VIDEOS: takes.assign(status="accepted", demo=False),
        FEATURES: takes.assign(variant=0),
        PREDICTIONS: takes.drop(columns="recording").assign(**FOLD, fold=takes["actor"], **chances),
        LEAK_PROOF: pd.DataFrame(folds),
    }


def checked(tables: dict[str, pd.DataFrame], folder: Path) -> dict[str, bool]:
    warehouse = Warehouse(folder)
    for name, rows in tables.items():
        warehouse.replace_rows(name, pa.Table.from_pandas(rows, preserve_index=False), {})

    @dg.asset
    def cnn() -> None: ...

    result = dg.materialize([cnn, *model_checks("cnn")], resources={"warehouse": warehouse}, raise_on_error=False)
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def test_an_honest_model_passes(tmp_path: Path) -> None:
    assert checked(honest_tables(), tmp_path) == {"no_leak": True, "judged_once": True, "better_than_chance": True}


def test_a_fold_that_trains_on_the_actor_it_judges_is_caught(tmp_path: Path) -> None:
    tables = honest_tables()
    tables[LEAK_PROOF]["training_actors"] = "01 02"
    assert not checked(tables, tmp_path)["no_leak"]


def test_a_recording_of_another_name_on_the_other_side_is_caught(tmp_path: Path) -> None:
    tables = honest_tables()
    tables[FEATURES].loc[0, "recording"] = tables[FEATURES].loc[len(EMOTIONS), "recording"]
    assert not checked(tables, tmp_path)["no_leak"]


@pytest.mark.parametrize("rows", [slice(1, None), [0, *range(2 * len(EMOTIONS))]])
def test_a_take_that_is_judged_never_or_twice_is_caught(tmp_path: Path, rows: object) -> None:
    tables = honest_tables()
    tables[PREDICTIONS] = tables[PREDICTIONS].iloc[rows]
    assert not checked(tables, tmp_path)["judged_once"]


def test_a_model_that_always_says_the_same_is_caught(tmp_path: Path) -> None:
    tables = honest_tables()
    tables[PREDICTIONS][[f"p_{name}" for name in EMOTIONS]] = [1.0, *[0.0] * (len(EMOTIONS) - 1)]
    assert not checked(tables, tmp_path)["better_than_chance"]
