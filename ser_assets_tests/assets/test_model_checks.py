"""The checks of a model catch tables that a broken pipeline would leave."""

from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ser_assets.assets.model_checks import model_checks
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.storage.leakage_audit import leakage_audit
from ser_assets.storage.tables import FEATURES, PREDICTIONS, RAW_VIDEOS, TRAINING_ROWS, VALIDATION_PREDICTIONS
from ser_assets.storage.warehouse import Warehouse

ACTORS = ("01", "02")
FOLD = {"model": "cnn", "protocol": "speaker_independent", "fold_scheme": "loso"}
PROBABILITIES = [f"p_{name}" for name in EMOTIONS]


def honest_tables() -> dict[str, pd.DataFrame]:
    """Two actors with one take of each emotion and a copy of it, each predicted right by a model of the other."""
    takes = pd.DataFrame(
        {
            "take_id": f"{emotion}-{actor}",
            "audio_hash": f"sound of {emotion} {actor}",
            "actor": actor,
            "emotion": emotion,
            "input_fingerprint": "these recordings",
        }
        for actor in ACTORS
        for emotion in EMOTIONS
    )
    clips = pd.concat([takes.assign(variant=variant) for variant in (0, 1)], ignore_index=True)
    chances = {f"p_{name}": (takes["emotion"] == name).astype(float) for name in EMOTIONS}
    other = clips["actor"].map(dict(zip(ACTORS, ACTORS[::-1], strict=True)))
    return {
        RAW_VIDEOS: takes.drop(columns="input_fingerprint").assign(status="accepted", demo=False),
        FEATURES: clips,
        PREDICTIONS: takes.drop(columns="audio_hash").assign(**FOLD, fold=takes["actor"], **chances),
        TRAINING_ROWS: clips[["take_id", "variant"]].assign(**FOLD, fold=other),
    }


def checked(tables: dict[str, pd.DataFrame], folder: Path) -> dict[str, bool]:
    warehouse = Warehouse(folder)
    for name, rows in tables.items():
        warehouse.replace_rows(name, pa.Table.from_pandas(rows, preserve_index=False), {})

    @dg.asset
    def cnn() -> None: ...

    from_tables = [check for check in model_checks("cnn") if "fitted" not in check.check_key.name]
    result = dg.materialize([cnn, *from_tables], resources={"warehouse": warehouse}, raise_on_error=False)
    return {check.check_name: check.passed for check in result.get_asset_check_evaluations()}


def test_every_promise_about_leaks_holds_up_the_report() -> None:
    blocking = {spec.name: spec.blocking for check in model_checks("cnn") for spec in check.check_specs}
    assert blocking == {
        "no_leak": True,
        "fitted_on_training_rows": True,
        "evaluated_once": True,
        "better_than_chance": False,
        "permuted_labels_at_chance": True,
    }


def under(protocol: str, tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Have all that was evaluated stand under another protocol."""
    for name in (PREDICTIONS, TRAINING_ROWS):
        tables[name] = tables[name].assign(protocol=protocol)
    return tables


def validation_predictions(take_of: str, fold: str) -> pd.DataFrame:
    """What a model of this fold says it had held out of training, to weigh by: the takes of one actor."""
    takes = [f"{emotion}-{take_of}" for emotion in EMOTIONS]
    return pd.DataFrame({"take_id": takes, "actor": take_of, **FOLD, "fold": fold})


def test_what_is_held_out_of_the_training_rows_may_be_weighed_by(tmp_path: Path) -> None:
    of_training = validation_predictions("02", fold="01")
    kept = validation_predictions("01", fold="final").assign(fold_scheme="")
    assert checked(honest_tables() | {VALIDATION_PREDICTIONS: pd.concat([of_training, kept])}, tmp_path)["no_leak"]


def test_what_is_judged_may_not_be_weighed_by(tmp_path: Path) -> None:
    assert not checked(honest_tables() | {VALIDATION_PREDICTIONS: validation_predictions("01", fold="01")}, tmp_path)[
        "no_leak"
    ]


def test_an_honest_model_passes(tmp_path: Path) -> None:
    assert checked(honest_tables(), tmp_path) == {
        "no_leak": True,
        "evaluated_once": True,
        "better_than_chance": True,
        "permuted_labels_at_chance": True,
    }


@pytest.mark.parametrize(
    ("protocol", "caught"),
    [
        ("speaker_independent", True),
        ("speaker_normalised", True),
        ("permuted_labels", True),
        ("random_split", False),
        ("random_split_leaky", False),
    ],
)
def test_a_fold_that_trains_on_another_take_of_the_actor_it_judges_is_caught_where_actors_are_kept_apart(
    tmp_path: Path, protocol: str, caught: bool
) -> None:
    tables = under(protocol, honest_tables())
    tables[PREDICTIONS] = tables[PREDICTIONS].drop(index=0)
    own = {"take_id": f"{EMOTIONS[0]}-01", "variant": 0, **FOLD, "protocol": protocol, "fold": "01"}
    tables[TRAINING_ROWS] = pd.concat([tables[TRAINING_ROWS], pd.DataFrame([own])])
    assert checked(tables, tmp_path)["no_leak"] == (not caught)


@pytest.mark.parametrize("protocol", ["speaker_independent", "speaker_normalised", "random_split"])
def test_a_copy_of_what_is_judged_among_the_training_rows_is_caught(tmp_path: Path, protocol: str) -> None:
    tables = under(protocol, honest_tables())
    copy = {"take_id": f"{EMOTIONS[0]}-01", "variant": 1, **FOLD, "protocol": protocol, "fold": "01"}
    tables[TRAINING_ROWS] = pd.concat([tables[TRAINING_ROWS], pd.DataFrame([copy])])
    assert not checked(tables, tmp_path)["no_leak"]


@pytest.mark.parametrize("protocol", ["speaker_independent", "random_split"])
def test_a_recording_of_another_name_on_the_other_side_is_caught(tmp_path: Path, protocol: str) -> None:
    tables = under(protocol, honest_tables())
    tables[FEATURES].loc[0, "audio_hash"] = tables[FEATURES].loc[len(EMOTIONS), "audio_hash"]
    assert not checked(tables, tmp_path)["no_leak"]


def test_a_fold_that_does_not_tell_what_it_was_trained_on_is_caught(tmp_path: Path) -> None:
    tables = honest_tables()
    tables[TRAINING_ROWS] = tables[TRAINING_ROWS].query("fold == '01'")
    assert not checked(tables, tmp_path)["no_leak"]


@pytest.mark.parametrize("rows", [slice(1, None), [0, *range(2 * len(EMOTIONS))]])
def test_a_take_that_is_judged_never_or_twice_is_caught(tmp_path: Path, rows: object) -> None:
    tables = honest_tables()
    tables[PREDICTIONS] = tables[PREDICTIONS].iloc[rows]
    assert not checked(tables, tmp_path)["evaluated_once"]


def test_a_random_split_judges_some_takes_and_none_twice(tmp_path: Path) -> None:
    tables = honest_tables()
    in_folds, at_random = tables[PREDICTIONS], tables[PREDICTIONS].assign(protocol="random_split", fold_scheme="")
    tables[PREDICTIONS] = pd.concat([in_folds, at_random.iloc[:4]])
    assert checked(tables, tmp_path / "some")["evaluated_once"]
    tables[PREDICTIONS] = pd.concat([in_folds, at_random.iloc[[0, 0, 1]]])
    assert not checked(tables, tmp_path / "twice")["evaluated_once"]


def test_a_model_that_judged_nothing_on_unseen_actors_is_caught(tmp_path: Path) -> None:
    tables = honest_tables()
    tables[PREDICTIONS] = tables[PREDICTIONS].assign(model="random_forest")
    assert not checked(tables, tmp_path)["evaluated_once"]


def test_a_take_that_is_judged_and_may_no_longer_be_used_is_caught(tmp_path: Path) -> None:
    tables = honest_tables()
    tables[RAW_VIDEOS].loc[0, "status"] = "rejected"
    assert not checked(tables, tmp_path)["evaluated_once"]


def test_a_take_that_was_judged_by_features_of_before_is_caught(tmp_path: Path) -> None:
    tables = honest_tables()
    tables[FEATURES].loc[tables[FEATURES]["actor"] == "02", "input_fingerprint"] = "other recordings"
    assert not checked(tables, tmp_path)["evaluated_once"]


def test_another_model_and_another_scheme_are_not_mixed_up_with_this_one(tmp_path: Path) -> None:
    tables = honest_tables()
    for name in (PREDICTIONS, TRAINING_ROWS):
        leaky_model = tables[name].assign(model="random_forest", fold="all")
        other_scheme = tables[name].assign(fold_scheme="luna5")
        tables[name] = pd.concat([tables[name], leaky_model, other_scheme], ignore_index=True)
    found = checked(tables, tmp_path)
    assert found["no_leak"]
    assert found["evaluated_once"]


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [(PREDICTIONS, "take_id", "happy-01/1"), (PREDICTIONS, "actor", "02"), (TRAINING_ROWS, "variant", 7)],
)
def test_a_row_that_features_cannot_vouch_for_is_caught(tmp_path: Path, table: str, column: str, value: object) -> None:
    tables = honest_tables()
    tables[table].loc[0, column] = value
    assert not checked(tables, tmp_path)["no_leak"]


def test_the_leak_proof_counts_what_was_really_given(tmp_path: Path) -> None:
    tables = honest_tables()
    copies = {"take_id": f"{EMOTIONS[0]}-01", "variant": 1, **FOLD, "fold": "01"}
    tables[TRAINING_ROWS] = pd.concat([tables[TRAINING_ROWS], pd.DataFrame([copies])])
    checked(tables, tmp_path)
    with Warehouse(tmp_path).reading() as connection:
        proof = leakage_audit(connection, "cnn").set_index("fold")
    assert proof["test_actors"].to_dict() == {"01": "01", "02": "02"}
    assert proof["training_actors"].to_dict() == {"01": "01, 02", "02": "01"}
    assert proof["test_takes"].to_dict() == {"01": 8, "02": 8}
    assert proof["training_clips"].to_dict() == {"01": 17, "02": 16}
    shared = ["shared_actors", "shared_takes", "shared_recordings"]
    assert proof.loc["01", shared].tolist() == [1, 1, 1]
    assert proof.loc["02", shared].tolist() == [0, 0, 0]


def test_a_model_that_always_says_the_same_is_caught(tmp_path: Path) -> None:
    tables = honest_tables()
    tables[PREDICTIONS][PROBABILITIES] = [1.0, *[0.0] * (len(EMOTIONS) - 1)]
    assert not checked(tables, tmp_path)["better_than_chance"]


def test_permuted_labels_that_are_recognised_are_caught(tmp_path: Path) -> None:
    found = checked(under("permuted_labels", honest_tables()), tmp_path)
    assert not found["permuted_labels_at_chance"]
    assert found["better_than_chance"]


def test_permuted_labels_that_are_guessed_are_fine(tmp_path: Path) -> None:
    tables = under("permuted_labels", honest_tables())
    tables[PREDICTIONS][PROBABILITIES] = np.random.default_rng(1).dirichlet(np.ones(8), len(tables[PREDICTIONS]))
    assert checked(tables, tmp_path)["permuted_labels_at_chance"]
