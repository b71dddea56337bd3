"""`ser-assets download`: what it asks, what it says, and how it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ser_assets.cli import corpus, main
from ser_assets.corpus.zenodo import archives
from ser_assets.corpus.zenodo.licence import has_agreed
from ser_assets.settings import Settings
from ser_assets_tests.factories.zenodo_server import Answer, Zenodo, an_archive

FIRST, FIRST_ZIP = an_archive("01")
SECOND, SECOND_ZIP = an_archive("02")


@pytest.fixture
def published(settings: Settings, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(archives, "ARCHIVES", {"speech-video": (FIRST, SECOND)})
    monkeypatch.setenv("SER_ZENODO_URL", f"{zenodo.url}/")
    zenodo.publish(FIRST, FIRST_ZIP)
    zenodo.publish(SECOND, SECOND_ZIP)
    return settings


def call(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(main, ["download", *arguments], input=answer)


def test_recordings_come_from_the_mirror_that_is_set(published: Settings, zenodo: Zenodo) -> None:
    result = call("--actors", "1-2", "--agree")
    assert result.exit_code == 0, result.output
    assert "to download from 127.0.0.1" in result.output
    assert f"2 of 2 archives are unpacked under {published.raw_dir}" in result.output
    assert f"{FIRST.name}: 2" in result.output
    assert len(list(published.raw_dir.rglob("*.mp4"))) == 120
    assert {request.target for request in zenodo.requests} == {
        f"/records/1188976/files/{archive.name}?download=1" for archive in (FIRST, SECOND)
    }


def test_what_is_there_is_said_and_nothing_is_asked(published: Settings) -> None:
    call("--actors", "1", "--agree")
    result = call("--actors", "1")
    assert result.exit_code == 0
    assert result.output == f"all recordings are under {published.raw_dir} already\n"


def test_licence_and_citation_are_shown_once(published: Settings) -> None:
    first, second = call("--actors", "1", "--agree"), call("--actors", "2")
    assert "CC BY-NC-SA 4.0" in first.output
    assert "Livingstone" in first.output
    assert second.exit_code == 0
    assert "CC BY-NC-SA 4.0" not in second.output
    assert "agreed" in (published.downloads_dir / "licence-agreed.txt").read_text()


def test_somebody_who_agrees_when_asked_is_not_asked_again(
    published: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "_has_terminal", lambda: True)
    result = call("--actors", "1", answer="y\n")
    assert result.exit_code == 0, result.output
    assert "Do you agree? [y/N]" in result.output
    assert has_agreed(published.downloads_dir)
    assert "Do you agree" not in call("--actors", "2").output


def test_nothing_is_fetched_for_somebody_who_declines(
    published: Settings, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corpus, "_has_terminal", lambda: True)
    result = call("--actors", "1", answer="n\n")
    assert result.exit_code == 1
    assert not zenodo.requests
    assert not has_agreed(published.downloads_dir)
    assert not published.data_dir.exists()


@pytest.mark.usefixtures("published")
def test_where_nobody_can_be_asked_the_flag_is_named(zenodo: Zenodo) -> None:
    result = call("--actors", "1")
    assert result.exit_code == 1
    assert "no terminal to ask on: pass --agree" in result.output
    assert not zenodo.requests


def test_what_failed_is_told_at_the_end_and_the_rest_is_there(published: Settings, zenodo: Zenodo) -> None:
    del zenodo.files[FIRST.name]
    result = call("--actors", "1-2", "--agree")
    assert result.exit_code == 1
    assert "1 of 2 archives are unpacked" in result.output
    assert f"Error: {FIRST.name}: 127.0.0.1 answers 404 Not Found; is SER_ZENODO_URL right?" in result.stderr
    assert len(list(published.raw_dir.rglob("*.mp4"))) == 60


@pytest.mark.usefixtures("published")
def test_what_is_tried_again_is_told_on_the_way(zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(status=503))
    result = call("--actors", "1", "--agree")
    assert result.exit_code == 0
    assert f"{FIRST.name}: 127.0.0.1 answers 503 Service Unavailable; trying again" in result.stderr


@pytest.mark.parametrize("name", [".", "raw", "downloads"])
def test_a_file_in_the_way_of_a_folder_is_named_with_the_remedy(published: Settings, zenodo: Zenodo, name: str) -> None:
    path = published.data_dir / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("a file")
    result = call("--actors", "1", "--agree")
    assert result.exit_code == 1
    assert f"Error: {path}: is not a folder" in result.stderr
    assert "move it away" in result.stderr
    assert not zenodo.requests


@pytest.mark.usefixtures("published")
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    too_long = tmp_path / ("x" * 300)
    monkeypatch.setenv("SER_DATA_DIR", str(too_long))
    result = call("--actors", "1", "--agree")
    assert result.exit_code == 1
    assert str(too_long) in result.stderr
    assert isinstance(result.exception, SystemExit)


def test_somebody_with_a_table_of_their_own_is_told_that_this_brings_ravdess(
    published: Settings, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_CORPUS", "table")
    monkeypatch.setenv("SER_CORPUS_TABLE", "mine.csv")
    result = call("--actors", "1", "--agree")
    assert result.exit_code == 1
    assert (
        "`download` fetches RAVDESS, and the settings name another corpus (SER_CORPUS=table): unset SER_CORPUS"
        in result.stderr
    )
    assert not zenodo.requests
    assert not published.data_dir.exists()


@pytest.mark.parametrize("url", ["zenodo.org", "ftp://zenodo.org", "https://", "", "https://a b"])
def test_an_address_that_is_none_is_named(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_ZENODO_URL", url)
    result = call()
    assert result.exit_code == 1
    assert "SER_ZENODO_URL" in result.output


@pytest.mark.skipif(os.name == "nt", reason="needs SIGINT")
def test_ctrl_c_ends_the_command_while_a_server_is_silent(published: Settings, zenodo: Zenodo) -> None:
    zenodo.answers.append(Answer(stall_after=150_000))
    script = (
        "from ser_assets.corpus.zenodo import archives; "
        "from ser_assets_tests.factories.zenodo_server import an_archive; "
        "archives.ARCHIVES = {'speech-video': (an_archive('01')[0],)}; "
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
        "from ser_assets.cli import main; main(['download', '--actors', '1', '--agree'])"
    )
    command = subprocess.Popen(
        [sys.executable, "-c", script], stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    part = published.downloads_dir / f"{FIRST.name}.part"
    while not (part.exists() and part.stat().st_size) and command.poll() is None:
        time.sleep(0.01)
    command.send_signal(signal.SIGINT)
    # The server stays silent for as long as the test lasts, and the command would wait half a minute for it.
    _, message = command.communicate(timeout=20)
    assert command.returncode == 1
    assert "stopped; the same command resumes" in message
    assert "Traceback" not in message
    assert FIRST_ZIP.startswith(part.read_bytes())
    assert call("--actors", "1").exit_code == 0
    assert zenodo.starts[1] is not None
