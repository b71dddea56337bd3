"""The run launcher that `dagster.yaml` names: Dagster's own, which also detects whether the process of a run is alive.

With it, run monitoring marks a run without a process as failed, and the UI can end a run without a code server.
"""

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeProcessError, DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

from ser_assets.orchestration.run_process import PROCESS_TAG, reason_process_ended


class WatchfulRunLauncher(DefaultRunLauncher):
    """Launches runs in processes of the code server, and reports what became of them."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring checks every run in progress, including those that a shell started."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Report whether the process of the run is alive."""
        reason = reason_process_ended(self._instance, run)
        return CheckRunHealthResult(WorkerStatus.FAILED if reason else WorkerStatus.RUNNING, reason or None)

    def terminate(self, run_id: str) -> bool:
        """End a run: through the code server that launched it, or by its own process.

        The process of a run notices a cancellation within a second.

        Returns:
            Whether the run has ended or will end.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if reason := reason_process_ended(self._instance, run):
            self._instance.report_run_canceled(run, reason)
            return True
        watched = PROCESS_TAG in run.tags
        try:
            return super().terminate(run_id) or watched
        except (DagsterUserCodeProcessError, DagsterUserCodeUnreachableError):
            if not watched:
                raise
            return True
