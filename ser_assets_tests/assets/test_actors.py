"""The passage through the actors of a run: in turn, each for itself, and told in the end."""

from collections.abc import Iterator, Sequence

import dagster as dg
import pytest

from ser_assets.assets.actors import BY_ACTOR, SINGLE_RUN, Step, for_each_actor

ACTORS = ("01", "02", "03")


class Passage:
    """An asset that adds up two numbers of each actor, and a diary of what happened."""

    def __init__(self, trouble: str = "", unsettled: Sequence[str] = ()) -> None:
        self.trouble = trouble
        self.unsettled = unsettled
        self.diary: list[str] = []

    def note(self, event: str) -> None:
        self.diary.append(event)
        if event == self.trouble:
            raise ValueError(f"trouble at {event}")

    def plan(self, actor: str) -> list[str] | None:
        self.note(f"plan {actor}")
        return [f"{actor} first", f"{actor} second"]

    def work(self, task: str) -> str:
        self.note(f"work {task}")
        return task.upper()

    def store(self, actor: str, made: Iterator[str]) -> None:
        assert list(made) == [f"{actor} FIRST", f"{actor} SECOND"]
        self.note(f"store {actor}")

    def settle(self, actors: Sequence[str]) -> dict[str, Exception]:
        self.note(f"settle {' '.join(actors)}")
        return dict.fromkeys(self.unsettled, ValueError("nothing to settle"))

    def run(self, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
        step = Step(self.plan, self.work, self.store, lambda actor: {"of": actor}, str, settle=self.settle)

        @dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN)
        def sums(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
            return for_each_actor(context, step, workers=1)

        tags = {"dagster/asset_partition_range_start": ACTORS[0], "dagster/asset_partition_range_end": ACTORS[-1]}
        return dg.materialize([sums], tags=tags, instance=instance, raise_on_error=False)


def told(result: dg.ExecuteInProcessResult) -> str:
    [failure] = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    return failure.user_failure_data.description


def made(instance: dg.DagsterInstance) -> set[str]:
    found = instance.get_status_by_partition(dg.AssetKey("sums"), list(ACTORS), BY_ACTOR) or {}
    return {actor for actor, status in found.items() if status and status.value == "MATERIALIZED"}


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def test_an_actor_is_stored_as_soon_as_its_own_tasks_are_done(instance: dg.DagsterInstance) -> None:
    passage = Passage()
    assert passage.run(instance).success
    assert passage.diary.index("store 01") < passage.diary.index("work 02 first")
    assert passage.diary[-1] == "settle 01 02 03"
    assert made(instance) == set(ACTORS)


@pytest.mark.parametrize("trouble", ["plan 02", "work 02 first", "work 02 second", "store 02"])
def test_an_actor_that_fails_is_named_and_the_others_go_on(instance: dg.DagsterInstance, trouble: str) -> None:
    passage = Passage(trouble)
    result = passage.run(instance)
    assert told(result) == f"sums failed for 1 of 3 actors:\nactor 02: ValueError: trouble at {trouble}"
    assert passage.diary[-1] == "settle 01 03"
    assert made(instance) == {"01", "03"}


def test_an_actor_for_whom_nothing_can_be_settled_fails_alone(instance: dg.DagsterInstance) -> None:
    result = Passage(unsettled=["02"]).run(instance)
    assert told(result) == "sums failed for 1 of 3 actors:\nactor 02: ValueError: nothing to settle"
    assert made(instance) == {"01", "03"}


def test_nobody_is_recorded_where_what_is_left_for_all_fails(instance: dg.DagsterInstance) -> None:
    result = Passage("settle 01 02 03").run(instance)
    assert told(result).startswith("sums failed for 3 of 3 actors:\nactor 01: ValueError: trouble at settle")
    assert made(instance) == set()
