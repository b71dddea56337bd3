"""Progress of a run, for listeners such as progress bars."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, int, int], None]

_listeners: list[Listener] = []


def report(asset: str, done: int, total: int) -> None:
    """Report to all listeners that `done` of `total` parts of an asset are finished."""
    for listener in _listeners:
        listener(asset, done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Call `listener` with asset, done and total while the body runs.

    Examples:
        >>> with listening(lambda asset, done, total: print(f"{asset}: {done} of {total}")):
        ...     report("features", 1, 4)
        features: 1 of 4
    """
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
