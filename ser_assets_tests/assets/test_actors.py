"""The passage through the actors of a run: in turn, each for itself, and told in the end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import dagster as dg
import pytest
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill

from ser_assets.assets.by_actor.partition_events import drop_skipped
from ser_assets.assets.by_actor.partitions import BY_ACTOR, SINGLE_RUN, for_each_actor
from ser_assets.assets.by_actor.step import NothingToDoError, Step

ACTORS = ("01", "02", "03")


class Passage:
    """An asset that adds up two numbers of each actor, and a diary of what happened."""

    def __init__(
        self,
        trouble: str = "",
        unsettled: Sequence[str] = (),
        absent: Sequence[str] = (),
        error: type[BaseException] = ValueError,
    ) -> None:
        self.trouble = trouble
        self.unsettled = unsettled
        self.absent = absent
        self.error = error
        self.settles = True
        self.diary: list[str] = []

    def note(self, event: str) -> None:
        self.diary.append(event)
        if event == self.trouble:
            raise self.error(f"trouble at {event}")

    def plan(self, actor: str) -> list[str] | None:
        self.note(f"plan {actor}")
        if actor in self.absent:
            raise NothingToDoError(f"no numbers of {actor}", "have no numbers", "there are no numbers")
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

    def run(
        self,
        instance: dg.DagsterInstance,
        actors: Sequence[str] = ACTORS,
        *upstream: dg.AssetsDefinition,
        tags: Mapping[str, str] | None = None,
    ) -> dg.ExecuteInProcessResult:
        step = Step(
            self.plan,
            self.work,
            self.store,
            describe=lambda actor: {"of": actor},
            data_version=lambda actor: f"version of {actor}",
            settle=self.settle if self.settles else None,
            overview=lambda: {"all": len(ACTORS)},
        )

        @dg.asset(partitions_def=BY_ACTOR, backfill_policy=SINGLE_RUN, code_version="7", deps=upstream)
        def sums(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
            return for_each_actor(context, step, workers=1)

        @dg.asset(deps=[sums], backfill_policy=SINGLE_RUN)
        def total() -> None: ...

        by_range = {"dagster/asset_partition_range_start": actors[0], "dagster/asset_partition_range_end": actors[-1]}
        return dg.materialize(
            [*upstream, sums, total],
            selection=[sums, total],
            tags={**by_range, **(tags or {})},
            instance=instance,
            raise_on_error=False,
        )


def told(result: dg.ExecuteInProcessResult) -> str:
    [failure] = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    return failure.user_failure_data.description


def made(instance: dg.DagsterInstance) -> set[str]:
    found = instance.get_status_by_partition(dg.AssetKey("sums"), list(ACTORS), BY_ACTOR) or {}
    return {actor for actor, status in found.items() if status and status.value == "MATERIALIZED"}


def events(instance: dg.DagsterInstance) -> list[dg.AssetMaterialization]:
    """All that is recorded of the asset, in its order."""
    found = instance.fetch_materializations(dg.AssetKey("sums"), limit=100).records
    return [event.asset_materialization for event in reversed(found) if event.asset_materialization]


def warnings_of(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> list[str]:
    return [entry.user_message for entry in instance.all_logs(result.run_id) if entry.level == 30]


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


@pytest.mark.parametrize("actors", [ACTORS, ACTORS[1:2], ACTORS[:2]])
def test_each_partition_of_a_run_has_one_event_and_no_other_partition_has_any(
    instance: dg.DagsterInstance, actors: Sequence[str]
) -> None:
    result = Passage().run(instance, actors)
    assert Counter(event.partition for event in events(instance)) == Counter(actors)
    assert result.success
    assert result.asset_materializations_for_node("total")
    Passage().run(instance, actors)
    assert Counter(event.partition for event in events(instance)) == Counter([*actors, *actors])


def test_a_run_of_one_partition_by_its_key_has_one_event(instance: dg.DagsterInstance) -> None:
    step = Step(lambda _: None, str, lambda *_: None, lambda _: {}, str)

    @dg.asset(partitions_def=BY_ACTOR)
    def sums(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return for_each_actor(context, step, workers=1)

    assert dg.materialize([sums], partition_key="02", instance=instance).success
    assert [event.partition for event in events(instance)] == ["02"]


def test_an_event_has_the_tags_that_dagster_writes_with_what_is_upstream_of_its_own_partition(
    instance: dg.DagsterInstance,
) -> None:
    @dg.asset(partitions_def=BY_ACTOR)
    def numbers(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return dg.MaterializeResult(data_version=dg.DataVersion(f"numbers of {context.partition_key}"))

    @dg.asset(partitions_def=BY_ACTOR, deps=[numbers], code_version="7")
    def by_dagster() -> dg.MaterializeResult:
        return dg.MaterializeResult(data_version=dg.DataVersion("own"))

    for actor in ("03", "02", "01"):
        dg.materialize([numbers], partition_key=actor, instance=instance)
    pointers = {
        event.partition_key: event.storage_id for event in instance.fetch_materializations(numbers.key, 9).records
    }
    assert Passage().run(instance, ACTORS, numbers).success
    [of_dagster] = dg.materialize(
        [numbers, by_dagster], selection=[by_dagster], partition_key="01", instance=instance
    ).asset_materializations_for_node("by_dagster")
    for event in events(instance):
        assert event.partition
        assert event.tags == {
            CODE_VERSION_TAG: "7",
            DATA_VERSION_TAG: f"version of {event.partition}",
            DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
            get_input_data_version_tag(numbers.key): f"numbers of {event.partition}",
            get_input_event_pointer_tag(numbers.key): str(pointers[event.partition]),
        }
        assert set(event.tags) == set(of_dagster.tags or {})


def test_the_last_event_of_a_run_shows_all_actors_too(instance: dg.DagsterInstance) -> None:
    assert Passage().run(instance).success
    shown = [
        (event.partition, {name: value.value for name, value in event.metadata.items()}) for event in events(instance)
    ]
    assert shown == [("01", {"of": "01"}), ("02", {"of": "02"}), ("03", {"of": "03", "all": 3})]


def test_an_actor_with_nothing_to_do_is_skipped_with_one_warning_and_the_others_go_on(
    instance: dg.DagsterInstance,
) -> None:
    result = Passage(absent=["01", "03"]).run(instance)
    assert result.success
    assert [event.partition for event in events(instance)] == ["02"]
    assert warnings_of(instance, result) == ["sums skipped 2 of 3 actors, who have no numbers: 01, 03"]
    assert made(instance) == {"02"}
    assert result.asset_materializations_for_node("total")


def test_many_who_are_skipped_are_named_in_part(instance: dg.DagsterInstance) -> None:
    everybody = BY_ACTOR.get_partition_keys()
    result = Passage(absent=everybody[1:]).run(instance, everybody)
    [warning] = warnings_of(instance, result)
    assert warning.startswith("sums skipped 23 of 24 actors, who have no numbers: 02, 03, 04,")
    assert warning.endswith(", 11 and 13 more")


@pytest.mark.parametrize(
    ("actors", "reason"),
    [(["02"], "no numbers of 02"), (ACTORS, "sums can do nothing for any of 3 actors:\nthere are no numbers")],
)
def test_a_run_in_which_no_actor_has_anything_to_do_fails(
    instance: dg.DagsterInstance, actors: Sequence[str], reason: str
) -> None:
    result = Passage(absent=actors).run(instance, actors)
    assert told(result) == reason
    assert events(instance) == []


def test_an_actor_who_fails_beside_one_who_is_skipped_fails_the_run(instance: dg.DagsterInstance) -> None:
    result = Passage("store 03", absent=["01"]).run(instance)
    assert told(result) == "sums failed for 1 of 3 actors:\nactor 03: ValueError: trouble at store 03"
    assert [event.partition for event in events(instance)] == ["02"]


def test_a_run_that_is_interrupted_records_who_is_done(instance: dg.DagsterInstance) -> None:
    passage = Passage("work 02 first", error=KeyboardInterrupt)
    passage.settles = False
    result = passage.run(instance)
    assert not result.success
    assert [event.partition for event in events(instance)] == ["01"]


def test_a_backfill_takes_those_who_are_skipped_as_done_until_it_has_gone_on() -> None:
    tags = {"dagster/backfill": "abc"}
    passage = Passage(absent=["01", "03"])
    with dg.instance_for_test() as persistent:
        assert passage.run(persistent, tags=tags).success
        assert made(persistent) == set(ACTORS)
        assert {event.partition for event in events(persistent) if event.metadata.get("skipped")} == {"01", "03"}

        @dg.asset
        def another_backfill(context: dg.AssetExecutionContext) -> None:
            drop_skipped(context)

        persistent.add_backfill(a_backfill("abc"))
        assert dg.materialize([another_backfill], instance=persistent, tags={"dagster/backfill": "xyz"}).success
        assert made(persistent) == set(ACTORS)
        assert dg.materialize([another_backfill], instance=persistent, tags=tags).success
        assert made(persistent) == {"02"}


def a_backfill(name: str) -> PartitionBackfill:
    return PartitionBackfill(
        name, BulkActionStatus.REQUESTED, from_failure=False, tags={}, backfill_timestamp=0.0, partition_names=[]
    )
