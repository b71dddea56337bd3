"""Whether this process may still store results: not after another process has ended its run.

Every function that stores something calls `require_running` right before the write takes effect.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_requirements: list[Callable[[], None]] = []


class RunEndedError(RuntimeError):
    """Another process has ended the run, so that nothing more may be stored."""


def require_running() -> None:
    """Check that the run of this process has not ended.

    Raises:
        RunEndedError: another process has ended it; the message gives the status.
    """
    for requirement in _requirements:
        requirement()


@contextmanager
def stored_only_while(requirement: Callable[[], None]) -> Iterator[None]:
    """Make every write inside the body call `requirement` first, which raises `RunEndedError` to prevent it."""
    _requirements.append(requirement)
    try:
        yield
    finally:
        _requirements.remove(requirement)
