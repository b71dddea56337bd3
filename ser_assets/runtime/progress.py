"""How far a run has come, for whoever wants to show it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Listener = Callable[[str, int, int], None]

_listeners: list[Listener] = []


def report(asset: str, done: int, total: int) -> None:
    """Tell all listeners that `done` of `total` parts of an asset are finished."""
    for listener in _listeners:
        listener(asset, done, total)


@contextmanager
def listening(listener: Listener) -> Iterator[None]:
    """Have `listener` called with asset, done and total while the body runs."""
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)
