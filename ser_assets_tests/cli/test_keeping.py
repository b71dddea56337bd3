"""The commands `backup` and `restore`: what a data folder answers is the same in another one."""

import json
import shutil
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from ser_assets.cli import main
from ser_assets.history import backup, open_history
from ser_assets.storage.tables import SCORES
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.bundles import made_up_scores, make_bundle
from ser_assets_tests.factories.media import voice, write_wav

ROOT = Path(__file__).resolve().parents[2]


@dg.job
def nothing() -> None: ...


def call(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with scores, a champion and a history of one run in `data`, and a recording beside."""
    for name in ("DAGSTER_HOME", "SER_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SER_WORKERS", "1")
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    scores = pa.Table.from_pandas(made_up_scores("random_forest"), preserve_index=False)
    Warehouse(tmp_path / "data/ravdess").replace_rows(SCORES, scores, {})
    shutil.copytree(make_bundle(tmp_path / "bundle"), tmp_path / "data/ravdess/models/champion")
    write_wav(tmp_path / "take.wav", voice())
    with open_history() as instance:
        nothing.execute_in_process(instance=instance)
    return tmp_path


def answers() -> dict[str, object]:
    """What a data folder answers: its scores, what its champion predicts, and its runs."""
    predicted = call("predict", "take.wav", "--json")
    with open_history() as instance:
        return {
            "scores": call("scores").output.partition("report:")[0],
            "predict": json.loads(predicted.stdout),
            "runs": [run.run_id for run in instance.get_runs()],
            "events": [len(instance.all_logs(run.run_id)) for run in instance.get_runs()],
        }


def test_another_folder_answers_the_same_after_a_restore(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = answers()
    assert len(before["runs"]) == 1  # type: ignore[arg-type]
    made = call("backup", "backup.tar")
    assert made.exit_code == 0, made.output
    assert f"of {folder / 'data'} in backup.tar" in made.output
    monkeypatch.setenv("SER_DATA_DIR", "other")
    restored = call("restore", "backup.tar")
    assert restored.exit_code == 0, restored.output
    assert str(folder / "other") in restored.output
    shutil.rmtree(folder / "data")
    assert answers() == before


def test_a_second_restore_is_refused_in_a_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    call("backup", "backup.tar")
    monkeypatch.setenv("SER_DATA_DIR", "other")
    call("restore", "backup.tar")
    again = call("restore", "backup.tar")
    assert again.exit_code == 1
    assert again.output.startswith(f"Error: {folder / 'other'} contains dagster, ravdess, and nothing")


def test_there_is_no_backup_while_a_run_writes(folder: Path) -> None:
    with open_history() as instance:
        run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED).run_id
    result = call("backup", "backup.tar")
    assert result.exit_code == 1
    assert result.output.startswith(f"Error: run {run[:8]} writes to the data folder")
    assert not (folder / "backup.tar").exists()


def test_a_backup_during_which_a_run_wrote_is_removed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = backup.back_up

    def beside_a_run(data_dir: Path, target: Path) -> int:
        with open_history() as instance:
            nothing.execute_in_process(instance=instance)
        return original(data_dir, target)

    monkeypatch.setattr(backup, "back_up", beside_a_run)
    result = call("backup", "backup.tar")
    assert result.exit_code == 1
    assert "the backup is removed; make it again" in result.output
    assert not (folder / "backup.tar").exists()


def test_a_history_elsewhere_is_said_not_to_be_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "home").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(folder / "home"))
    result = call("backup", "backup.tar")
    assert result.exit_code == 0, result.output
    assert f"Warning: Dagster's history is in {folder / 'home'}, outside the data folder" in result.stderr
