"""Recordings that leave the corpus: what is stored of them goes, and models trained on them say so until replaced."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from ser_assets.assets.by_actor.current_corpus import changes_since_features
from ser_assets.corpus.interface import CorpusError
from ser_assets.corpus.ravdess import EMOTIONS, Ravdess
from ser_assets.settings import Settings
from ser_assets.storage.warehouse import Warehouse
from ser_assets.withdrawal.withdraw import remove_withdrawn
from ser_assets_tests.end_to_end.test_end_to_end import BIN, FOREST_CONFIG, ROOT
from ser_assets_tests.factories.media import voice, write_wav

# Not services, but commands of the shell one after the other, which take long.
pytestmark = pytest.mark.services

ACTORS = ("01", "02", "03", "04")
GONE = "03"
FEATURES = "raw_videos,mono_audio,trimmed_audio,augmented_set,features"
MODELS = "random_forest,metrics_report,champion_model"


def recording(folder: Path, actor: str, emotion: int) -> Path:
    return folder / f"data/raw/Actor_{actor}/03-01-{emotion:02d}-01-01-01-{actor}.wav"


def shell(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SER_", "DAGSTER_"))}
    environment |= {
        "SER_PROTOCOLS": "speaker_independent",
        "SER_FOLD_SCHEMES": "loso",
        "SER_SPEED_PERTURBATION": "none",
    } | variables
    return subprocess.run([BIN / command[0], *command[1:]], cwd=folder, env=environment, capture_output=True, text=True)


def materialize(folder: Path, assets: str, *options: str) -> subprocess.CompletedProcess[str]:
    return shell(
        folder, "dagster", "asset", "materialize", "--select", assets, *options, "-m", "ser_assets.definitions"
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four actors from recordings to a champion; one file of the actor who will leave is rejected and logged."""
    folder = tmp_path_factory.mktemp("trained")
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, folder)
    for actor in ACTORS:
        for number in range(1, len(EMOTIONS) + 1):
            samples = voice(0.6, hertz=100 + 10 * number + 3 * int(actor), seed=100 * int(actor) + number)
            write_wav(recording(folder, actor, number), samples)
    cut = recording(folder, GONE, 2)
    cut.with_name(f"03-01-02-01-01-02-{GONE}.wav").write_bytes(cut.read_bytes()[:3000])
    done = materialize(
        folder,
        f"{FEATURES},{MODELS}",
        "--partition-range",
        f"{ACTORS[0]}...{ACTORS[-1]}",
        "--config-json",
        FOREST_CONFIG,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def query(folder: Path, sql: str) -> list[tuple]:
    with duckdb.connect(folder / "data/ravdess/ser.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def card_of(folder: Path) -> str:
    return (folder / "data/ravdess/models/champion/model_card.md").read_text()


def hashes_of(folder: Path, actor: str) -> set[str]:
    rows = query(folder, f"SELECT content_hash, audio_hash FROM raw_videos WHERE actor = '{actor}'")
    return {value for row in rows for value in row if value}


def traces(folder: Path, words: set[str]) -> dict[str, set[str]]:
    """Which of these words are found in which file of the data folder, recordings aside."""
    found = {}
    for path in (folder / "data").rglob("*"):
        if path.is_file() and path.relative_to(folder / "data").parts[0] != "raw":
            text = "\n".join(texts_in(path))
            if inside := {word for word in words if word in text}:
                found[str(path.relative_to(folder))] = inside
    return found


def texts_in(path: Path) -> Iterator[str]:
    """The bytes of a file, and what compressed columns hold."""
    yield path.read_bytes().decode("latin-1")
    if path.suffix == ".parquet":
        yield str(pq.read_table(path).to_pylist())
    elif path.name == "ser.duckdb":
        with duckdb.connect(path, read_only=True) as connection:
            for (table,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                yield str(connection.execute(f'FROM "{table}"').fetchall())
    elif path.suffix == ".db":
        with sqlite3.connect(path) as connection:
            yield "\n".join(connection.iterdump())


def take_ids(actor: str) -> set[str]:
    return {f"01-{number:02d}-01-01-01-{actor}" for number in range(1, 9)} | {f"01-02-01-01-02-{actor}"}


def test_the_search_finds_a_speaker_who_is_still_there(folder: Path) -> None:
    found = traces(folder, take_ids(GONE) | hashes_of(folder, GONE))
    suffixes = {Path(name).suffix for name in found}
    assert {".parquet", ".duckdb", ".db", ".html"} <= suffixes


def test_the_next_model_run_removes_an_actor_whose_folder_is_gone(folder: Path) -> None:
    words = take_ids(GONE) | hashes_of(folder, GONE)
    shutil.rmtree(folder / f"data/raw/Actor_{GONE}")
    card = folder / "data/ravdess/models/champion/model_card.md"
    done = materialize(folder, "random_forest", "--config-json", FOREST_CONFIG)
    assert done.returncode == 0, done.stderr[-3000:]
    assert traces(folder, words) == {}
    assert query(folder, "SELECT DISTINCT actor FROM predictions ORDER BY ALL") == [("01",), ("02",), ("04",)]
    assert not (folder / "data/ravdess/report").exists()
    assert "8 takes that have left the corpus" in card.read_text()
    told = shell(folder, "ser-assets", "predict", str(recording(folder, "01", 3)))
    assert "trained on 8 takes that have left the corpus" in told.stderr
    assert "all of 1 speaker: `ser-assets run` trains a new one" in told.stderr
    assert "champion trained on withdrawn recordings" in shell(folder, "ser-assets", "doctor").stdout
    retrained = materialize(folder, "metrics_report,champion_model")
    assert retrained.returncode == 0, retrained.stderr[-3000:]
    assert "left the corpus" not in card.read_text()
    assert "left the corpus" not in shell(folder, "ser-assets", "predict", str(recording(folder, "01", 3))).stderr


def test_the_doctor_names_what_is_stored_of_an_actor_who_is_gone_and_changes_nothing(folder: Path) -> None:
    before = {path: path.read_bytes() for path in (folder / "data").rglob("actor_*")}
    shutil.rmtree(folder / f"data/raw/Actor_{GONE}")
    told = shell(folder, "ser-assets", "doctor")
    assert told.returncode == 1
    assert "stored, but no longer in the corpus" in told.stdout
    assert f"all of {GONE}" in told.stdout
    assert {path: path.read_bytes() for path in before} == before


def test_nothing_is_reported_of_models_that_were_trained_on_an_actor_who_is_gone(folder: Path) -> None:
    shutil.rmtree(folder / f"data/raw/Actor_{GONE}")
    done = materialize(folder, "metrics_report")
    assert done.returncode != 0
    assert "materialize" in done.stderr
    assert query(folder, "SELECT count(*) FROM predictions") == [(0,)]


def test_a_single_take_that_is_gone_is_removed_and_the_other_takes_of_its_speaker_stay(folder: Path) -> None:
    [(recording_hash,)] = query(folder, f"SELECT audio_hash FROM raw_videos WHERE take_id = '01-03-01-01-01-{GONE}'")
    recording(folder, GONE, 3).unlink()
    assert materialize(folder, "raw_videos", "--partition", "01").returncode == 0
    assert traces(folder, {f"01-03-01-01-01-{GONE}", recording_hash}) == {}
    clips = pq.read_table(folder / f"data/ravdess/mono_audio/actor_{GONE}.parquet", columns=["take_id"])
    assert len(clips) == 7
    assert "trained on 1 take that has left the corpus" in card_of(folder)


def test_a_champion_is_marked_even_where_the_database_is_lost(folder: Path) -> None:
    (folder / "data/ravdess/ser.duckdb").unlink()
    shutil.rmtree(folder / f"data/raw/Actor_{GONE}")
    assert materialize(folder, "raw_videos", "--partition", "01").returncode == 0
    assert "trained on 8 takes that have left the corpus" in card_of(folder)


def test_forget_removes_a_speaker_at_once_and_for_good(folder: Path) -> None:
    words = take_ids(GONE) | hashes_of(folder, GONE)
    told = shell(folder, "ser-assets", "forget", GONE)
    assert told.returncode == 0, told.stderr
    assert traces(folder, words) == {}
    for table in ("raw_videos", "features", "mel_sequences", "predictions", "training_rows", "scores"):
        assert f"table {table}: " in told.stdout
    for name in (
        f"mono_audio/actor_{GONE}.parquet",
        f"features/actor_{GONE}.parquet",
        "report",
        "models/raw/random_forest",
    ):
        assert f"data/ravdess/{name}: removed" in told.stdout
    assert f"9 recordings of {GONE} still exist" in told.stdout
    assert recording(folder, GONE, 1).exists()
    run = materialize(folder, FEATURES, "--partition-range", f"{ACTORS[0]}...{ACTORS[1]}")
    assert run.returncode == 0, run.stderr[-3000:]
    assert traces(folder, words) == {}
    assert "forgotten speakers" in shell(folder, "ser-assets", "doctor").stdout


def test_forgetting_somebody_unknown_changes_nothing(folder: Path) -> None:
    told = shell(folder, "ser-assets", "forget", "07")
    assert told.returncode == 1
    assert "nothing is stored of '07'" in told.stderr
    assert not (folder / "data/ravdess/forgotten.txt").exists()


def settings_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SER_DATA_DIR", str(folder / "data"))
    return Settings()


def test_nothing_is_removed_while_the_recordings_cannot_be_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "data/raw").rename(folder / "not mounted")
    told = shell(folder, "ser-assets", "doctor")
    assert "no longer in the corpus" not in told.stdout
    removed = remove_withdrawn(settings_of(folder, monkeypatch), Ravdess(folder / "data/raw"))
    assert not removed
    assert query(folder, "SELECT count(DISTINCT actor) FROM features") == [(4,)]


def test_a_list_of_the_forgotten_that_cannot_be_read_stops_every_command(folder: Path) -> None:
    (folder / "data/ravdess/forgotten.txt").write_bytes(b"Zo\xeb\n")
    told = shell(folder, "ser-assets", "doctor")
    assert told.returncode == 1
    assert "forgotten.txt cannot be read" in told.stderr
    assert CorpusError.__name__ not in told.stderr


def test_a_model_refuses_labels_and_recordings_that_have_changed(folder: Path) -> None:
    happy, sad = recording(folder, "01", 3), recording(folder, "01", 4)
    content = happy.read_bytes()
    happy.write_bytes(sad.read_bytes())
    sad.write_bytes(content)
    write_wav(recording(folder, "02", 3).with_name("03-01-03-02-01-01-02.wav"), voice(0.6, hertz=150, seed=9))
    done = materialize(folder, "random_forest", "--config-json", FOREST_CONFIG)
    assert done.returncode != 0
    assert "recordings or labels of 01, 02 have changed since their features were made" in done.stderr
    assert "03-01-03-01-01-01-01.wav has changed" in done.stderr
    assert "03-01-03-02-01-01-02.wav is new" in done.stderr
    assert "`ser-assets run` prepares them" in done.stderr
    told = shell(folder, "ser-assets", "doctor").stdout
    assert "changed since features were made (3)" in told


def test_a_model_refuses_features_that_are_older_than_the_inventory(folder: Path) -> None:
    recording(folder, "02", 3).rename(recording(folder, "02", 3).with_name("03-01-04-02-01-01-02.wav"))
    assert materialize(folder, "raw_videos", "--partition", "02").returncode == 0
    done = materialize(folder, "random_forest", "--config-json", FOREST_CONFIG)
    assert done.returncode != 0
    assert "03-01-04-02-01-01-02.wav has no features yet" in done.stderr


def test_recordings_that_were_only_touched_are_no_change(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (folder / "data/raw").rglob("*.wav"):
        os.utime(path, (1, 1))
    settings, listing = settings_of(folder, monkeypatch), Ravdess(folder / "data/raw").listing()
    assert changes_since_features(settings, Warehouse(settings.corpus_dir), listing) == []
