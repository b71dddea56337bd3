"""The folder of Dagster's history: where it is wrong, one line says so."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import ser_assets
from ser_assets.cli import main
from ser_assets.history import HistoryError, open_history
from ser_assets_tests.factories.media import voice, write_wav

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return tmp_path


WRONG = {
    "relative": ("dagster_home", r"DAGSTER_HOME=dagster_home is not an absolute path"),
    "relative with dots": ("../home", r"is not an absolute path"),
    "another home": ("~no-such-user/x", r"is not an absolute path"),
    "nowhere": ("{folder}/none", r"does not exist: .*`mkdir -p .*/none` makes it"),
    "a file": ("{folder}/file", r"is not a folder"),
    "broken yaml": ("{folder}/broken", r"broken cannot be opened \(.+\): check .*broken/dagster\.yaml"),
    "odd yaml": ("{folder}/odd", r"odd cannot be opened \(.*nonsense"),
    "a path that begins parameters": ("{folder}/a?b", r"contains \?"),
    "a path that begins a fragment": ("{folder}/a#b", r"contains #"),
    "a broken database": ("{folder}/damaged", r"damaged cannot be opened \(.*(not a database|malformed)"),
}


@pytest.mark.parametrize(("home", "told"), WRONG.values(), ids=WRONG)
def test_a_home_that_cannot_be_is_told_in_a_line(
    home: str, told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("broken", "odd", "a?b", "a#b", "damaged"):
        (folder / name).mkdir()
    (folder / "file").touch()
    (folder / "broken" / "dagster.yaml").write_text("storage: [")
    (folder / "odd" / "dagster.yaml").write_text("nonsense: 3")
    (folder / "damaged" / "history").mkdir()
    (folder / "damaged" / "history" / "runs.db").write_bytes(b"no database" * 100)
    monkeypatch.setenv("DAGSTER_HOME", home.format(folder=folder))
    with pytest.raises(HistoryError, match=told) as caught:
        open_history()
    assert "\n" not in str(caught.value)
    monkeypatch.setenv("SER_DATA_DIR", str(folder / "data"))
    write_wav(folder / "data" / "raw" / "Actor_01" / "03-01-03-01-01-01-01.wav", voice())
    result = CliRunner().invoke(main, ["run"])
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.strip().splitlines()[-1] == f"Error: {caught.value}"


def test_a_home_without_the_right_to_write_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(sqlite3, "connect", refuse)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", refuse)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    with pytest.raises(HistoryError, match=r"readonly database.*permission to write there"):
        open_history()


def test_commands_of_dagster_warn_where_the_history_would_be_thrown_away(tmp_path: Path) -> None:
    warned = assets_listed(tmp_path)
    root = Path(ser_assets.__file__).resolve().parents[1]
    assert f"{tmp_path} has no dagster.yaml, and DAGSTER_HOME is not set" in warned
    assert f"start in {root}, or name it with DAGSTER_HOME" in warned
    assert "DAGSTER_HOME is not set" not in assets_listed(tmp_path, DAGSTER_HOME=str(root))
    (tmp_path / "dagster.yaml").touch()
    assert "DAGSTER_HOME is not set" not in assets_listed(tmp_path)


def assets_listed(folder: Path, **variables: str) -> str:
    """What Dagster prints when it loads the definitions in a folder."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SER_", "DAGSTER_"))}
    command = [Path(sys.executable).parent / "dagster", "asset", "list", "-m", "ser_assets.definitions"]
    done = subprocess.run(command, cwd=folder, env=environment | variables, capture_output=True, text=True, check=True)
    return done.stderr


@pytest.mark.parametrize("name", ["home", "a b", "größe", "50%", "声"])
def test_any_other_folder_is_opened(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / name).mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(folder / name))
    with open_history() as instance:
        assert instance.get_runs() == []
    assert (folder / name / "history").is_dir()


def test_the_history_lies_where_the_dagster_yaml_of_the_folder_says(folder: Path) -> None:
    shutil.copy(ROOT / "dagster.yaml", folder)
    with open_history() as instance:
        assert instance.is_persistent
        assert instance.get_runs() == []
    assert (folder / "data/dagster/history/runs.db").exists()


def test_what_steps_print_is_not_captured_for_the_bars_are_printed_too(folder: Path) -> None:
    shutil.copy(ROOT / "dagster.yaml", folder)
    with open_history() as instance:
        assert type(instance.compute_log_manager).__name__ == "NoOpComputeLogManager"


@pytest.mark.usefixtures("folder")
def test_without_a_dagster_yaml_there_is_no_history() -> None:
    with open_history() as instance:
        assert not instance.is_persistent
