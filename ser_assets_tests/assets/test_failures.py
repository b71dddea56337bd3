"""A failure that is foreseen is a `dg.Failure` whose first line is the reason and the fix; a fault stays a fault."""

import errno

import dagster as dg
import pytest

from ser_assets.assets.failures import foreseen_failures
from ser_assets.storage.training_set import FeaturesMissingError

FORESEEN = {
    "one of ours": (FeaturesMissingError("no features: materialize them"), "no features: materialize them"),
    "a full disk": (OSError(errno.ENOSPC, "No space left on device", "a.wav"), "a.wav: No space left on device: free"),
    "no memory": (MemoryError(), "out of memory"),
}


def run(error: Exception) -> dg.ExecuteInProcessResult:
    @dg.asset
    @foreseen_failures
    def fails(context: dg.AssetExecutionContext) -> None:
        context.log.info("begins")
        raise error

    return dg.materialize([fails], raise_on_error=False)


@pytest.mark.parametrize(("error", "message"), FORESEEN.values(), ids=FORESEEN)
def test_the_reason_is_the_first_line(error: Exception, message: str) -> None:
    [failed] = [event for event in run(error).all_node_events if event.is_step_failure]
    data = failed.step_failure_data.user_failure_data
    assert data is not None
    assert data.description.startswith(message)


def test_a_fault_of_the_program_keeps_its_place() -> None:
    [failed] = [event for event in run(ZeroDivisionError()).all_node_events if event.is_step_failure]
    assert failed.step_failure_data.user_failure_data is None
    assert failed.step_failure_data.error.cause.cls_name == "ZeroDivisionError"
