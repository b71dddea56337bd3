"""Commands where terminals, folders or the home are not as usual: they work, or say in a line what is wrong."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from ser_assets.cli import main
from ser_assets.cli.entry import in_plain_words
from ser_assets.definitions import build_definitions
from ser_assets.runtime import caches
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.tables import SCORES
from ser_assets.storage.training_set import FeaturesMissingError
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.bundles import made_up_scores, make_bundle
from ser_assets_tests.factories.media import voice, write_wav
from ser_assets_tests.test_environment import COMMANDS

LABELS = ("高兴", "غضب 😡")
SER_ASSETS = (sys.executable, "-c", "from ser_assets.cli import main; main()")
READING = {
    "doctor": ("doctor",),
    "doctor --all": ("doctor", "--all"),
    "scores": ("scores",),
    "predict": ("predict", "take.wav"),
    "predict --json": ("predict", "take.wav", "--json"),
}
# A superuser may write everywhere, unless this capability is taken.
MERE_MORTAL = ("setpriv", "--bounding-set", "-dac_override,-dac_read_search,-fowner")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Recordings of a table with labels in other scripts, features of them, scores and a bundle."""
    folder = tmp_path_factory.mktemp("small")
    rows = ["path,speaker,emotion"]
    for number in range(8):
        write_wav(folder / f"声{number}.wav", voice(hertz=100 + 10 * number, seed=number))
        rows.append(f"声{number}.wav,{('Ann', '李雷')[number // 4]},{LABELS[number % 2]}")
    (folder / "voices.csv").write_text("\n".join(rows), encoding="utf-8")
    write_wav(folder / "take.wav", voice())
    settings = Settings(
        corpus="table", corpus_table=folder / "voices.csv", data_dir=folder / "data", workers=1, speed_perturbation=()
    )
    prepare = build_definitions(settings).resolve_job_def("prepare_features")
    tags = {"dagster/asset_partition_range_start": "Ann", "dagster/asset_partition_range_end": "李雷"}
    assert prepare.execute_in_process(tags=tags).success
    scores = pa.Table.from_pandas(made_up_scores("random_forest"), preserve_index=False)
    Warehouse(settings.corpus_dir).replace_rows(SCORES, scores, {})
    shutil.copytree(make_bundle(folder / "bundle"), settings.corpus_dir / "models" / "champion")
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of it to work in, with settings that name it."""
    copy = shutil.copytree(made, tmp_path / "own")
    monkeypatch.chdir(copy)
    monkeypatch.setenv("SER_CORPUS", "table")
    monkeypatch.setenv("SER_CORPUS_TABLE", str(copy / "voices.csv"))
    monkeypatch.setenv("SER_DATA_DIR", str(copy / "data"))
    monkeypatch.setenv("SER_WORKERS", "1")
    yield copy
    for path in (copy, *copy.rglob("*")):
        if path.is_dir():
            path.chmod(0o755)


def shell(*arguments: str, before: tuple[str, ...] = (), **variables: str) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, **variables}
    return subprocess.run([*before, *SER_ASSETS, *arguments], capture_output=True, env=environment)


def ends_clearly(done: subprocess.CompletedProcess[bytes]) -> bool:
    told = done.stdout + done.stderr
    return done.returncode in (0, 1, 2) and not any(sign in told for sign in (b"Traceback", b"Exception ignored"))


@pytest.mark.parametrize("charset", ["ascii", "cp1252", "koi8-r", "shift-jis"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("folder")
def test_no_command_fails_over_a_character(command: str, charset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ser_assets.corpus.demo import corpus as demo
    from ser_assets.orchestration import runner, studies

    def find_no_features(*_: object) -> None:
        raise FeaturesMissingError("features show 高兴")

    # What takes minutes is not done, but tells something of these labels.
    monkeypatch.setattr(demo, "speech_takes", lambda _: [])
    monkeypatch.setattr(studies, "load_study", find_no_features)
    monkeypatch.setattr(runner, "refresh", lambda *_: runner.RunOutcome(True, ["left out: 高兴"]))
    arguments = ["声0.wav" if each == "take.wav" else each for each in COMMANDS[command]]
    result = CliRunner(charset=charset).invoke(main, [command, *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "cp1252"}, {"PYTHONIOENCODING": "ascii", "COLUMNS": "20"}])
@pytest.mark.usefixtures("folder")
def test_what_a_terminal_lacks_is_written_as_its_code(variables: dict[str, str]) -> None:
    done = shell("doctor", **variables)
    assert ends_clearly(done), done.stderr.decode()
    assert done.returncode == 0
    # To what calls itself ASCII click writes UTF-8.
    assert b"\\u9ad8\\u5174" in done.stdout or "高兴".encode() in done.stdout


@pytest.mark.usefixtures("folder")
def test_a_system_without_a_code_for_a_file_name_is_named_with_the_remedy() -> None:
    done = shell("doctor", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert done.returncode == 1
    assert ends_clearly(done), done.stderr.decode()
    assert b"PYTHONUTF8=1" in done.stderr


@pytest.mark.parametrize("columns", ["1", "40"])
@pytest.mark.parametrize("command", READING)
@pytest.mark.usefixtures("folder")
def test_no_command_fails_on_a_narrow_terminal(command: str, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    result = CliRunner().invoke(main, READING[command])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("command", ["doctor", "predict --json"])
@pytest.mark.usefixtures("folder")
def test_a_reader_that_goes_away_is_no_error(command: str) -> None:
    process = subprocess.Popen([*SER_ASSETS, *READING[command]], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    told = process.stderr.read()
    process.wait()
    assert b"Traceback" not in told
    assert b"Exception ignored" not in told


@pytest.mark.parametrize("command", ["doctor", "scores"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.usefixtures("folder")
def test_output_to_a_full_disk_ends_with_a_line(command: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([*SER_ASSETS, *READING[command]], stdout=full, stderr=subprocess.PIPE)
    assert b"Traceback" not in done.stderr
    assert b"No space left on device" in done.stderr
    assert done.returncode != 0


@pytest.mark.parametrize("command", ["doctor", "scores"])
@pytest.mark.usefixtures("folder")
def test_without_standard_output_commands_end_too(command: str) -> None:
    done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", *SER_ASSETS, *READING[command]], capture_output=True)
    assert b"Traceback" not in done.stderr


@pytest.fixture
def read_only(folder: Path) -> Path:
    """The folder, and a user who may write nowhere in it."""
    if os.getuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("a superuser, and no setpriv: everything may be written")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    return folder


def mere_mortal() -> tuple[str, ...]:
    return MERE_MORTAL if os.getuid() == 0 else ()


@pytest.mark.parametrize("command", ["doctor", "scores", "predict --json"])
@pytest.mark.usefixtures("read_only")
def test_reading_needs_no_right_to_write(command: str) -> None:
    done = shell(*READING[command], before=mere_mortal())
    assert ends_clearly(done), done.stderr.decode()
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("left", ["no lock file", "a part of a killed process", "a journal"])
@pytest.mark.parametrize("command", ["doctor", "scores"])
def test_reading_works_whatever_was_left_there(command: str, left: str, folder: Path, read_only: Path) -> None:
    folder.joinpath("data/table-voices").chmod(0o755)
    if left == "no lock file":
        (folder / "data/table-voices/ser.duckdb.lock").unlink()
    elif left == "a journal":
        (folder / "data/table-voices/ser.duckdb").chmod(0o644)
        opened = f"duckdb.connect({str(folder / 'data/table-voices/ser.duckdb')!r})"
        script = f"import duckdb, os; kept = {opened}; kept.execute('CREATE TABLE x (a INT)'); os._exit(9)"
        subprocess.run([sys.executable, "-c", script])
        (folder / "data/table-voices/ser.duckdb").chmod(0o444)
        assert (folder / "data/table-voices/ser.duckdb.wal").exists()
    else:
        import socket

        (folder / "data/table-voices" / f".ser.duckdb~{socket.gethostname()}~4000000~part").touch()
    folder.joinpath("data/table-voices").chmod(0o555)
    done = shell(*READING[command], before=mere_mortal())
    assert ends_clearly(done), done.stderr.decode()
    assert done.returncode == 0, done.stderr.decode()
    assert read_only == folder


@pytest.mark.parametrize("file", ["ser.duckdb", "mono_audio", "features"])
def test_damage_where_nothing_may_be_written_is_told_once(file: str, folder: Path, read_only: Path) -> None:
    data = read_only / "data/table-voices"
    damaged = data / file if file == "ser.duckdb" else ActorFiles(data).path(file, "Ann")
    damaged.chmod(0o644)
    damaged.write_bytes(b"garbage" * 1000)
    damaged.chmod(0o444)
    done = shell("doctor", before=mere_mortal())
    assert ends_clearly(done), done.stderr.decode()
    assert done.returncode == 1
    assert b"was damaged" in done.stdout + done.stderr
    assert b"cannot be set aside (Permission denied)" in done.stdout + done.stderr
    assert folder == read_only


@pytest.mark.parametrize("command", ["run", "enrol-speaker", "demo-corpus", "download"])
def test_what_has_to_write_and_may_not_says_so_in_a_line(
    command: str, read_only: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = {
        "demo-corpus": (str(read_only / "data" / "raw"), "--actors", "1"),
        "download": ("--agree", "--actors", "1"),
        "enrol-speaker": ("take.wav", "--out", str(read_only / "me.json")),
    }
    if command == "download":
        monkeypatch.setenv("SER_CORPUS", "ravdess")
        monkeypatch.setenv("SER_ZENODO_URL", "http://127.0.0.1:9")
        monkeypatch.delenv("SER_CORPUS_TABLE")
    if command == "run":
        monkeypatch.setenv("SER_SAMPLING_RATE", "16000")
    done = shell(command, *arguments.get(command, ()), before=mere_mortal())
    assert ends_clearly(done), done.stderr.decode()
    assert done.returncode == 1
    assert b"ermission denied" in done.stderr


@pytest.mark.parametrize(("command", "home"), [("doctor", "missing"), ("doctor", "a file"), ("doctor", "read-only")])
def test_commands_need_no_home(command: str, home: str, folder: Path, tmp_path: Path) -> None:
    places = {"missing": tmp_path / "none", "a file": tmp_path / "file", "read-only": tmp_path / "closed"}
    places["a file"].touch()
    places["read-only"].mkdir(mode=0o555)
    done = shell(*READING[command], before=mere_mortal(), HOME=str(places[home]), TMPDIR=str(tmp_path))
    assert ends_clearly(done), done.stderr.decode()
    assert done.returncode == 0, done.stderr.decode()
    assert b"atplotlib created a temporary" not in done.stderr
    assert folder.exists()


@pytest.mark.parametrize("home", [None, "none", "file"])
def test_libraries_get_a_place_for_what_they_keep_where_there_is_no_home(
    home: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("MPLCONFIGDIR", "mine")
    for name in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME", "KERAS_HOME"):
        monkeypatch.delenv(name, raising=False)
    if home is None:

        def no_home() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", no_home)
    else:
        monkeypatch.setenv("HOME", str(tmp_path / home))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    caches.provide_caches()
    given = Path(os.environ["NUMBA_CACHE_DIR"])
    assert given.is_dir()
    assert given.is_relative_to(tmp_path)
    assert given.parent.stat().st_mode & 0o077 == 0
    assert os.environ["MPLCONFIGDIR"] == "mine"


def test_a_folder_that_somebody_else_put_there_holds_no_code_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    planted = tmp_path / f"ser-assets-{os.getuid()}"
    (tmp_path / "elsewhere").mkdir()
    planted.symlink_to(tmp_path / "elsewhere")
    assert caches._own_temporary_folder() != planted
    planted.unlink()
    planted.mkdir()
    planted.chmod(0o777)
    assert caches._own_temporary_folder() != planted


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied", "x"), "x: Permission denied"),
        (
            OSError(30, "Read-only file system", "x"),
            "x: Read-only file system: choose another folder with SER_DATA_DIR",
        ),
        (OSError(28, "No space left on device"), "No space left on device: free some space"),
        (MemoryError(), "out of memory"),
        ("größe".encode, "set PYTHONUTF8=1"),
        (ValueError("a fault of ours"), ""),
        (OSError("without a number"), ""),
        (KeyError("x"), ""),
    ],
)
def test_faults_of_the_surroundings_are_told_and_our_own_are_not_hidden(error: object, told: str) -> None:
    if callable(error):
        with pytest.raises(UnicodeEncodeError) as caught:
            error("ascii")
        error = caught.value
    assert isinstance(error, Exception)
    words = in_plain_words(error)
    assert words.startswith(told) if not told.startswith("set") else told in words
    assert bool(words) == bool(told)
