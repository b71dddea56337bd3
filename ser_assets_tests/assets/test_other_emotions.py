"""Tables and checks where the corpus has other emotions than RAVDESS, or than the corpus before."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from ser_assets.assets.model_checks import _little_fold
from ser_assets.assets.models import store
from ser_assets.learning.protocols.protocols import speaker_independent
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.clips import Clip
from ser_assets.storage.tables import LEAKAGE_AUDIT, PREDICTIONS, TRAINING_ROWS, VALIDATION_PREDICTIONS
from ser_assets.storage.training_set import FeaturesMissingError, load_examples
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.assets import test_broken_pipelines as pipelines
from ser_assets_tests.assets.test_model_checks import checked, honest_tables, validation_predictions
from ser_assets_tests.factories.examples import made_up_examples, made_up_predictions, made_up_rows
from ser_assets_tests.factories.media import voice
from ser_assets_tests.factories.stored_data import SETS, put

FIVE = ('a "b"', "happy", "not sure", "sad", "ärger")
SPEAKERS = ("Anna B", "ben", "Çağrı")


def clips_of(rows: pd.DataFrame) -> list[Clip]:
    """Clips at rest of these takes, of which no more is known than speaker and emotion."""
    rows = (
        rows[rows["variant"] == 0]
        .drop(columns="corpus")
        .assign(gender=None, intensity=None, statement=None, repetition=None)
    )
    return [Clip(**row, samples=voice(0.4), sampling_rate=22050) for row in rows.to_dict("records")]


def new_tables() -> dict[str, pd.DataFrame]:
    message = made_up_predictions(SPEAKERS, 1, model="random_forest", emotions=FIVE)
    given = message[["model", "protocol", "fold_scheme", "fold", "corpus", "take_id"]].assign(variant=0)
    return {
        PREDICTIONS: message.assign(input_fingerprint="now"),
        VALIDATION_PREDICTIONS: message.iloc[:0],
        TRAINING_ROWS: given,
    }


def test_a_model_of_other_emotions_takes_the_place_of_the_whole_table_and_names_whose_predictions_are_lost(
    tmp_path: Path,
) -> None:
    message = honest_tables()[PREDICTIONS]
    old = honest_tables() | {VALIDATION_PREDICTIONS: validation_predictions("02", "01").assign(p_happy=1.0)}
    old[PREDICTIONS] = pd.concat([message, message.assign(model="random_forest")])
    warehouse = Warehouse(tmp_path)
    for name, rows in old.items():
        warehouse.replace_rows(name, pa.Table.from_pandas(rows, preserve_index=False), {})
    assert store(warehouse, "random_forest", new_tables(), {}) == ["cnn"]
    kept = warehouse.query(f"FROM {PREDICTIONS}")
    assert [column for column in kept if column.startswith("p_")] == [f"p_{emotion}" for emotion in FIVE]
    assert set(kept["model"]) == {"random_forest"}
    assert not kept.isna().any(axis=None)
    assert not warehouse.has_table(VALIDATION_PREDICTIONS)
    assert warehouse.has_table(LEAKAGE_AUDIT)
    assert store(warehouse, "random_forest", new_tables(), {}) == []
    assert len(warehouse.query(f"FROM {PREDICTIONS}")) == len(kept)


@pytest.mark.parametrize("right", [True, False])
def test_accuracy_is_held_against_guessing_among_these_emotions(tmp_path: Path, right: bool) -> None:
    tables = honest_tables()
    message = made_up_predictions(SPEAKERS, 2, model="cnn", emotions=FIVE).assign(input_fingerprint="now")
    labels = message["emotion"].map(FIVE.index).to_numpy()
    message[[f"p_{emotion}" for emotion in FIVE]] = np.eye(len(FIVE))[labels if right else labels * 0]
    assert checked(tables | {PREDICTIONS: message}, tmp_path)["better_than_chance"] == right


def settings_of_table(folder: Path) -> Settings:
    """Settings for a table in which every speaker performs every emotion."""
    rows = pd.DataFrame([(f"{who} {what}.wav", who, what) for who in SPEAKERS for what in FIVE])
    rows.to_csv(folder / "voices.csv", index=False, header=["path", "speaker", "emotion"])
    return Settings(
        data_dir=folder,
        workers=1,
        corpus="table",
        corpus_table=folder / "voices.csv",
        fold_schemes=("loso",),
        protocols=("speaker_independent",),
    )


def test_the_models_and_the_report_are_made_of_any_emotions(tmp_path: Path) -> None:
    settings = settings_of_table(tmp_path)
    rows = made_up_rows(SPEAKERS, takes_each=4, emotions=FIVE)
    unknown = {name: pd.Series(None, rows.index, "string") for name in ("gender", "intensity", "statement")}
    pipelines.store(Warehouse(settings.corpus_dir), settings, rows.assign(**unknown), emotions=FIVE)
    for speaker in SPEAKERS:
        put(ActorFiles(settings.corpus_dir), "trimmed_audio", speaker, clips_of(rows[rows["actor"] == speaker]))
    result = pipelines.run(settings)
    assert result.success
    assert not pipelines.failed_checks(result)
    page = (settings.corpus_dir / "report/index.html").read_text(encoding="utf-8")
    assert "chance is 20.0 %" in page.replace("\u00a0", " ")
    assert "RAVDESS" not in page


def test_features_of_emotions_that_the_corpus_does_not_have_are_named(tmp_path: Path) -> None:
    settings = settings_of_table(tmp_path)
    pipelines.store(Warehouse(settings.corpus_dir), settings, made_up_rows(("01", "02")))
    with pytest.raises(FeaturesMissingError, match=r"does not know any more \(angry, calm"):
        load_examples(Warehouse(settings.corpus_dir), settings, SETS)


def test_poison_is_tried_on_speakers_who_leave_emotions_to_tell_apart() -> None:
    examples = made_up_examples(("a", "b", "c", "d", "e"), emotions=FIVE)
    performed = {"a": FIVE[:1], "b": FIVE[:1], "c": FIVE[:1], "d": FIVE[1:2], "e": FIVE[:1]}
    own = [emotion in performed[actor] for actor, emotion in examples.rows[["actor", "emotion"]].to_numpy()]
    part, split = _little_fold(examples.subset(np.flatnonzero(own)), speaker_independent)
    assert set(part.rows["emotion"].iloc[split.training]) == set(FIVE[:2])
