"""The partition by actor, and the way every partitioned asset goes through it."""

import functools
import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import dagster as dg

from ser_assets.assets.by_actor.partition_events import (
    events_are_logged,
    inputs_of_partitions,
    log_partition,
    log_skipped,
)
from ser_assets.corpus.ravdess import ACTORS
from ser_assets.runtime import progress
from ser_assets.runtime.workers import Outcome, WorkerDiedError, end_workers, outcomes_in_workers

# The CLI's partition ranges need backfill policies, which Dagster still calls beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

# In the place of these partitions `build_definitions` puts the speakers of the corpus that the settings name.
BY_ACTOR = dg.StaticPartitionsDefinition(list(ACTORS))
SINGLE_RUN = dg.BackfillPolicy.single_run()

ActorMetadata = Mapping[str, Any]
Task = TypeVar("Task")
Made = TypeVar("Made")
NAMED = 10


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
        plan: say what is to be made of an actor, in tasks; None where all that is at rest is still right. Raises
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


def for_each_actor(context: dg.AssetExecutionContext, step: Step[Any, Any], workers: int) -> dg.MaterializeResult:
    """Go through the actors of the run, and log one event for the partition of each that is done.

    Workers go on with the next actor while one is stored. An actor that fails does not stop the others: they are
    finished and recorded, then the failures are told together. Actors with nothing to do are skipped. A run that is
    interrupted records the actors that it has finished, unless the step still has something to settle.

    Raises:
        dg.Failure: the work failed for at least one actor, and names each with its reason; or there is no actor, or
            none with anything to do.
    """
    if not context.partition_keys:
        raise dg.Failure(
            "the partition range names no actor: write FIRST...LAST in the order of the partitions, such as 01...03",
            allow_retries=False,
        )
    passage = _PartitionLoop(context, step)
    try:
        passage.go(workers)
        return passage.result()
    except Exception:
        raise
    except BaseException:
        end_workers()
        passage.record_interrupted()
        raise


@dataclass
class _PartitionLoop:
    """One walk through the actors of a run: how many tasks each has, who is done, skipped or failed, and why."""

    context: dg.AssetExecutionContext
    step: Step[Any, Any]
    done: list[str] = field(default_factory=list)
    tasks: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, NothingToDoError] = field(default_factory=dict)
    inputs: dict[str, dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.inputs = inputs_of_partitions(self.context)

    @property
    def asset(self) -> str:
        return self.context.asset_key.to_user_string()

    @property
    def actors(self) -> Sequence[str]:
        return self.context.partition_keys

    def go(self, workers: int) -> None:
        self._report_progress()
        work = functools.partial(_work, self.step.work)
        outcomes = outcomes_in_workers(work, self._tasks(), workers, self.step.chunk, guarded=self.step.guarded)
        for actor, group in itertools.groupby(outcomes, key=lambda outcome: outcome.item[0]):
            # Cut off by number: to ask for one more would wait for the next actor.
            own = itertools.islice(group, self.tasks[actor])
            self._attempt(actor, functools.partial(self._store, actor, own))
        if self.step.draw:
            missing = [actor for actor in self.done if self.step.lacks_picture(actor)]
            for drawn in outcomes_in_workers(self.step.draw, missing, workers):
                self._attempt(drawn.item, drawn.result)
        if self.step.settle:
            try:
                failed = self.step.settle(self.done)
            except Exception as error:
                failed = dict.fromkeys(self.done, error)
            for actor, reason in failed.items():
                self._fail(actor, reason)

    def _tasks(self) -> Iterator[tuple[str, Any]]:
        for actor in self.actors:
            planned = self._attempt(actor, functools.partial(self.step.plan, actor))
            if actor in self.failures or actor in self.skipped:
                continue
            if planned:
                self.tasks[actor] = len(planned)
                yield from ((actor, task) for task in planned)
            elif planned is None:
                self._finish(actor)
            else:
                self._attempt(actor, functools.partial(self._store, actor, iter(())))

    def _store(self, actor: str, outcomes: Iterator[Outcome[Any, Any]]) -> None:
        self.step.store(actor, map(self._made, outcomes))
        self._finish(actor)

    def _made(self, outcome: Outcome[Any, Any]) -> Any:
        if self.step.crashed and isinstance(outcome.error, WorkerDiedError):
            return self.step.crashed(outcome.item[1])
        return outcome.result()

    def _finish(self, actor: str) -> None:
        self.done.append(actor)
        self._report_progress()

    def _report_progress(self) -> None:
        progress.report(self.asset, len(self.done), len(self.actors) - len(self.skipped))

    def _attempt(self, actor: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except NothingToDoError as error:
            self.skipped[actor] = error
            self._report_progress()
        except Exception as error:
            self._fail(actor, error)

    def _fail(self, actor: str, error: Exception) -> None:
        self.context.log.error(f"{self.asset} of actor {actor}: {error}", exc_info=error)
        self.failures[actor] = f"actor {actor}: {type(error).__name__}: {error}"

    def result(self) -> dg.MaterializeResult:
        if self.skipped:
            self.context.log.warning(self._told_of_skipped())
            if self.done:
                log_skipped(self.context, list(self.skipped))
        self._record()
        if self.failures:
            reasons = [self.failures[actor] for actor in self.actors if actor in self.failures]
            told = "\n".join([f"{self.asset} failed for {len(reasons)} of {len(self.actors)} actors:", *reasons])
            metadata = {actor: dg.MetadataValue.text(reason) for actor, reason in self.failures.items()}
            raise dg.Failure(told, metadata=metadata, allow_retries=False)
        if not self.done:
            raise dg.Failure(self._why_nothing(), allow_retries=False)
        return events_are_logged()

    def record_interrupted(self) -> None:
        if self.step.settle is None:
            self._record()

    def _record(self) -> None:
        """Log an event for each actor that is done, in the order of the partitions."""
        stored = [actor for actor in self.actors if actor in self.done and actor not in self.failures]
        described = {actor: self._attempt(actor, functools.partial(self._described, actor)) for actor in stored}
        finished = {actor: about for actor, about in described.items() if actor not in self.failures}
        for number, (actor, (version, about)) in enumerate(finished.items(), start=1):
            overview = self._overview() if number == len(finished) else {}
            log_partition(self.context, actor, version, {**overview, **about}, self.inputs[actor])

    def _described(self, actor: str) -> tuple[str, ActorMetadata]:
        return self.step.data_version(actor), self.step.describe(actor)

    def _overview(self) -> ActorMetadata:
        try:
            return self.step.overview()
        except Exception as error:
            self.context.log.warning(f"no overview of all actors: {error}", exc_info=error)
            return {}

    def _told_of_skipped(self) -> str:
        actors_by_reason: dict[str, list[str]] = defaultdict(list)
        for actor, error in self.skipped.items():
            actors_by_reason[error.who].append(actor)
        reasons = [f"who {who}: {_shortened(actors)}" for who, actors in actors_by_reason.items()]
        return f"{self.asset} skipped {len(self.skipped)} of {len(self.actors)} actors, {'; '.join(reasons)}"

    def _why_nothing(self) -> str:
        if len(self.actors) == 1:
            return str(self.skipped[self.actors[0]])
        reasons = dict.fromkeys(error.of_all for error in self.skipped.values())
        return "\n".join([f"{self.asset} can do nothing for any of {len(self.actors)} actors:", *reasons])


def _shortened(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _work(work: Callable[[Any], Any], of_actor: tuple[str, Any]) -> Any:
    """Do the task that stands beside its actor."""
    return work(of_actor[1])
