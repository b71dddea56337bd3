"""The partition by actor, and the way every partitioned asset goes through it."""

import functools
import itertools
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from ser_assets.assets.by_actor.partition_events import (
    events_are_logged,
    inputs_of_partitions,
    log_partition,
    log_skipped,
)
from ser_assets.assets.by_actor.step import ActorMetadata, NothingToDoError, Step, do_task
from ser_assets.corpus.ravdess import ACTORS
from ser_assets.runtime import progress
from ser_assets.runtime.workers import Outcome, WorkerDiedError, end_workers, outcomes_in_workers

# The CLI's partition ranges need backfill policies, which Dagster still calls beta.
warnings.filterwarnings("ignore", category=dg.BetaWarning)

# In the place of these partitions `build_definitions` puts the speakers of the corpus that the settings name.
BY_ACTOR = dg.StaticPartitionsDefinition(list(ACTORS))
SINGLE_RUN = dg.BackfillPolicy.single_run()

NAMED = 10


def for_each_actor(context: dg.AssetExecutionContext, step: Step[Any, Any], workers: int) -> dg.MaterializeResult:
    """Go through the actors of the run, and log one event for the partition of each that is done.

    Workers go on with the next actor while one is stored. An actor that fails does not stop the others: they are
    finished and recorded, then one failure lists them all. Actors with nothing to do are skipped. A run that is
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
    loop = _PartitionLoop(context, step)
    try:
        loop.run(workers)
        return loop.result()
    except Exception:
        raise
    except BaseException:
        end_workers()
        loop.record_interrupted()
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

    def run(self, workers: int) -> None:
        self._report_progress()
        work = functools.partial(do_task, self.step.work)
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
            detail = "\n".join([f"{self.asset} failed for {len(reasons)} of {len(self.actors)} actors:", *reasons])
            metadata = {actor: dg.MetadataValue.text(reason) for actor, reason in self.failures.items()}
            raise dg.Failure(detail, metadata=metadata, allow_retries=False)
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
