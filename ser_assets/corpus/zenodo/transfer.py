"""One archive over HTTP: resumed where it broke off, retried with growing pauses, verified by its md5.

requests carries the bytes (proxies of the environment included), and urllib3's `Retry` counts the tries and tells the
pauses. Going on in the middle of a file is done here, for neither of them does.
"""

import hashlib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import MaxRetryError, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from ser_assets.corpus.zenodo.archives import Archive, DownloadError
from ser_assets.corpus.zenodo.retries import (
    MAY_PASS,
    AnotherFileError,
    RetryableError,
    RetryPolicy,
    innermost,
    reason_of,
    retry_after,
)

PIECE_BYTES = 1 << 16

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


@dataclass
class Transfer:
    """An archive on its way from an address to the file `part`, which keeps what has come when the way ends early.

    Attributes:
        tell: called with a sentence on what went wrong and is retried.
        progress: called after each piece with the number of bytes; may raise to end the transfer.
        wait: lets a number of seconds pass; may raise as well.
        answered: called when the server has answered, well or not.
    """

    archive: Archive
    url: str
    part: Path
    patience: RetryPolicy
    tell: Callable[[str], None]
    progress: Callable[[int], None]
    wait: Callable[[float], None]
    answered: Callable[[], None]
    _etag: str | None = field(default=None, init=False)

    def run(self) -> None:
        """Bring the file here whole; one with wrong bytes is thrown away and downloaded again, once.

        Raises:
            DownloadError: the server does not have it, does not answer, or has other bytes.
            OSError: the file cannot be written.
        """
        with requests.Session() as session:
            # What lies packed in transit has no middle to go on from.
            session.headers.update({"User-Agent": "ser-assets", "Accept-Encoding": "identity"})
            self._complete(session)
            if self._is_right():
                return
            self.part.unlink()
            self.tell(f"{self.archive.name}: its bytes are wrong; downloading it again")
            self._complete(session)
            if not self._is_right():
                self.part.unlink()
                raise DownloadError(
                    f"{self.archive.name}: {self._host} sends wrong bytes (the md5 is not {self.archive.md5}), "
                    "and sent them again; try later, or another SER_ZENODO_URL"
                )

    @property
    def _host(self) -> str:
        return urlsplit(self.url).hostname or self.url

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _is_right(self) -> bool:
        with self.part.open("rb") as file:
            return hashlib.file_digest(file, _md5).hexdigest() == self.archive.md5

    def _complete(self, session: requests.Session) -> None:
        """Ask for what is missing until nothing is."""
        retries, furthest = self.patience.retries(), self._have()
        while self._have() < self.archive.bytes:
            try:
                self._receive(session)
            except RetryableError as trouble:
                if self._have() >= furthest + self.patience.fresh_start_bytes:
                    retries, furthest = self.patience.retries(), self._have()
                retries = self._pause(retries, trouble)

    def _pause(self, retries: Retry, trouble: RetryableError) -> Retry:
        try:
            retries = retries.increment("GET", self.url, error=trouble)
        except MaxRetryError as error:
            raise self._given_up(f"{trouble}, {self.patience.more_tries + 1} times in a row") from error
        if sum(isinstance(past.error, AnotherFileError) for past in retries.history) > 1:
            raise self._given_up(f"{trouble}, twice")
        seconds = trouble.seconds or retries.get_backoff_time()
        if seconds > self.patience.longest_retry_after:
            raise self._given_up(f"{trouble} and wants the next request in {seconds:.0f} s")
        self.tell(f"{self.archive.name}: {trouble}; trying again" + (f" in {seconds:.0f} s" if seconds else ""))
        self.wait(seconds)
        return retries

    def _given_up(self, reason: str) -> DownloadError:
        return DownloadError(
            f"{self.archive.name}: {reason}; run the same command later, or with another SER_ZENODO_URL: it goes on "
            f"from the {self._have()} bytes that have come"
        )

    def _receive(self, session: requests.Session) -> None:
        """Ask once, and write what comes where it belongs."""
        have = self._have()
        headers = {"Range": f"bytes={have}-"} if have else {}
        if have and self._etag:
            headers["If-Range"] = self._etag
        timeout = (self.patience.connect, self.patience.silence)
        with (
            self._trouble_named(),
            session.get(self.url, headers=headers, stream=True, timeout=timeout) as response,
        ):
            self.answered()
            self._refuse(response)
            start = self._start(response, have)
            etag = response.headers.get("ETag", "")
            # A weak one does not promise the same bytes.
            self._etag = etag if etag.startswith('"') else None
            self._write(response, start)

    @contextmanager
    def _trouble_named(self) -> Iterator[None]:
        try:
            yield
        except requests.Timeout as error:
            raise RetryableError(f"{self._host} does not answer") from error
        except requests.exceptions.SSLError as error:
            # Once there is a connection it may be damaged on the way, and a busy server closes it before.
            if not isinstance(error.args[0], MaxRetryError) or isinstance(innermost(error), ssl.SSLEOFError):
                raise RetryableError("the connection was cut") from error
            raise DownloadError(
                f"{self.archive.name}: no secure connection to {self._host} ({reason_of(error)}): is SER_ZENODO_URL "
                "right? If it or your proxy has a certificate of its own, let REQUESTS_CA_BUNDLE name a file of "
                "certificates that vouch for it"
            ) from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            cause = error.args[0] if error.args else None
            if isinstance(cause, ReadTimeoutError):
                raise RetryableError(f"nothing came for {self.patience.silence:g} s") from error
            if isinstance(cause, ProtocolError):
                raise RetryableError("the connection was cut") from error
            where = "the proxy" if isinstance(error, requests.exceptions.ProxyError) else self._host
            raise RetryableError(f"{where} cannot be reached ({reason_of(error)})") from error
        except requests.RequestException as error:
            raise DownloadError(f"{self.archive.name}: {error}; is SER_ZENODO_URL right?") from error

    def _refuse(self, response: requests.Response) -> None:
        """Raise unless the answer holds bytes of the file."""
        answer = f"{self._host} answers {response.status_code} {response.reason}"
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            self.part.unlink(missing_ok=True)
        elif response.status_code in (requests.codes.ok, requests.codes.partial_content):
            return
        elif response.status_code not in MAY_PASS:
            raise DownloadError(f"{self.archive.name}: {answer}; is SER_ZENODO_URL right?")
        raise RetryableError(answer, retry_after(response))

    def _start(self, response: requests.Response, have: int) -> int:
        """Tell where in the file the bytes of the answer belong: at its beginning, if the server heeds no range."""
        if response.status_code == requests.codes.ok:
            start, size = 0, response.headers.get("Content-Length", "*")
        else:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) > have:
                self.part.unlink(missing_ok=True)
                raise RetryableError("another part came than was requested")
            start, size = int(match[1]), match[2]
        if size not in ("*", str(self.archive.bytes)):
            raise AnotherFileError(f"{self._host} has {size} bytes of that name instead of {self.archive.bytes}")
        return start

    def _write(self, response: requests.Response, start: int) -> None:
        with self.part.open("r+b" if self.part.exists() else "wb") as file:
            file.seek(start)
            file.truncate()
            for piece in response.iter_content(PIECE_BYTES):
                file.write(piece)
                self.progress(file.tell())
                if file.tell() > self.archive.bytes:
                    # Too long is wrong, and may have no end.
                    return
        if self._have() < self.archive.bytes:
            raise RetryableError("the connection was cut")


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)
