"""Changes of a corpus that must not change a prediction, from the recordings to the probabilities of a forest.

Where predictions do change, the test says why. A take keeps its identity by the column `take_id` of the table: the
random generators of augmented copies are seeded with it.
"""

import csv
import functools
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import soundfile

from ser_assets.audio.features.names import functional_names
from ser_assets.definitions import build_definitions
from ser_assets.learning.evaluation.evaluate import evaluate
from ser_assets.learning.models.random_forest import RandomForest
from ser_assets.learning.models.settings import ForestSettings
from ser_assets.learning.protocols.fold_schemes import GROUPS5
from ser_assets.learning.protocols.protocols import speaker_independent
from ser_assets.settings import Settings
from ser_assets.storage.tables import FEATURES, RAW_VIDEOS, records
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.media import A_PICTURE, voice
from ser_assets_tests.factories.stored_data import SETS

SPEAKERS = ("Ann", "Bob", "Eve")
EMOTIONS = ("fear", "joy")
TAKES = 4
RATE = 16000
CLEAR_LEAD = 0.1
CHAIN = ("raw_videos", "mono_audio", "trimmed_audio", "augmented_set", "features")


@dataclass(frozen=True)
class Row:
    """One line of the table: where the recording is, and what it is."""

    path: str
    speaker: str
    emotion: str
    take_id: str


@pytest.fixture(autouse=True)
def _without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_assets.reporting.figures.thumbnails.clip_strip", lambda *_: A_PICTURE)


def record(folder: Path) -> list[Row]:
    """Write the recordings of the corpus: pitch tells speaker and emotion, with some overlap; joy has fewer takes."""
    rows = []
    for who, speaker in enumerate(SPEAKERS):
        for what, emotion in enumerate(EMOTIONS):
            for take in range(TAKES - what):
                seed = 100 * who + 10 * what + take
                hertz = 110 + 25 * who + 20 * what + 12 * take
                row = Row(f"clips/{seed:03d}.wav", speaker, emotion, f"t{seed:03d}")
                path = folder / row.path
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, voice(0.5, hertz, RATE, level=0.2, seed=seed), RATE, subtype="PCM_16")
                rows.append(row)
    return rows


def write_table(folder: Path, rows: list[Row]) -> None:
    with (folder / "voices.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([tuple(Row.__annotations__), *(tuple(vars(row).values()) for row in rows)])


def predictions(folder: Path, rows: list[Row]) -> pd.DataFrame:
    """Materialize a corpus up to its features, and evaluate a small forest on unseen speakers; sorted by take."""
    write_table(folder, rows)
    settings = Settings(
        data_dir=folder / "data",
        corpus="table",
        corpus_table=folder / "voices.csv",
        workers=1,
        speed_perturbation=(1.09,),
    )
    actors = sorted({row.speaker for row in rows})
    done = (
        build_definitions(settings)
        .resolve_job_def("prepare_features")
        .execute_in_process(
            instance=dg.DagsterInstance.ephemeral(),
            asset_selection=[dg.AssetKey(name) for name in CHAIN],
            tags={"dagster/asset_partition_range_start": actors[0], "dagster/asset_partition_range_end": actors[-1]},
        )
    )
    assert done.success
    examples = load_examples(Warehouse(settings.corpus_dir), settings, SETS)
    factory = functools.partial(
        RandomForest, ForestSettings(n_estimators=30, validation_forests=1, validation_trees=10), 42
    )
    found = evaluate(factory, examples, speaker_independent(examples.rows, GROUPS5)).predictions
    return found.assign(take_id=found["take_id"].str.partition("/")[2]).sort_values("take_id", ignore_index=True)


def functionals(folder: Path) -> pd.DataFrame:
    """Functionals of the recordings themselves, in the order of their paths."""
    names = ", ".join(f'"{name}"' for name in functional_names())
    return Warehouse(folder / "data/table-voices").query(
        f"SELECT {names} FROM {FEATURES} WHERE variant = 0 ORDER BY take_id"
    )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Row], pd.DataFrame]:
    folder = tmp_path_factory.mktemp("original")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ser_assets.reporting.figures.thumbnails.clip_strip", lambda *_: A_PICTURE)
        rows = record(folder)
        return folder, rows, predictions(folder, rows)


def shuffled(_: Path, rows: list[Row]) -> list[Row]:
    return [rows[place] for place in np.random.default_rng(7).permutation(len(rows))]


def renamed_files(folder: Path, rows: list[Row]) -> list[Row]:
    renamed = [replace(row, path=f"clips/take {999 - place}.wav") for place, row in enumerate(rows)]
    for before, after in zip(rows, renamed, strict=True):
        (folder / before.path).rename(folder / after.path)
    return renamed


def split_over_folders(folder: Path, rows: list[Row]) -> list[Row]:
    split = [replace(row, path=f"{row.speaker}/{row.emotion}/{Path(row.path).name}") for row in rows]
    for before, after in zip(rows, split, strict=True):
        (folder / after.path).parent.mkdir(parents=True, exist_ok=True)
        (folder / before.path).rename(folder / after.path)
    return split


def touched(folder: Path, rows: list[Row]) -> list[Row]:
    for row in rows:
        os.utime(folder / row.path, (0, 0))
    return rows


def copied_within(folder: Path, rows: list[Row]) -> list[Row]:
    """A copy of every recording is listed, too, as another file of its take."""
    copies = [replace(row, path=f"copies/{Path(row.path).name}") for row in rows]
    shutil.copytree(folder / "clips", folder / "copies")
    return [*rows, *copies]


def linked(folder: Path, rows: list[Row]) -> list[Row]:
    (folder / "clips").rename(folder / "elsewhere")
    (folder / "clips").symlink_to(folder / "elsewhere")
    return rows


def encoded_as_flac(folder: Path, rows: list[Row]) -> list[Row]:
    return _encoded(folder, rows, ".flac", "PCM_16")


def encoded_as_float(folder: Path, rows: list[Row]) -> list[Row]:
    return _encoded(folder, rows, ".aiff", "FLOAT")


def _encoded(folder: Path, rows: list[Row], ending: str, subtype: str) -> list[Row]:
    encoded = [replace(row, path=f"{row.path.removesuffix('.wav')}{ending}") for row in rows]
    for before, after in zip(rows, encoded, strict=True):
        samples, rate = soundfile.read(folder / before.path, dtype="float32" if subtype == "FLOAT" else "int16")
        soundfile.write(folder / after.path, samples, rate, subtype=subtype)
        (folder / before.path).unlink()
    return encoded


def written_twice_in_stereo(folder: Path, rows: list[Row]) -> list[Row]:
    for row in rows:
        samples, rate = soundfile.read(folder / row.path, dtype="int16")
        soundfile.write(folder / row.path, np.stack([samples, samples], axis=1), rate, subtype="PCM_16")
    return rows


def renamed_speakers(_: Path, rows: list[Row]) -> list[Row]:
    """Other names in the same order: the order of names decides who is in which fold."""
    names = dict(zip(SPEAKERS, ("Ägid 1", "Ägid 2", "Ägid 3"), strict=True))
    return [replace(row, speaker=names[row.speaker]) for row in rows]


Change = Callable[[Path, list[Row]], list[Row]]


@pytest.mark.parametrize(
    "change",
    [
        shuffled,
        renamed_files,
        split_over_folders,
        touched,
        copied_within,
        linked,
        encoded_as_flac,
        encoded_as_float,
        written_twice_in_stereo,
    ],
)
def test_no_prediction_changes(original: tuple[Path, list[Row], pd.DataFrame], tmp_path: Path, change: Change) -> None:
    folder, rows, expected = original
    shutil.copytree(folder / "clips", tmp_path / "clips")
    pd.testing.assert_frame_equal(predictions(tmp_path, change(tmp_path, rows)), expected)


def test_no_prediction_changes_when_all_is_done_again_over_the_data_of_before(
    original: tuple[Path, list[Row], pd.DataFrame], tmp_path: Path
) -> None:
    """Content that trades places on disk while the table follows it: stored clips must follow, too."""
    folder, rows, expected = original
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    first, second = tmp_path / rows[0].path, tmp_path / rows[-1].path
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    moved = [replace(rows[0], path=rows[-1].path), *rows[1:-1], replace(rows[-1], path=rows[0].path)]
    pd.testing.assert_frame_equal(predictions(tmp_path, moved), expected)
    accepted = records(Warehouse(tmp_path / "data/table-voices"), RAW_VIDEOS, "status = 'accepted'", columns=["path"])
    assert len(accepted) == len(rows)


@pytest.mark.parametrize("gain", [0.25, 4.0])
def test_a_gain_of_12_db_on_all_recordings_changes_no_clear_prediction(
    original: tuple[Path, list[Row], pd.DataFrame], tmp_path: Path, gain: float
) -> None:
    """Probabilities differ a little: level is a feature, and so few takes leave thresholds on it to rounding."""
    folder, rows, expected = original
    for row in rows:
        samples, rate = soundfile.read(folder / row.path, dtype="float32")
        (tmp_path / row.path).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / row.path, samples * gain, rate, subtype="FLOAT")
    found = predictions(tmp_path, rows)
    columns = [f"p_{emotion}" for emotion in EMOTIONS]
    assert found[["take_id", "actor", "emotion"]].equals(expected[["take_id", "actor", "emotion"]])
    assert (found[columns] - expected[columns]).abs().to_numpy().mean() < 0.1
    sorted_probabilities = expected[columns].to_numpy().copy()
    sorted_probabilities.sort(axis=1)
    clear = sorted_probabilities[:, -1] - sorted_probabilities[:, -2] > CLEAR_LEAD
    assert clear.sum() >= 3
    assert (found[columns].idxmax(axis=1) == expected[columns].idxmax(axis=1))[clear].all()


def test_other_names_of_speakers_change_the_seeds_of_copies_alone(
    original: tuple[Path, list[Row], pd.DataFrame], tmp_path: Path
) -> None:
    """`take_id` in a table is of a speaker, whose name is part of the seed of each augmented copy."""
    folder, rows, expected = original
    shutil.copytree(folder / "clips", tmp_path / "clips")
    found = predictions(tmp_path, renamed_speakers(tmp_path, rows))
    assert found[["take_id", "emotion", "fold"]].equals(expected[["take_id", "emotion", "fold"]])
    pd.testing.assert_frame_equal(functionals(tmp_path), functionals(folder))


def test_labels_that_are_exchanged_exchange_the_predictions(
    original: tuple[Path, list[Row], pd.DataFrame], tmp_path: Path
) -> None:
    """A check of the tests above: they would notice a label that does not follow its recording."""
    folder, rows, expected = original
    shutil.copytree(folder / "clips", tmp_path / "clips")
    other = {"joy": "fear", "fear": "joy"}
    found = predictions(tmp_path, [replace(row, emotion=other[row.emotion]) for row in rows])
    assert (found["emotion"] == expected["emotion"].map(other)).all()
    assert not found[["p_joy", "p_fear"]].equals(expected[["p_joy", "p_fear"]])
