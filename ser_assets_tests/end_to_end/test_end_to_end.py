"""The whole platform as users drive it: from the shell, in a folder of its own, on a demo corpus of two actors."""

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ser_assets.assets.by_actor.partitions import BY_ACTOR
from ser_assets.corpus.demo import corpus as demo
from ser_assets.corpus.interface import Take
from ser_assets.corpus.ravdess import EMOTIONS, STATEMENTS, speech_takes

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
MODELS = ("random_forest", "neural_network", "cnn", "complex_cnn", "pretrained_encoder", "ensemble")
TABLES = (
    "raw_videos",
    "features",
    "mel_sequences",
    "predictions",
    "training_rows",
    "learning_curves",
    "leakage_audit",
    "scores",
    "score_differences",
    "scores_by_group",
    "validation_predictions",
    "model_settings",
    "ensemble_weights",
    "champion_predictions",
)
PROTOCOLS = "speaker_independent"
BRIEFLY = {
    "random_forest": {"n_estimators": 60, "validation_forests": 1, "validation_trees": 20},
    "neural_network": {"members": 1, "epochs": 8},
    "cnn": {"members": 1, "epochs": 8, "filters": [16, 32], "learning_rate": 0.005},
    "complex_cnn": {"members": 1, "epochs": 8, "filters": [16, 32, 32], "learning_rate": 0.005},
}
CONFIG = json.dumps({"ops": {name: {"config": knobs} for name, knobs in BRIEFLY.items()}})
FOREST_CONFIG = json.dumps({"ops": {"random_forest": {"config": BRIEFLY["random_forest"]}}})


def one_statement(actor: str) -> tuple[Take, ...]:
    return tuple(take for take in speech_takes(actor) if take.statement == STATEMENTS[0])


def shell(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SER_", "DAGSTER_"))}
    environment |= {"SER_PROTOCOLS": PROTOCOLS, **variables}
    return subprocess.run([BIN / command[0], *command[1:]], cwd=folder, env=environment, capture_output=True, text=True)


def materialize(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return shell(folder, "dagster", "asset", "materialize", *options, "-m", "ser_assets.definitions")


def query(folder: Path, sql: str) -> list[tuple]:
    with duckdb.connect(folder / "data/ravdess/ser.duckdb", read_only=True) as connection:
        return connection.execute(sql).fetchall()


def everything(folder: Path) -> dict[str, str]:
    """Hash every file and table that the assets made."""
    made = ("mono_audio", "trimmed_audio", "augmented_set", "features", "embeddings", "models", "report")
    hashes = {
        str(path.relative_to(folder)): hashlib.blake2b(path.read_bytes()).hexdigest()
        for name in made
        for path in (folder / "data/ravdess" / name).rglob("*")
        if path.is_file()
    }
    assert {Path(name).parts[2] for name in hashes} == set(made)
    for table in TABLES:
        rows = query(folder, f"SELECT * FROM {table} ORDER BY ALL")
        hashes[table] = hashlib.blake2b(repr(rows).encode()).hexdigest()
    return hashes


def status(folder: Path, asset: str) -> dict[str, str]:
    with contextlib.chdir(folder), dg.DagsterInstance.from_config(str(folder)) as instance:
        keys = BY_ACTOR.get_partition_keys()
        found = instance.get_status_by_partition(dg.AssetKey(asset), keys, BY_ACTOR) or {}
        return {actor: state.value for actor, state in found.items() if state}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Take one statement of two demo actors and materialize everything by the command of the README."""
    folder = tmp_path_factory.mktemp("platform")
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(ROOT / name, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "speech_takes", one_statement)
        demo.make_demo_corpus(folder / "data/raw", ["01", "02"], workers=2)
    done = materialize(folder, "--select", "*", "--partition-range", "01...02", "--config-json", CONFIG)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_one_command_fills_every_table(platform: Path) -> None:
    assert query(platform, "SELECT count(*) FROM raw_videos WHERE status = 'accepted' AND demo") == [(60,)]
    assert query(platform, "SELECT actor, emotion FROM features GROUP BY ALL HAVING count(*) != 12") == []
    assert query(platform, "SELECT count(*) FROM features") == [(2 * 96,)]
    evaluated = query(
        platform, "SELECT model, protocol, fold_scheme, count(DISTINCT take_id) FROM predictions GROUP BY ALL"
    )
    assert sorted(evaluated) == sorted((model, "speaker_independent", "luna5", 60) for model in MODELS)
    metrics = query(platform, "SELECT DISTINCT metric FROM scores")
    assert {name for (name,) in metrics} >= {"accuracy", "uar", "f1_macro", "f1_weighted", "roc_auc"}


def test_the_models_hear_more_than_chance_and_less_than_everything(platform: Path) -> None:
    independent = "metric = 'uar' AND protocol = 'speaker_independent'"
    for model, uar in query(platform, f"SELECT model, value FROM scores WHERE {independent}"):
        assert 1 / len(EMOTIONS) < uar < 1, model


def test_no_fold_trains_on_what_it_judges(platform: Path) -> None:
    proof = query(platform, "SELECT test_actors, training_actors, shared_actors FROM leakage_audit")
    assert len(proof) == len(MODELS) * 2
    for evaluated, training, shared in proof:
        assert not set(evaluated.split(", ")) & set(training.split(", "))
        assert shared == 0


def test_the_report_is_there_and_says_that_the_voices_are_synthetic(platform: Path) -> None:
    report = platform / "data/ravdess/report"
    assert "synthetic demo corpus" in (report / "index.html").read_text()
    figures = json.loads((report / "report.json").read_text())
    assert set(figures["confusion"]) == set(MODELS)
    assert len(list((report / "pictures").glob("*.png"))) >= 10


def test_a_kept_model_opens_and_hears_more_than_chance_in_what_it_was_trained_on(platform: Path) -> None:
    from ser_assets.learning.models.inference import load_model
    from ser_assets.settings import Settings
    from ser_assets.storage.training_set import load_examples
    from ser_assets.storage.warehouse import Warehouse
    from ser_assets_tests.factories.stored_data import SETS

    examples = load_examples(Warehouse(platform / "data/ravdess"), Settings(), [*SETS, "embeddings"])
    for name in MODELS:
        model = load_model(platform / "data/ravdess/models/raw" / name)
        recognised = model.predict_proba(examples).argmax(axis=1)
        assert (recognised == examples.labels).mean() > 1.5 / len(EMOTIONS), name


def test_the_history_is_kept_where_the_ui_finds_it(platform: Path) -> None:
    done = dict.fromkeys(("01", "02"), "MATERIALIZED")
    for asset in ("raw_videos", "mono_audio", "trimmed_audio", "augmented_set", "features"):
        assert status(platform, asset) == done


def test_running_it_all_again_in_one_process_gives_the_same_bytes_and_the_score_table(platform: Path) -> None:
    before = everything(platform)
    command = ("ser-assets", "run", "--actors", "1-2", "--config-json", CONFIG)
    done = shell(platform, *command, SER_WORKERS="1")
    assert done.returncode == 0, done.stderr[-3000:]
    assert "features: 2 of 2 done" in done.stdout
    assert everything(platform) == before
    assert "Random" in done.stdout
    assert "report: data/ravdess/report/index.html" in done.stdout
    assert "synthetic demo corpus" in done.stdout
    assert "champion, which `predict` uses: " in done.stdout
    assert "BetaWarning" not in done.stderr
    independent = "metric = 'uar' AND protocol = 'speaker_independent'"
    [(best,)] = query(platform, f"SELECT max(value) FROM scores WHERE {independent}")
    assert f"{best:.3f}" in done.stdout


def test_one_partition_is_made_alone_and_a_model_on_all_that_are_there(platform: Path) -> None:
    before = everything(platform)
    times = {path: path.stat().st_mtime_ns for path in (platform / "data/ravdess/mono_audio").iterdir()}
    (platform / "data/ravdess/mono_audio/actor_02.parquet").unlink()
    chain = "raw_videos,mono_audio,trimmed_audio,augmented_set,features,random_forest"
    done = materialize(platform, "--select", chain, "--partition", "02", "--config-json", FOREST_CONFIG)
    assert done.returncode == 0, done.stderr[-3000:]
    changed = {path.name for path, time in times.items() if path.stat().st_mtime_ns != time}
    assert changed == {"actor_02.parquet", "actor_02.png"}
    assert everything(platform) == before


def test_an_actor_that_nobody_recorded_is_asked_for_by_name(platform: Path) -> None:
    done = materialize(platform, "--select", "raw_videos", "--partition", "09")
    assert done.returncode == 1
    assert f"no recordings of actor 09 under {platform}/data/raw/**/Actor_09/" in done.stdout + done.stderr
    failed = shell(platform, "ser-assets", "run", "--actors", "9")
    assert failed.returncode == 1
    assert f"no recordings of actor 09 under {platform}/data/raw" in failed.stderr
    assert "left out, without an accepted take (table raw_videos): actors 09" in failed.stderr
    assert "Traceback" not in failed.stderr
