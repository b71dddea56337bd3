"""A Zenodo of our own on this machine, which misbehaves as it is told, and small archives for it."""

import hashlib
import io
import os
import random
import re
import ssl
import threading
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from ser_assets.corpus.zenodo.archives import Archive

ETAG = '"as published"'


@dataclass(frozen=True)
class Answer:
    """How to answer a request; one that says nothing answers it well.

    `cut_after`, `stall_after` and `garbled_after` count bytes of the body; `content_range` goes out with a body from
    `start` on.
    """

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    start: int | None = None
    content_range: str | None = None
    ignores_range: bool = False
    hides_length: bool = False
    hangs_up: bool = False
    cut_after: int | None = None
    stall_after: int | None = None
    garbled_after: int | None = None


@dataclass(frozen=True)
class Request:
    """What was asked for."""

    target: str
    headers: Mapping[str, str]

    @property
    def start(self) -> int | None:
        """First byte of the range, if one was asked for."""
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        return int(asked[1]) if asked else None


class Zenodo:
    """Files by name, the answers that are due next, and the requests that came."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.answers: deque[Answer] = deque()
        self.requests: list[Request] = []
        self.may_go_on = threading.Event()
        self.url = ""

    def publish(self, archive: Archive, content: bytes) -> None:
        self.files[archive.name] = content

    @property
    def starts(self) -> list[int | None]:
        return [request.start for request in self.requests]


@contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Zenodo]:
    zenodo = Zenodo()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle(self) -> None:
            # A client that does not trust the certificate says so here.
            with suppress(ssl.SSLError):
                super().handle()

        def do_GET(self) -> None:
            with suppress(ConnectionError):
                _answer(self, zenodo)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    zenodo.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield zenodo
    finally:
        zenodo.may_go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(handler: BaseHTTPRequestHandler, zenodo: Zenodo) -> None:
    request = Request(handler.path, dict(handler.headers))
    zenodo.requests.append(request)
    answer = zenodo.answers.popleft() if zenodo.answers else Answer()
    if answer.hangs_up:
        handler.close_connection = True
        return
    whole = zenodo.files.get(urlsplit(handler.path).path.rpartition("/")[2])
    if answer.status or whole is None:
        handler.send_response(answer.status or HTTPStatus.NOT_FOUND)
        for name, value in {**answer.headers, "Content-Length": "0"}.items():
            handler.send_header(name, value)
        handler.end_headers()
        return
    start = 0 if answer.ignores_range else request.start or 0
    if answer.start is not None:
        start = answer.start
    body = (whole if answer.body is None else answer.body)[start:]
    if start and not body:
        handler.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
        handler.send_header("Content-Length", "0")
        handler.end_headers()
        return
    in_part = start or answer.content_range
    handler.send_response(HTTPStatus.PARTIAL_CONTENT if in_part else HTTPStatus.OK)
    if in_part:
        content_range = answer.content_range or f"bytes {start}-{start + len(body) - 1}/{start + len(body)}"
        handler.send_header("Content-Range", content_range)
    for name, value in {"ETag": ETAG, **answer.headers}.items():
        handler.send_header(name, value)
    if not answer.hides_length:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    _send(handler, zenodo, body, answer)


def _send(handler: BaseHTTPRequestHandler, zenodo: Zenodo, body: bytes, answer: Answer) -> None:
    handler.close_connection = answer.hides_length or answer.cut_after is not None or answer.stall_after is not None
    if answer.stall_after is not None:
        handler.wfile.write(body[: answer.stall_after])
        zenodo.may_go_on.wait()
        body = body[answer.stall_after :]
    if answer.garbled_after is not None:
        handler.wfile.write(body[: answer.garbled_after])
        # Past the encryption.
        os.write(handler.connection.fileno(), b"what is no record of TLS")
        handler.close_connection = True
        return
    handler.wfile.write(body if answer.cut_after is None else body[: answer.cut_after])


def an_archive(
    *actors: str, modalities: Sequence[str] = ("01", "02"), ending: str = ".mp4", bytes_a_file: int = 2000
) -> tuple[Archive, bytes]:
    """A zip in the shape of RAVDESS that holds noise, and what is to be known of it."""
    noise = random.Random("".join(actors))
    blank = Archive("", 0, "", actors, tuple(modalities), ending, 0, smallest_take=100)
    content = zipped({name: noise.randbytes(bytes_a_file) for name in blank.files()})
    return published(f"Speech_{'_'.join(actors)}.zip", content, blank), content


def published(name: str, content: bytes, like: Archive) -> Archive:
    """What is to be known of a zip with this content."""
    return Archive(
        name,
        len(content),
        hashlib.md5(content, usedforsecurity=False).hexdigest(),
        like.actors,
        like.modalities,
        like.ending,
        unpacked_bytes=len(content),
        smallest_take=like.smallest_take,
    )


def zipped(files: Mapping[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    """A zip of these files, with the same bytes at any time of day."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            member = name if isinstance(name, zipfile.ZipInfo) else zipfile.ZipInfo(name)
            archive.writestr(member, content, compression)
    return buffer.getvalue()
