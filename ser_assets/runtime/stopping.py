"""Whether this process may still store what it makes: not once its run has been ended from elsewhere.

What stores something calls `require_running` right before the write counts.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

_requirements: list[Callable[[], None]] = []


class RunEndedError(RuntimeError):
    """The run was ended from elsewhere, so that nothing more may be stored."""


def require_running() -> None:
    """Raise if the work that this process does was ended from elsewhere.

    Raises:
        RunEndedError: it was; the message says by what status.
    """
    for requirement in _requirements:
        requirement()


@contextmanager
def stored_only_while(requirement: Callable[[], None]) -> Iterator[None]:
    """Have every write inside the body call `requirement` first, which raises `RunEndedError` to prevent it."""
    _requirements.append(requirement)
    try:
        yield
    finally:
        _requirements.remove(requirement)
