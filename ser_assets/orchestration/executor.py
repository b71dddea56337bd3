"""The executor of every run that Dagster starts: in one supervised process, after a check of the run config."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from ser_assets.assets.training.turn import kept_until_the_run_ends
from ser_assets.orchestration.run_config import ConfigError, require_valid_config
from ser_assets.orchestration.run_process import supervised

if TYPE_CHECKING:
    from dagster._core.execution.context.system import PlanOrchestrationContext
    from dagster._core.execution.plan.plan import ExecutionPlan
    from dagster._core.execution.retries import RetryMode


class SupervisedExecutor(dg.Executor):
    """Executes steps one after the other in this process, as Dagster's own in-process executor does.

    Args:
        steps: Dagster's executor, which executes the steps.
    """

    def __init__(self, steps: dg.Executor) -> None:
        self._steps = steps

    @property
    def retries(self) -> "RetryMode":
        """How failed steps are tried again."""
        return self._steps.retries

    def execute(
        self, plan_context: "PlanOrchestrationContext", execution_plan: "ExecutionPlan"
    ) -> Iterator[dg.DagsterEvent]:
        """Execute the plan, unless the run config is wrong: then no step starts."""
        run = plan_context.dagster_run
        with supervised(plan_context.instance, run.run_id), kept_until_the_run_ends():
            try:
                require_valid_config(run.run_config, execution_plan.step_keys_to_execute)
            except ConfigError as error:
                plan_context.log.error(f"{error} (no step has started)")
                # Reported here, so that the UI shows this sentence before the exception.
                plan_context.instance.report_run_failed(run, f"{error} (no step has started)")
                raise DagsterExecutionInterruptedError from None
            yield from self._steps.execute(plan_context, execution_plan)


def _create(init_context: dg.InitExecutorContext) -> SupervisedExecutor:
    create = dg.in_process_executor.executor_creation_fn
    if create is None:
        raise TypeError("Dagster's in-process executor cannot be created")
    return SupervisedExecutor(create(init_context))


supervised_executor = dg.ExecutorDefinition(
    name="in_process",
    config_schema=dg.in_process_executor.config_schema.as_field(),
    executor_creation_fn=_create,
    description="Executes the steps of a run one after the other, in the process of the run.",
)
