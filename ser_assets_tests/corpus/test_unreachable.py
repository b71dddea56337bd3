"""Servers that cannot be reached, or not safely: what is said, and that nobody waits for them longer than need be."""

import dataclasses
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from ser_assets.corpus.zenodo import archives
from ser_assets.corpus.zenodo.archives import DownloadError
from ser_assets.corpus.zenodo.disk import DownloadRequest
from ser_assets.corpus.zenodo.download import download, plan
from ser_assets.corpus.zenodo.retries import RetryPolicy
from ser_assets.corpus.zenodo.transfer import Transfer
from ser_assets_tests.factories.zenodo_server import Answer, Zenodo, an_archive, serving

IMPATIENT = RetryPolicy(silence=10, more_tries=3, pause=0, jitter=0)
ARCHIVE, CONTENT = an_archive("01")
NOWHERE = "http://127.0.0.1:9"


class Fetch:
    """Fetches the archive, and notes what was said."""

    def __init__(self, part: Path) -> None:
        self.part = part
        self.words: list[str] = []
        self.answers = 0

    def __call__(self, url: str) -> None:
        Transfer(
            ARCHIVE,
            ARCHIVE.address(url),
            self.part,
            IMPATIENT,
            tell=self.words.append,
            progress=lambda _: None,
            wait=lambda _: None,
            answered=self._count,
        ).run()

    def _count(self) -> None:
        self.answers += 1


@pytest.fixture
def fetch(tmp_path: Path, zenodo: Zenodo) -> Fetch:  # noqa: ARG001 - takes proxies away
    return Fetch(tmp_path / "Speech_01.zip.part")


def test_a_server_that_is_not_there_is_named_with_the_reason(fetch: Fetch) -> None:
    with pytest.raises(DownloadError, match=r"127.0.0.1 cannot be reached \(.*refused.*\), 4 times in a row"):
        fetch(NOWHERE)
    assert "refused" in fetch.words[0]
    assert not fetch.answers


def test_a_name_that_nobody_knows_is_told(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> list:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(DownloadError, match=r"zenodo.invalid cannot be reached \(Name or service not known\), 4 times"):
        fetch("http://zenodo.invalid")


def test_a_server_without_tls_is_told_at_once(fetch: Fetch, zenodo: Zenodo) -> None:
    with pytest.raises(
        DownloadError, match=r"^Speech_01.zip: no secure connection to 127.0.0.1 \(.*SSL.*\): is SER_ZENODO_URL right"
    ):
        fetch(zenodo.url.replace("http", "https"))
    assert not fetch.words
    assert not fetch.answers


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a certificate that nobody but its owner vouches for, and its key in the same file."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path / "own.pem"
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=own -addext"
    files = ["-keyout", path, "-out", tmp_path / "certificate"]
    subprocess.run(["openssl", *made.split(), "subjectAltName=IP:127.0.0.1", *files], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (tmp_path / "certificate").read_bytes())
    return path


@pytest.fixture
def secure(zenodo: Zenodo, certificate: Path) -> Iterator[Zenodo]:  # noqa: ARG001 - takes proxies away
    """Serve the archive by TLS with the certificate."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with serving(tls) as server:
        server.publish(ARCHIVE, CONTENT)
        yield server


def test_a_certificate_that_nobody_vouches_for_is_told_at_once_and_the_remedy_helps(
    fetch: Fetch, secure: Zenodo, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DownloadError, match=r"self-signed certificate.* let REQUESTS_CA_BUNDLE name a file of cert"):
        fetch(secure.url)
    assert not fetch.words
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    fetch(secure.url)
    assert fetch.part.read_bytes() == CONTENT


def test_a_secure_connection_that_is_garbled_on_the_way_is_a_cut_one(
    fetch: Fetch, secure: Zenodo, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    secure.answers.append(Answer(garbled_after=len(CONTENT) // 2))
    fetch(secure.url)
    assert fetch.part.read_bytes() == CONTENT
    assert fetch.words == ["Speech_01.zip: the connection was cut; trying again"]


def test_a_server_that_hangs_up_before_it_is_secure_is_tried_again(fetch: Fetch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:

        def hang_up() -> None:
            with suppress(OSError):
                while True:
                    line, _ = deaf.accept()
                    line.recv(10_000)
                    line.close()

        threading.Thread(target=hang_up, daemon=True).start()
        with pytest.raises(DownloadError, match="the connection was cut, 4 times in a row"):
            fetch(f"https://127.0.0.1:{deaf.getsockname()[1]}")
        deaf.shutdown(socket.SHUT_RDWR)


def test_a_proxy_that_is_not_there_is_told_apart_from_the_server(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", NOWHERE)
    with pytest.raises(DownloadError, match=r"the proxy cannot be reached \(.*refused"):
        fetch("http://zenodo.invalid")


@pytest.fixture
def order(tmp_path: Path, zenodo: Zenodo, monkeypatch: pytest.MonkeyPatch) -> DownloadRequest:  # noqa: ARG001 - takes proxies away
    """Ask a server that is not there for the films of six actors."""
    films = {actor: an_archive(actor)[0] for actor in ("01", "02", "03", "04", "05", "06")}
    monkeypatch.setattr(archives, "ARCHIVES", {"speech-video": tuple(films.values())})
    return DownloadRequest("speech-video", tuple(films), NOWHERE, tmp_path / "raw", tmp_path / "downloads")


def test_a_server_that_nothing_reaches_is_given_up_once_for_all(order: DownloadRequest) -> None:
    message: list[str] = []
    first, *others = download(order, plan(order), tell=message.append, patience=IMPATIENT)
    assert "127.0.0.1 cannot be reached" in first
    assert "4 times in a row; run the same command later" in first
    assert len(others) == 5
    assert sum("given up too, for 127.0.0.1 has never answered" in other for other in others) >= 3
    assert len(message) <= 3 * IMPATIENT.more_tries


def test_nobody_waits_out_a_pause_for_a_server_that_is_given_up(
    order: DownloadRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = dataclasses.replace(order, actors=("01", "02"), at_once=2)
    pausing = threading.Event()
    really_run = Transfer.run

    def run(transfer: Transfer) -> None:
        if transfer.archive != ARCHIVE:
            return really_run(transfer)
        pausing.wait()
        raise DownloadError("not to be had")

    def note(words: str) -> None:
        if "trying again in 300 s" in words:
            pausing.set()

    monkeypatch.setattr(Transfer, "run", run)
    # Far longer than the test may take: it does not end unless the pause is broken off.
    patience = dataclasses.replace(IMPATIENT, pause=300, longest_pause=300)
    failures = download(order, plan(order), tell=note, patience=patience)
    assert failures == ["not to be had", "Speech_02.zip: given up too, for 127.0.0.1 has never answered"]


def test_an_archive_that_is_there_is_unpacked_though_nothing_reaches_the_server(order: DownloadRequest) -> None:
    order = dataclasses.replace(order, at_once=1)
    order.downloads_dir.mkdir()
    (order.downloads_dir / "Speech_02.zip").write_bytes(an_archive("02")[1])
    assert len(download(order, plan(order), patience=IMPATIENT)) == 5
    assert {path.parent.name for path in order.raw_dir.rglob("*.mp4")} == {"Actor_02"}
