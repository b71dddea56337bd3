"""One step of the chain, as every partitioned asset describes it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

ActorMetadata = Mapping[str, Any]


Task = TypeVar("Task")


Made = TypeVar("Made")


class NothingToDoError(LookupError):
    """An actor has nothing that a step could work on; in a run of several actors the others go on.

    The message is for a run of this actor alone. who: continues "skipped 2 of 24 actors, who". of_all: the message for
    a run in which no actor has anything.
    """

    def __init__(self, message: str, who: str, of_all: str) -> None:
        super().__init__(message)
        self.who = who
        self.of_all = of_all


@dataclass(frozen=True)
class Step(Generic[Task, Made]):
    """What an asset does with each of its actors.

    Attributes:
        plan: returns the tasks for an actor; None where everything stored is current. Raises
            `NothingToDoError` for an actor to be skipped.
        work: do one task, in a worker process; always in one if it is `guarded`, for it may crash.
        chunk: so many tasks go to a worker at a time.
        crashed: what a task comes to, or the exception, that took its worker process with it twice.
        store: put away what the tasks of an actor have come to, in their order, as it comes.
        describe: metadata of an actor that is done.
        data_version: of an actor that is done; the same as long as the actor's data are the same.
        draw: draw the picture of an actor that `lacks_picture`, in a worker process, when all are stored.
        settle: what is left to be done for all actors that are stored, before they are described; tells who failed.
        overview: metadata about all actors, of this run or not, which the last event of the run shows besides.
    """

    plan: Callable[[str], Sequence[Task] | None]
    work: Callable[[Task], Made]
    store: Callable[[str, Iterator[Made]], None]
    describe: Callable[[str], ActorMetadata]
    data_version: Callable[[str], str]
    guarded: bool = False
    chunk: int = 1
    crashed: Callable[[Task], Made] | None = None
    draw: Callable[[str], None] | None = None
    lacks_picture: Callable[[str], bool] = lambda _: False
    settle: Callable[[Sequence[str]], Mapping[str, Exception]] | None = None
    overview: Callable[[], ActorMetadata] = dict


def do_task(work: Callable[[Any], Any], of_actor: tuple[str, Any]) -> Any:
    """Do the task that stands beside its actor."""
    return work(of_actor[1])
