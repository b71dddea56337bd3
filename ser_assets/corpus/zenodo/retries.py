"""When a failed transfer is tried again, and what the failure means."""

from dataclasses import dataclass

import requests
from urllib3.exceptions import InvalidHeader
from urllib3.util import Retry

MAY_PASS = frozenset({408, 429, 500, 502, 503, 504})


class RetryableError(Exception):
    """A try failed, and another may not; `seconds` is when the server wants the next request, if it states a time."""

    def __init__(self, reason: str, seconds: float | None = None) -> None:
        super().__init__(reason)
        self.seconds = seconds


class AnotherFileError(RetryableError):
    """What came is not the archive, as when a network wants one to log in first."""


@dataclass(frozen=True)
class RetryPolicy:
    """How long a server may be silent, how many requests follow, and after which pauses; times are in seconds.

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


def retry_after(response: requests.Response) -> float | None:
    """Seconds after which the server wants the next request; None if it does not say."""
    try:
        return Retry().get_retry_after(response.raw)
    except InvalidHeader:
        return None


def innermost(error: BaseException) -> BaseException:
    """The first cause of an exception."""
    while cause := error.__cause__ or error.__context__:
        error = cause
    return error


def reason_of(error: BaseException) -> str:
    """Say what lies at the bottom of an error of requests, such as `Connection refused`."""
    cause = innermost(error)
    return (isinstance(cause, OSError) and cause.strerror) or str(cause)
