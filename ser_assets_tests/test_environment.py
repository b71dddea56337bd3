"""Settings from `.env` and the environment: one line tells what cannot be read or changes nothing."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ser_assets import environment
from ser_assets.cli import main
from ser_assets.environment import SettingsError, read_settings, settings_warnings
from ser_assets.orchestration.retraining import retraining_schedule
from ser_assets.settings import Settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, and no setting in the environment."""
    for name in list(os.environ):
        if name.upper().startswith("SER_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "content",
    [
        b"SER_SEED=7\n",
        "SER_SEED=7\r\n".encode("utf-8-sig"),
        "# données\nexport SER_SEED='7'\nOTHER\nodd line\n".encode(),
        "ser_seed=7".encode("utf-8-sig"),
    ],
    ids=["UTF-8", "byte order mark", "umlauts, other lines", "lower case"],
)
def test_a_file_of_settings_is_read(content: bytes, folder: Path) -> None:
    (folder / ".env").write_bytes(content)
    assert read_settings().seed == 7
    assert settings_warnings(read_settings()) == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("SER_SEED=7\r\n".encode("utf-16"), r"line 1: is UTF-16 instead of UTF-8: save it as UTF-8"),
        ("SER_SEED=7\r\n".encode("utf-16-be"), r"contains NUL characters, perhaps because it is UTF-16"),
        ("SER_SEED=7\r\n".encode("utf-16-le"), r"contains NUL characters, perhaps because it is UTF-16"),
        ("SER_SEED=7\n".encode("utf-32"), r"UTF-16|NUL"),
        ("SER_SEED=7\n# données\n".encode("cp1252"), r"line 2: is another encoding, such as Windows-1252"),
        ("SER_DATA_DIR=größe\n".encode("latin-1"), r"line 1: is .* instead of UTF-8"),
        ("SER_DATA_DIR=声\n".encode("shift-jis"), r"line 1: is .* instead of UTF-8"),
        (b"A=1\n\nSER_SEED 7\n", r"line 3: not an assignment: write NAME=value instead of 'SER_SEED 7'"),
        (b"export SER_SEED\n", r"line 1: not an assignment"),
        (b"SER_DATA_DIR='data\n", r"line 1: not an assignment"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_line_reason_and_remedy(
    content: bytes, told: str, folder: Path
) -> None:
    (folder / ".env").write_bytes(content)
    with pytest.raises(SettingsError, match=rf"{folder}/\.env.*({told})") as caught:
        read_settings()
    assert "\n" not in str(caught.value)


def test_a_folder_of_that_name_is_often_a_virtual_environment_and_left_alone(folder: Path) -> None:
    (folder / ".env").mkdir()
    assert read_settings() == Settings()


def test_a_file_without_the_right_to_read_it_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").touch()

    def refuse(_: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        SettingsError, match=r"\.env cannot be read \(Permission denied\): make it readable, or remove it"
    ):
        read_settings()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SER_DATADIR", "SER_DATA_DIR"),
        ("SER_SAMPLE_RATE", "SER_SAMPLING_RATE"),
        ("SER_PROTOCOL", "SER_PROTOCOLS"),
        ("ser_worker", "SER_WORKERS"),
        ("SER_TABLE", "SER_CORPUS_TABLE"),
        ("SER_XYZZY", "docs/settings.md lists the settings"),
    ],
)
def test_a_variable_that_is_no_setting_is_told_with_the_closest_one(
    name: str, meant: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "1")
    [warning] = settings_warnings(read_settings())
    assert warning.startswith(f"{name} is not a setting and has no effect: ")
    assert meant in warning
    monkeypatch.delenv(name)
    (folder / ".env").write_text(f"{name}=1\n")
    [warning] = settings_warnings(read_settings())
    assert warning.startswith(f"{name} (in .env) is not a setting")


def test_known_variables_are_told_of_no_more_than_others(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SER_RAVDESS", "SER_SEED", "ser_workers", "SERVER", "PATH_SER_X"):
        monkeypatch.setenv(name, "1")
    assert settings_warnings(read_settings()) == []


@pytest.mark.parametrize("where", ["environment", "file"])
def test_a_table_without_the_corpus_is_told(where: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "file":
        (folder / ".env").write_text("SER_CORPUS_TABLE=own.csv")
    else:
        monkeypatch.setenv("SER_CORPUS_TABLE", "own.csv")
    [warning] = settings_warnings(read_settings())
    assert "SER_CORPUS_TABLE=own.csv is not used, because SER_CORPUS is ravdess: set SER_CORPUS=table" in warning
    monkeypatch.setenv("SER_CORPUS", "table")
    assert settings_warnings(read_settings()) == []


COMMANDS = {
    "demo": ("--actors", "1"),
    "demo-corpus": ("demo", "--actors", "1"),
    "download": ("--actors", "1"),
    "run": (),
    "doctor": (),
    "scores": (),
    "reproduce-notebook": (),
    "predict": ("take.wav",),
    "enrol-speaker": ("take.wav", "--out", "me.json"),
    "study": ("ablation",),
    "forget": ("声",),
    "prune": (),
    "backup": ("backup.tar",),
    "restore": ("backup.tar",),
}
WITHOUT_SETTINGS = {"make-table"}


def test_all_commands_are_tried_here() -> None:
    assert set(COMMANDS) | WITHOUT_SETTINGS == set(main.commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_warns_once_and_says_it_on_standard_error(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_assets.corpus.demo import corpus as demo

    monkeypatch.setattr(demo, "speech_takes", lambda _: [])
    monkeypatch.setenv("SER_DATADIR", "here")
    result = CliRunner().invoke(main, [command, *COMMANDS[command]])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert result.stderr.count("SER_DATADIR is not a setting") == 1
    assert "SER_DATADIR" not in result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_ends_with_a_line_where_the_settings_cannot_be_read(command: str, folder: Path) -> None:
    (folder / ".env").write_bytes("SER_SEED=1\n".encode("utf-16"))
    result = CliRunner().invoke(main, [command, *COMMANDS[command]])
    assert isinstance(result.exception, SystemExit)
    assert len(result.stderr.strip().splitlines()) == 1
    assert "save it as UTF-8" in result.stderr


def test_the_definitions_warn_in_the_log_of_dagster_unless_a_command_did(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from ser_assets import definitions

    monkeypatch.setattr(environment, "_shown", set())
    monkeypatch.setenv("SER_DATADIR", "here")
    with caplog.at_level(logging.WARNING):
        definitions._definitions()
    assert [record.message for record in caplog.records if "SER_DATADIR" in record.message] != []
    caplog.clear()
    CliRunner().invoke(main, ["scores"])
    definitions._definitions()
    assert [record.message for record in caplog.records if "SER_DATADIR" in record.message] == []


NEVER = ["61 3 * * 1", "0 25 * * *", "0 0 31 2 *", "0 0 31 4,6 *", "0 0 30,31 2 *", "* * * * 8", "*/0 * * * *"]


@pytest.mark.parametrize("cron", NEVER)
def test_a_time_that_never_comes_is_refused_by_its_setting(cron: str) -> None:
    with pytest.raises(SettingsError, match=r"^SER_RETRAIN_CRON: '.*' matches no time: minute hour"):
        retraining_schedule(Settings(retrain_cron=cron))


@pytest.mark.parametrize("cron", ["0 3 * * 1", "0 3 * * MON", "*/15 8-18 1,15 * *", "0 0 29 2 *", "0 0 L * *"])
def test_a_time_that_comes_is_taken(cron: str) -> None:
    assert retraining_schedule(Settings(retrain_cron=cron, retrain_timezone="Europe/Berlin")).cron_schedule == cron


@pytest.mark.parametrize(
    ("name", "value"), [("SER_RETRAIN_CRON", "61 3 * * 1"), ("SER_RETRAIN_TIMEZONE", "Mars"), ("SER_SEED", "x")]
)
def test_dagster_ends_with_a_line_that_names_the_setting(name: str, value: str) -> None:
    command = [sys.executable, "-m", "dagster", "asset", "list", "-m", "ser_assets.definitions"]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, name: value})
    assert done.returncode != 0
    assert any(
        line.startswith("ser_assets.environment.SettingsError: ") and name in line for line in done.stderr.splitlines()
    )


@pytest.mark.parametrize("value", ["~no-such-user/data", "a?b", "a\\b"])
def test_a_data_folder_that_cannot_be_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_DATA_DIR", value)
    with pytest.raises(SettingsError, match=r"^SER_DATA_DIR: "):
        read_settings()


@pytest.mark.parametrize("value", ["a b", "a#b", "a%20b", "größe", "声", "a:b", "'quoted'", "x" * 200])
def test_a_data_folder_may_have_any_other_name(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa

    from ser_assets.storage.actor_files import ActorFiles
    from ser_assets.storage.batches import Batch
    from ser_assets.storage.warehouse import Warehouse

    monkeypatch.setenv("SER_DATA_DIR", value)
    data_dir = read_settings().data_dir
    Warehouse(data_dir).replace_rows("t", pa.table({"a": [1]}), {})
    assert len(Warehouse(data_dir).query("FROM t")) == 1
    schema = pa.schema([(name, pa.string()) for name in ("take_id", "input_fingerprint")] + [("variant", pa.int64())])
    rows = pa.table({"take_id": ["1"], "input_fingerprint": ["x"], "variant": [0]}, schema=schema)
    ActorFiles(data_dir).write("mono_audio", "a?b*", [(Batch("a", {"1": "x"}, frozenset(), {}), rows)], schema, "r")
    assert ActorFiles(data_dir).query("mono_audio", "SELECT take_id FROM clips", actors=["a?b*"]) == [{"take_id": "1"}]


def test_a_data_folder_of_an_earlier_version_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "ser.duckdb").touch()
    result = CliRunner().invoke(main, ["scores"], env={"SER_DATA_DIR": str(tmp_path)})
    assert result.exit_code != 0
    assert "was made by an earlier version" in result.output
    assert "`ser-assets run`" in result.output
