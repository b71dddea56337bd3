"""The partition by actor, and the way every partitioned asset goes through it."""

import functools
import itertools
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import dagster as dg

from ser_assets import progress
from ser_assets.corpus.ravdess import ACTORS
from ser_assets.workers import Outcome, WorkerDiedError, end_workers, outcomes_in_workers

# The CLI's partition ranges need backfill policies, which Dagster still calls beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

# In the place of these partitions `build_definitions` puts the speakers of the corpus that the settings name.
BY_ACTOR = dg.StaticPartitionsDefinition(list(ACTORS))
SINGLE_RUN = dg.BackfillPolicy.single_run()

ActorMetadata = Mapping[str, Any]
Task = TypeVar("Task")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Step(Generic[Task, Made]):
    """What an asset does with each of its actors.

    Attributes:
        plan: say what is to be made of an actor, in tasks; None where all that is at rest is still right.
        work: do one task, in a worker process; always in one if it is `guarded`, for it may crash.
        chunk: so many tasks go to a worker at a time.
        crashed: what a task comes to, or the exception, that took its worker process with it twice.
        store: put away what the tasks of an actor have come to, in their order, as it comes.
        describe: metadata of an actor that is done.
        draw: draw the picture of an actor that `lacks_picture`, in a worker process, when all are stored.
        settle: what is left to be done for all actors that are stored, before they are described; tells who failed.
    """

    plan: Callable[[str], Sequence[Task] | None]
    work: Callable[[Task], Made]
    store: Callable[[str, Iterator[Made]], None]
    describe: Callable[[str], ActorMetadata]
    guarded: bool = False
    chunk: int = 1
    crashed: Callable[[Task], Made] | None = None
    draw: Callable[[str], None] | None = None
    lacks_picture: Callable[[str], bool] = lambda _: False
    settle: Callable[[Sequence[str]], Mapping[str, Exception]] | None = None


def for_each_actor(context: dg.AssetExecutionContext, step: Step[Any, Any], workers: int) -> dg.MaterializeResult:
    """Go through the actors of the run; what `describe` returns becomes the metadata of that actor's partition.

    Workers go on with the next actor while one is stored. An actor that fails does not stop the others: they are
    finished and recorded, then the failures are told together. A run that is interrupted records the actors that it
    has finished, unless the step still has something to settle.

    Raises:
        dg.Failure: the work failed for at least one actor, and names each with its reason; or there is no actor.
    """
    if not context.partition_keys:
        raise dg.Failure(
            "the partition range names no actor: write FIRST...LAST in the order of the partitions, such as 01...03",
            allow_retries=False,
        )
    passage = _Passage(context, step)
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
class _Passage:
    """One walk through the actors of a run: how many tasks each has, who is done, who failed and why."""

    context: dg.AssetExecutionContext
    step: Step[Any, Any]
    done: list[str] = field(default_factory=list)
    tasks: dict[str, int] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def asset(self) -> str:
        return self.context.asset_key.to_user_string()

    @property
    def actors(self) -> Sequence[str]:
        return self.context.partition_keys

    def go(self, workers: int) -> None:
        progress.report(self.asset, 0, len(self.actors))
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
            if actor in self.failures:
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
        progress.report(self.asset, len(self.done), len(self.actors))

    def _attempt(self, actor: str, action: Callable[[], Any]) -> Any:
        try:
            return action()
        except Exception as error:
            self._fail(actor, error)

    def _fail(self, actor: str, error: Exception) -> None:
        self.context.log.error(f"{self.asset} of actor {actor}: {error}", exc_info=error)
        self.failures[actor] = f"actor {actor}: {type(error).__name__}: {error}"

    def result(self) -> dg.MaterializeResult:
        finished = self._described()
        if not self.failures:
            for actor, about in finished.items():
                self.context.add_asset_metadata(about, partition_key=actor)
            return dg.MaterializeResult()
        self._record(finished)
        reasons = [self.failures[actor] for actor in self.actors if actor in self.failures]
        raise dg.Failure(
            description="\n".join([f"{self.asset} failed for {len(reasons)} of {len(self.actors)} actors:", *reasons]),
            metadata={actor: dg.MetadataValue.text(reason) for actor, reason in self.failures.items()},
            allow_retries=False,
        )

    def record_interrupted(self) -> None:
        if self.step.settle is None:
            self._record(self._described())

    def _described(self) -> dict[str, ActorMetadata]:
        stored = [actor for actor in self.done if actor not in self.failures]
        metadata = {actor: self._attempt(actor, functools.partial(self.step.describe, actor)) for actor in stored}
        return {actor: about for actor, about in metadata.items() if actor not in self.failures}

    def _record(self, finished: Mapping[str, ActorMetadata]) -> None:
        """Record the actors that are done one by one, for the step that fails will record none."""
        for actor, metadata in finished.items():
            self.context.log_event(dg.AssetMaterialization(self.context.asset_key, partition=actor, metadata=metadata))


def _work(work: Callable[[Any], Any], of_actor: tuple[str, Any]) -> Any:
    """Do the task that stands beside its actor."""
    return work(of_actor[1])
