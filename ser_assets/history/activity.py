"""Which runs write, now or since a time."""

from datetime import datetime

import dagster as dg

WRITING = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
SHOWN = 8


def runs_that_write(instance: dg.DagsterInstance) -> list[str]:
    """List the runs that have a process, by the first digits of their ids, as in the Dagster UI."""
    return [run.run_id[:SHOWN] for run in instance.get_runs(dg.RunsFilter(statuses=WRITING))]


def runs_changed_since(instance: dg.DagsterInstance, time: datetime) -> list[str]:
    """List the runs that were launched, have started or have ended since a time."""
    return [record.dagster_run.run_id[:SHOWN] for record in instance.get_run_records(dg.RunsFilter(updated_after=time))]
