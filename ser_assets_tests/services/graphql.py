"""What the browser sends to the services and what it reads from them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import requests

from ser_assets_tests.services.processes import wait_until

LOCATION = "ser_assets"
REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}
SCHEDULE = {**REPOSITORY, "scheduleName": "retraining"}
ENDED = {"SUCCESS", "FAILURE", "CANCELED"}

LOCATIONS = """{ workspaceOrError { ... on Workspace { locationEntries {
  name loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } } }"""
LAUNCH = """mutation ($params: ExecutionParams!) { launchPipelineExecution(executionParams: $params) { __typename
  ... on LaunchRunSuccess { run { runId } }
  ... on RunConfigValidationInvalid { errors { message } }
  ... on Error { message } } }"""
BACKFILL = """mutation ($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) { __typename
  ... on LaunchBackfillSuccess { backfillId } ... on Error { message } } }"""
BACKFILL_STATUS = """query ($id: String!) { partitionBackfillOrError(backfillId: $id) { __typename
  ... on PartitionBackfill { status runs(limit: 50) { runId } error { message } } ... on PythonError { message } } }"""
RUN = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status tags { key value } assetSelection { path } } } }"
RUNS = "{ runsOrError(limit: 100) { ... on Runs { results { runId status jobName } } } }"
EVENTS = """query ($id: ID!, $after: String) { runOrError(runId: $id) { ... on Run {
  eventConnection(afterCursor: $after, limit: 1000) { cursor hasMore events { __typename
    ... on MessageEvent { message level stepKey }
    ... on ExecutionStepFailureEvent { failureMetadata { description } error { ...reason } }
    ... on RunFailureEvent { error { ...reason } }
    ... on MaterializationEvent { assetKey { path } partition } } } } } }
fragment reason on PythonError { className message cause { message } }"""
TERMINATE = """mutation ($id: String!, $policy: TerminateRunPolicy!) {
  terminateRun(runId: $id, terminatePolicy: $policy) { __typename ... on Error { message } } }"""
PARTITIONS = """query ($key: AssetKeyInput!) { assetNodeOrError(assetKey: $key) { ... on AssetNode {
  assetPartitionStatuses { ... on DefaultPartitionStatuses { materializedPartitions failedPartitions } } } } }"""
START = """mutation ($selector: ScheduleSelector!) { startSchedule(scheduleSelector: $selector) { __typename
  ... on ScheduleStateResult { scheduleState { id } } ... on PythonError { message } } }"""
STOP = "mutation ($id: String!) { stopRunningSchedule(id: $id) { __typename ... on PythonError { message } } }"
TICKS = """query ($selector: InstigationSelector!) { instigationStateOrError(instigationSelector: $selector) {
  ... on InstigationState { id ticks(limit: 20) { status timestamp skipReason runIds error { message } } } } }"""
DRY_RUN = """mutation ($selector: ScheduleSelector!, $at: Float) {
  scheduleDryRun(selectorData: $selector, timestamp: $at) { __typename ... on DryRunInstigationTick {
    evaluationResult { skipReason error { message } runRequests {
      runKey runConfigYaml jobName tags { key value } assetSelection { path } } } }
    ... on PythonError { message } } }"""
RELOAD = """mutation ($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) { __typename
  ... on WorkspaceLocationEntry { loadStatus locationOrLoadError { __typename ... on PythonError { message } } } } }"""


class RefusedError(Exception):
    """The services did not take what was asked of them; the message says why."""


class Tick(NamedTuple):
    """What a tick of the schedule came to."""

    status: str
    skip_reason: str | None
    run_ids: Sequence[str]
    error: str | None = None
    requests: Sequence[Mapping[str, Any]] = ()


class Ui:
    """The GraphQL interface of one webserver."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False

    def ask(self, query: str, **variables: Any) -> Any:
        """Send a query or mutation and return the only field of its answer."""
        body = {"query": query, "variables": variables}
        answer = self._session.post(f"{self.url}/graphql", json=body, timeout=60).json()
        if answer.get("errors"):
            raise RefusedError(answer["errors"][0]["message"])
        [field] = answer["data"].values()
        return field

    def is_loaded(self) -> bool:
        """Tell whether the webserver answers and the code location is there."""
        try:
            entries = self.ask(LOCATIONS)["locationEntries"]
        except (requests.RequestException, KeyError):
            return False
        return any(entry["name"] == LOCATION and _has_loaded(entry) for entry in entries)

    def launch(
        self,
        assets: Sequence[str],
        *,
        partition: str | None = None,
        partition_range: tuple[str, str] | None = None,
        config: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> str:
        """Materialize assets in one run, as the launchpad does, and return the number of the run.

        config: settings of assets by name.

        Raises:
            RefusedError: it is refused before there is a run.
        """
        tags = {}
        if partition:
            tags["dagster/partition"] = partition
        if partition_range:
            first, last = partition_range
            tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
        selector = {"pipelineName": "__ASSET_JOB", "assetSelection": _keys(assets), "assetCheckSelection": None}
        answer = self.ask(
            LAUNCH,
            params={
                "mode": "default",
                "selector": {**REPOSITORY, **selector},
                "runConfigData": {"ops": {name: {"config": dict(knobs)} for name, knobs in (config or {}).items()}},
                "executionMetadata": {"tags": [{"key": key, "value": value} for key, value in tags.items()]},
            },
        )
        if "run" not in answer:
            reasons = [error["message"] for error in answer.get("errors", ())] or [answer.get("message", str(answer))]
            raise RefusedError("\n".join(reasons))
        return str(answer["run"]["runId"])

    def backfill(self, assets: Sequence[str], partitions: Sequence[str]) -> str:
        """Materialize assets for these partitions, as the dialog of the asset graph does."""
        params = {"assetSelection": _keys(assets), "partitionNames": list(partitions), "tags": []}
        answer = self.ask(BACKFILL, params=params)
        if "backfillId" not in answer:
            raise RefusedError(answer.get("message", str(answer)))
        return str(answer["backfillId"])

    def backfill_end(self, backfill: str, seconds: float = 240) -> tuple[str, list[str]]:
        """Wait for a backfill, and return its status and its runs, the first one first."""

        def ended() -> Any:
            answer = self.ask(BACKFILL_STATUS, id=backfill)
            return answer["status"] not in ("REQUESTED", "CANCELING", "FAILING") and answer

        answer = wait_until(ended, seconds, f"backfill {backfill} ends")
        return answer["status"], [run["runId"] for run in reversed(answer["runs"])]

    def status(self, run: str) -> str:
        """Status of a run."""
        return str(self.ask(RUN, id=run)["status"])

    def run_end(self, run: str, seconds: float = 120) -> str:
        """Wait for a run to end, and return its last status."""
        return wait_until(lambda: (status := self.status(run)) in ENDED and status, seconds, f"run {run} ends") or ""

    def runs(self) -> list[dict[str, str]]:
        """All runs, the newest first, with `runId`, `status` and `jobName`."""
        return list(self.ask(RUNS)["results"])

    def events(self, run: str) -> list[dict[str, Any]]:
        """All events of a run."""
        events: list[dict[str, Any]] = []
        cursor, has_more = None, True
        while has_more:
            page = self.ask(EVENTS, id=run, after=cursor)["eventConnection"]
            events += page["events"]
            cursor, has_more = page["cursor"], page["hasMore"]
        return events

    def steps_started(self, run: str) -> list[str]:
        """Steps of a run that have begun."""
        return [event["stepKey"] for event in self.events(run) if event["__typename"] == "ExecutionStepStartEvent"]

    def materialized(self, run: str) -> list[tuple[str, str | None]]:
        """Assets that a run has made, with the partition."""
        return [
            (event["assetKey"]["path"][-1], event["partition"])
            for event in self.events(run)
            if event["__typename"] == "MaterializationEvent"
        ]

    def reasons(self, run: str) -> list[str]:
        """Sentences with which a run says why it failed, as its page shows them."""
        return [reason for event in self.events(run) if (reason := _reason(event))]

    def engine_messages(self, run: str) -> list[str]:
        """What Dagster itself logged of a run, such as the signal that ended its process."""
        return [event["message"] for event in self.events(run) if event["__typename"] == "EngineEvent"]

    def warnings(self, run: str) -> list[str]:
        """Warnings that a run has logged."""
        return [event["message"] for event in self.events(run) if event.get("level") == "WARNING"]

    def cancel(self, run: str, *, by_force: bool = False) -> str:
        """End a run, as the dialog does; by force is the box "force termination immediately"."""
        policy = "MARK_AS_CANCELED_IMMEDIATELY" if by_force else "SAFE_TERMINATE"
        return str(self.ask(TERMINATE, id=run, policy=policy)["__typename"])

    def partitions(self, asset: str) -> tuple[set[str], set[str]]:
        """Partitions of an asset that are materialized, and those that failed."""
        found = self.ask(PARTITIONS, key={"path": [asset]})["assetPartitionStatuses"]
        return set(found["materializedPartitions"]), set(found["failedPartitions"])

    def start_schedule(self) -> None:
        """Switch the schedule on."""
        answer = self.ask(START, selector=SCHEDULE)
        if answer["__typename"] != "ScheduleStateResult":
            raise RefusedError(str(answer))

    def stop_schedule(self) -> None:
        """Switch the schedule off."""
        self.ask(STOP, id=self._schedule_state()["id"])

    def ticks(self) -> list[Tick]:
        """Ticks of the schedule, the newest first."""
        return [
            Tick(tick["status"], tick["skipReason"], tick["runIds"], (tick["error"] or {}).get("message"))
            for tick in self._schedule_state()["ticks"]
        ]

    def tick_now(self) -> Tick:
        """Evaluate the schedule at once, without a run: the button "test schedule" of its page."""
        answer = self.ask(DRY_RUN, selector=SCHEDULE, at=time.time())
        result = answer.get("evaluationResult") or {"error": {"message": str(answer)}}
        requests_ = result.get("runRequests") or []
        error = (result.get("error") or {}).get("message")
        status = "FAILURE" if error else "SUCCESS" if requests_ else "SKIPPED"
        return Tick(status, result.get("skipReason"), [], error, requests_)

    def reload(self) -> bool:
        """Reload the code location; tells whether it is there afterwards."""
        return _has_loaded(self.ask(RELOAD, name=LOCATION))

    def _schedule_state(self) -> Any:
        selector = {key: value for key, value in SCHEDULE.items() if key != "scheduleName"}
        return self.ask(TICKS, selector={**selector, "name": SCHEDULE["scheduleName"]})


def _keys(assets: Sequence[str]) -> list[dict[str, list[str]]]:
    return [{"path": [asset]} for asset in assets]


def _has_loaded(entry: Mapping[str, Any]) -> bool:
    return (entry.get("locationOrLoadError") or {}).get("__typename") == "RepositoryLocation"


def _reason(event: Mapping[str, Any]) -> str | None:
    if event["__typename"] not in ("ExecutionStepFailureEvent", "RunFailureEvent"):
        return None
    if description := (event.get("failureMetadata") or {}).get("description"):
        return str(description)
    error = event.get("error") or {}
    return str(error.get("message") or event["message"]).strip()
