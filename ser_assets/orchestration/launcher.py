"""The run launcher that `dagster.yaml` names: Dagster's own, and it knows whether the process of a run still lives.

With it, run monitoring marks a run as failed whose process is gone, and the UI can end a run whose code server is gone.
"""

from dagster import DagsterRun
from dagster._core.errors import DagsterUserCodeProcessError, DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, DefaultRunLauncher, WorkerStatus

from ser_assets.orchestration.run_process import PROCESS_TAG, death_of


class WatchfulRunLauncher(DefaultRunLauncher):
    """Launches runs in processes of the code server, and can tell what became of them."""

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Run monitoring asks it of every run in progress, also of those that a shell started."""
        return True

    def check_run_worker_health(self, run: DagsterRun) -> CheckRunHealthResult:
        """Find out whether the process of the run lives."""
        reason = death_of(self._instance, run)
        return CheckRunHealthResult(WorkerStatus.FAILED if reason else WorkerStatus.RUNNING, reason or None)

    def terminate(self, run_id: str) -> bool:
        """Have the process of the run end it: by the code server that launched it, or by itself.

        A process that carries the run sees within a second that the run is being canceled.

        Returns: whether the run has ended or will end.
        """
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished:
            return False
        if reason := death_of(self._instance, run):
            self._instance.report_run_canceled(run, reason)
            return True
        watched = PROCESS_TAG in run.tags
        try:
            return super().terminate(run_id) or watched
        except (DagsterUserCodeProcessError, DagsterUserCodeUnreachableError):
            if not watched:
                raise
            return True
