"""Every run that Dagster starts: it names its process, and no step begins under a wrong config."""

from collections.abc import Iterator

import dagster as dg
import pytest

from ser_assets.definitions import build_definitions
from ser_assets.orchestration.executor import supervised_executor
from ser_assets.orchestration.run_process import PROCESS_TAG, process_tag
from ser_assets.settings import Settings


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


@dg.op
def greet(context: dg.OpExecutionContext) -> None:
    context.log.info("hello")


@dg.job(executor_def=supervised_executor)
def greeting() -> None:
    greet()


def execute(instance: dg.DagsterInstance, **ops: dict) -> dg.JobExecutionResult:
    config = {"ops": {name: {"config": config} for name, config in ops.items()}}
    return dg.execute_job(dg.reconstructable(greeting), instance, run_config=config)


def test_all_jobs_are_executed_by_it(settings: Settings) -> None:
    definitions = build_definitions(settings)
    for name in ("full_refresh", "prepare_features", "train_models", "download_recordings"):
        assert definitions.resolve_job_def(name).executor_def is supervised_executor


def test_a_run_names_its_process(instance: dg.DagsterInstance) -> None:
    with execute(instance) as result:
        assert result.success
    [run] = instance.get_runs()
    assert run.tags[PROCESS_TAG] == process_tag()


def test_no_step_begins_with_settings_of_an_asset_that_the_run_does_not_make(instance: dg.DagsterInstance) -> None:
    with execute(instance, greet={"x": 1}) as result:
        assert not result.success
    [run] = instance.get_runs()
    assert run.status == dg.DagsterRunStatus.FAILURE
    [failure] = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)
    assert failure.get_dagster_event().message.startswith("greet has no settings")
    assert not instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_START)
