"""The history goes with its data folder, whichever process opens it."""

import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import deserialize_value, serialize_value

from ser_assets.history import open_history

BIN = Path(sys.executable).parent


@dg.job
def nothing() -> None: ...


def dagster(folder: Path, *arguments: str, **variables: str) -> str:
    """What a command of Dagster prints, with DAGSTER_HOME as the README says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SER_", "DAGSTER_"))}
    environment |= {"DAGSTER_HOME": str(folder), **variables}
    done = subprocess.run([BIN / "dagster", *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_the_history_is_in_the_data_folder(home: Path) -> None:
    with open_history() as instance:
        assert instance.root_directory == str(home / "data" / "dagster")
        nothing.execute_in_process(instance=instance)
    assert (home / "data/dagster/history/runs.db").exists()
    assert {path.name for path in home.iterdir()} == {"dagster.yaml", "data"}


def test_two_data_folders_have_two_histories(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_history() as instance:
        nothing.execute_in_process(instance=instance)
    monkeypatch.setenv("SER_DATA_DIR", "data/voices")
    with open_history() as instance:
        assert instance.get_runs() == []
        assert instance.root_directory == str(home / "data/voices/dagster")
    monkeypatch.delenv("SER_DATA_DIR")
    with open_history() as instance:
        assert len(instance.get_runs()) == 1


def test_a_data_folder_that_env_names_has_its_own(home: Path) -> None:
    (home / ".env").write_text("SER_DATA_DIR=data/voices\nSER_SEED=nonsense\n")
    with open_history() as instance:
        assert instance.root_directory == str(home / "data/voices/dagster")


def test_processes_that_are_given_the_instance_use_the_same_folder(
    home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_DATA_DIR", "data/voices")
    reference = serialize_value(InstanceRef.from_dir(str(home)))
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    monkeypatch.setenv("SER_DATA_DIR", "another")
    with dg.DagsterInstance.from_ref(deserialize_value(reference, InstanceRef)) as instance:
        nothing.execute_in_process(instance=instance)
        assert instance.root_directory == str(home / "data/voices/dagster")
        assert str(home / "data/voices/dagster/logs") in str(instance.compute_log_manager.inst_data)
    assert (home / "data/voices/dagster/history/runs.db").exists()


def test_commands_of_dagster_find_the_same_history(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_DATA_DIR", "data/voices")
    with open_history() as instance:
        run = nothing.execute_in_process(instance=instance).run_id
    assert run in dagster(home, "run", "list", SER_DATA_DIR="data/voices")
    assert run not in dagster(home, "run", "list")
    (home / ".env").write_text("SER_DATA_DIR=data/voices\n")
    assert run in dagster(home, "run", "list")


def test_a_data_folder_that_cannot_be_is_a_line_in_commands_of_dagster(home: Path) -> None:
    printed = dagster(home, "instance", "info", SER_DATA_DIR="a?b")
    assert printed.strip().splitlines()[-1].startswith("Error: SER_DATA_DIR: ")
    assert "Traceback" not in printed


def test_a_home_that_env_names_is_used_by_all(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("home")
    (home / ".env").write_text(f"DAGSTER_HOME={other}\n")
    with open_history() as instance:
        run = nothing.execute_in_process(instance=instance).run_id
        assert instance.root_directory == str(other)
    assert run in dagster(home, "run", "list", DAGSTER_HOME="")


def test_storage_that_dagster_yaml_names_is_used(home: Path) -> None:
    with (home / "dagster.yaml").open("a") as file:
        file.write(f"storage:\n  sqlite:\n    base_dir: {home / 'chosen'}\n")
    with open_history() as instance:
        nothing.execute_in_process(instance=instance)
    assert (home / "chosen/history/runs.db").exists()
    assert not (home / "data/dagster/history").exists()
