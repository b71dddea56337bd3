"""One archive over HTTP: resumed where it broke off, asked for again with growing pauses, verified by its md5.

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
from urllib3.exceptions import InvalidHeader, MaxRetryError, ProtocolError, ReadTimeoutError
from urllib3.util import Retry

from ser_assets.corpus.zenodo.archives import Archive, DownloadError

PIECE_BYTES = 1 << 16

_MAY_PASS = frozenset({408, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


class _RetryableError(Exception):
    """A try failed, and another may not; `seconds` is when the server wants to be asked again, if it says so."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class _AnotherFileError(_RetryableError):
    """What came is not the archive, as when a network wants one to log in first."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long a server may be silent, how often it is asked again, and after which pauses; times are in seconds.

    Pauses double up to `longest_pause`. A server that wants to be left alone for longer than `longest_retry_after` is.
    Tries are counted afresh once `fresh_start_bytes` more of the file have come than ever before.
    """

    connect: float = 20
    silence: float = 30
    more_tries: int = 7
    pause: float = 1
    longest_pause: float = 60
    jitter: float = 1
    longest_retry_after: float = 600
    fresh_start_bytes: int = 1 << 20

    def retries(self) -> Retry:
        """Start to count."""
        return Retry(
            self.more_tries,
            backoff_factor=self.pause,
            backoff_max=self.longest_pause,
            backoff_jitter=self.jitter,
        )


@dataclass
class Transfer:
    """An archive on its way from an address to the file `part`, which keeps what has come when the way ends early.

    tell: told in words what goes wrong and is tried again.
    progress: told, after each piece, how many bytes are there; may raise to end the transfer.
    wait: lets a number of seconds pass; may raise as well.
    answered: told when the server has answered, well or not.
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
        """Bring the file here whole; one with wrong bytes is thrown away and fetched anew, once.

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
            self.tell(f"{self.archive.name}: its bytes are wrong; fetching it anew")
            self._complete(session)
            if not self._is_right():
                self.part.unlink()
                raise DownloadError(
                    f"{self.archive.name}: {self._host} sends wrong bytes (the md5 is not {self.archive.md5}), "
                    "and sent them again when asked anew; try later, or another SER_ZENODO_URL"
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
            except _RetryableError as trouble:
                if self._have() >= furthest + self.patience.fresh_start_bytes:
                    retries, furthest = self.patience.retries(), self._have()
                retries = self._pause(retries, trouble)

    def _pause(self, retries: Retry, trouble: _RetryableError) -> Retry:
        try:
            retries = retries.increment("GET", self.url, error=trouble)
        except MaxRetryError as error:
            raise self._given_up(f"{trouble}, {self.patience.more_tries + 1} times in a row") from error
        if sum(isinstance(past.error, _AnotherFileError) for past in retries.history) > 1:
            raise self._given_up(f"{trouble}, twice")
        seconds = trouble.seconds or retries.get_backoff_time()
        if seconds > self.patience.longest_retry_after:
            raise self._given_up(f"{trouble} and wants to be asked again in {seconds:.0f} s")
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
            raise _RetryableError(f"{self._host} does not answer") from error
        except requests.exceptions.SSLError as error:
            # Once there is a connection it may be damaged on the way, and whoever is busy hangs up before there is one.
            if not isinstance(error.args[0], MaxRetryError) or isinstance(_innermost(error), ssl.SSLEOFError):
                raise _RetryableError("the connection was cut") from error
            raise DownloadError(
                f"{self.archive.name}: no secure connection to {self._host} ({_reason(error)}): is SER_ZENODO_URL "
                "right? If it or your proxy has a certificate of its own, let REQUESTS_CA_BUNDLE name a file of "
                "certificates that vouch for it"
            ) from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            cause = error.args[0] if error.args else None
            if isinstance(cause, ReadTimeoutError):
                raise _RetryableError(f"nothing came for {self.patience.silence:g} s") from error
            if isinstance(cause, ProtocolError):
                raise _RetryableError("the connection was cut") from error
            whom = "the proxy" if isinstance(error, requests.exceptions.ProxyError) else self._host
            raise _RetryableError(f"{whom} cannot be reached ({_reason(error)})") from error
        except requests.RequestException as error:
            raise DownloadError(f"{self.archive.name}: {error}; is SER_ZENODO_URL right?") from error

    def _refuse(self, response: requests.Response) -> None:
        """Raise unless the answer holds bytes of the file."""
        answer = f"{self._host} answers {response.status_code} {response.reason}"
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            self.part.unlink(missing_ok=True)
        elif response.status_code in (requests.codes.ok, requests.codes.partial_content):
            return
        elif response.status_code not in _MAY_PASS:
            raise DownloadError(f"{self.archive.name}: {answer}; is SER_ZENODO_URL right?")
        raise _RetryableError(answer, _retry_after(response))

    def _start(self, response: requests.Response, have: int) -> int:
        """Tell where in the file the bytes of the answer belong: at its beginning, if the server heeds no range."""
        if response.status_code == requests.codes.ok:
            start, size = 0, response.headers.get("Content-Length", "*")
        else:
            match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if match is None or int(match[1]) > have:
                self.part.unlink(missing_ok=True)
                raise _RetryableError("another part came than was asked for")
            start, size = int(match[1]), match[2]
        if size not in ("*", str(self.archive.bytes)):
            raise _AnotherFileError(f"{self._host} has {size} bytes of that name instead of {self.archive.bytes}")
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
            raise _RetryableError("the connection was cut")


def _retry_after(response: requests.Response) -> float | None:
    try:
        return Retry().get_retry_after(response.raw)
    except InvalidHeader:
        return None


def _innermost(error: BaseException) -> BaseException:
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def _reason(error: BaseException) -> str:
    """Say what lies at the bottom of an error of requests, such as `Connection refused`."""
    cause = _innermost(error)
    return (isinstance(cause, OSError) and cause.strerror) or str(cause)


def _md5() -> "hashlib._Hash":
    return hashlib.md5(usedforsecurity=False)
