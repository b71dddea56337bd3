"""Old runs leave the history; what pages of assets show stays."""

import shutil
import sqlite3
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from ser_assets.cli import main
from ser_assets.history import open_history, pruning
from ser_assets.history.pruning import PruneError, prune

ACTORS = dg.StaticPartitionsDefinition(["01", "02", "03", "04"])
DAY = 24 * 3600
RUNS = 2000
WITH_EVENTS = 40


class BrokenTakeError(Exception):
    pass


@dg.asset(partitions_def=ACTORS)
def clips(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    if context.partition_key == "04":
        raise BrokenTakeError
    return dg.MaterializeResult(metadata={"takes": 60})


@dg.asset(deps=[clips])
def model() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"uar": 0.5})


@dg.asset_check(asset=model)
def no_leak() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True, metadata={"takes": 3})


@dg.job
def nothing() -> None: ...


CHECK = dg.AssetCheckKey(model.key, "no_leak")


def materialize(instance: dg.DagsterInstance, *assets: object, partition: str | None = None) -> str:
    ran = dg.materialize(assets, partition_key=partition, instance=instance, raise_on_error=False)  # type: ignore[arg-type]
    return ran.run_id


def databases(instance: dg.DagsterInstance) -> tuple[Path, Path, Path]:
    folder = Path(instance.root_directory)
    return folder / "history/runs.db", folder / "history/runs/index.db", folder / "schedules/schedules.db"


def ended(instance: dg.DagsterInstance, run: str, days: float) -> None:
    """Have a run end so many days ago."""
    with closing(sqlite3.connect(databases(instance)[0])) as connection, connection:
        time = datetime.now(UTC).timestamp() - days * DAY
        connection.execute("UPDATE runs SET end_time = ?, start_time = ? WHERE run_id = ?", [time, time - 5, run])


def copied(instance: dg.DagsterInstance, run: str, days: list[float], *, status: str = "SUCCESS") -> list[str]:
    """Copy a run, what the index has of it, and its events, as if it had been there on other days, too."""
    runs, index, _ = databases(instance)
    copies = [str(uuid.uuid4()) for _ in days]
    ids = list(zip(copies, days, strict=True))
    now = datetime.now(UTC).timestamp()
    with closing(sqlite3.connect(runs)) as connection, connection:
        connection.executemany(
            f"""INSERT INTO runs (run_id, snapshot_id, pipeline_name, status, run_body, end_time, update_timestamp)
            SELECT ?, snapshot_id, pipeline_name, '{status}', replace(run_body, run_id, ?), ?, update_timestamp
            FROM runs WHERE run_id = ?""",
            [(copy, copy, now - ago * DAY, run) for copy, ago in ids],
        )
    with closing(sqlite3.connect(index)) as connection, connection:
        connection.executemany(
            """INSERT INTO event_logs (run_id, event, dagster_event_type, timestamp, step_key, asset_key, partition)
            SELECT ?, replace(event, run_id, ?), dagster_event_type, timestamp, step_key, asset_key, partition
            FROM event_logs WHERE run_id = ?""",
            [(copy, copy, run) for copy in copies],
        )
        connection.executemany(
            """INSERT INTO asset_check_executions
                (asset_key, check_name, run_id, execution_status, evaluation_event, evaluation_event_timestamp)
            SELECT asset_key, check_name, ?, execution_status, replace(evaluation_event, run_id, ?),
                evaluation_event_timestamp FROM asset_check_executions WHERE run_id = ?""",
            [(copy, copy, run) for copy in copies],
        )
    for copy in copies:
        shutil.copy(index.parent / f"{run}.db", index.parent / f"{copy}.db")
        logs = Path(instance.root_directory) / "logs" / copy / "compute_logs"
        logs.mkdir(parents=True)
        (logs / "step.out").write_text("what a step printed")
    return copies


def shown(instance: dg.DagsterInstance) -> dict[str, object]:
    """All that pages of assets are made of."""
    events = instance.event_log_storage
    records = [instance.fetch_materializations(key, limit=5 * RUNS).records for key in (clips.key, model.key)]
    return {
        "materializations": records,
        "latest": [instance.get_latest_materialization_event(key) for key in (clips.key, model.key)],
        "partitions": instance.get_status_by_partition(clips.key, ACTORS.get_partition_keys(), ACTORS),
        "checks": events.get_asset_check_execution_history(CHECK, limit=5 * RUNS),
        "planned": events.get_latest_asset_partition_materialization_attempts_without_materializations(clips.key),
    }


@pytest.fixture
def history(home: Path) -> Iterator[dg.DagsterInstance]:
    """An empty history in a folder of its own."""
    assert home.exists()
    with open_history() as instance:
        yield instance


def before(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def test_two_thousand_old_runs_leave_and_pages_of_assets_stay_as_they_are(history: dg.DagsterInstance) -> None:
    failed = materialize(history, clips, partition="04")
    only = materialize(history, clips, partition="03")
    first = materialize(history, model, no_leak)
    trivial = nothing.execute_in_process(instance=history).run_id
    for run in (failed, only, first, trivial):
        ended(history, run, 200)
    old = copied(history, first, [100 + number for number in range(WITH_EVENTS)])
    old += copied(history, trivial, [100.0] * (RUNS - WITH_EVENTS))
    recent = copied(history, trivial, [10.0] * 20)
    [going_on] = copied(history, trivial, [150.0], status="STARTED")
    latest = [materialize(history, clips, partition="01"), materialize(history, model, no_leak)]
    instance_before, size = shown(history), pruning._size(Path(history.root_directory))

    pruned = prune(history, before(90))

    assert shown(history) == instance_before
    present = {run.run_id for run in history.get_runs()}
    assert present == {failed, only, *recent, going_on, *latest}
    assert not present & {*old, first, trivial}
    assert pruned.runs == RUNS + 2
    assert pruned.kept == 2
    folder = Path(history.root_directory)
    assert {path.stem for path in (folder / "history/runs").glob("????????-*.db")} == present
    assert {path.name for path in (folder / "logs").iterdir()} == {*recent, going_on}
    assert pruned.size_after == pruning._size(folder)
    assert pruned.size_before == size
    assert pruned.size_after < 0.05 * size
    assert len(history.get_runs(limit=300)) == len(present)
    for run in latest:
        assert history.all_logs(run)


def test_a_second_prune_finds_nothing(history: dg.DagsterInstance) -> None:
    old = nothing.execute_in_process(instance=history).run_id
    nothing.execute_in_process(instance=history)
    ended(history, old, 100)
    assert prune(history, before(90)).runs == 1
    assert prune(history, before(90)).runs == 0


def test_the_last_run_of_a_job_stays_however_old(history: dg.DagsterInstance) -> None:
    last = nothing.execute_in_process(instance=history).run_id
    ended(history, last, 5000)
    assert prune(history, before(1)).runs == 0
    assert [run.run_id for run in history.get_runs()] == [last]


def test_a_dry_run_removes_nothing_and_says_what_would_go(history: dg.DagsterInstance) -> None:
    old = nothing.execute_in_process(instance=history).run_id
    copied(history, old, [100.0] * 5)
    nothing.execute_in_process(instance=history)
    ended(history, old, 100)
    files = sorted(Path(history.root_directory).rglob("*"))
    pruned = prune(history, before(90), dry_run=True)
    assert pruned.runs == 6
    assert pruned.size_after < pruned.size_before
    assert len(history.get_runs()) == 7
    assert sorted(Path(history.root_directory).rglob("*")) == files


def test_what_an_interrupted_prune_left_goes_with_the_next(
    history: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = nothing.execute_in_process(instance=history).run_id
    nothing.execute_in_process(instance=history)
    ended(history, old, 100)
    with monkeypatch.context() as patched:
        patched.setattr(pruning, "_remove_files", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            prune(history, before(90))
    path = databases(history)[1].parent / f"{old}.db"
    assert path.exists()
    prune(history, before(90))
    assert not path.exists()


def test_runs_go_on_while_it_is_pruned(history: dg.DagsterInstance) -> None:
    template = nothing.execute_in_process(instance=history).run_id
    copied(history, template, [100.0] * 300)
    made: list[str] = []
    worker = threading.Thread(target=lambda: made.extend(materialize(history, model, no_leak) for _ in range(8)))
    worker.start()
    pruned = [prune(history, before(90)).runs for _ in range(3)]
    worker.join()
    assert sum(pruned) >= 299
    assert len(made) == 8
    for run in made:
        stored = history.get_run_by_id(run)
        assert stored
        assert stored.status == dg.DagsterRunStatus.SUCCESS
        assert history.all_logs(run)[-1].dagster_event_type == dg.DagsterEventType.RUN_SUCCESS


@pytest.mark.parametrize(("status", "stays"), [("REQUESTED", True), ("COMPLETED_SUCCESS", False)])
def test_runs_of_a_backfill_that_goes_on_stay(history: dg.DagsterInstance, status: str, stays: bool) -> None:
    old = nothing.execute_in_process(instance=history).run_id
    nothing.execute_in_process(instance=history)
    ended(history, old, 100)
    with closing(sqlite3.connect(databases(history)[0])) as connection, connection:
        connection.execute("UPDATE runs SET backfill_id = 'abc' WHERE run_id = ?", [old])
        connection.execute(
            "INSERT INTO bulk_actions (key, status, timestamp) VALUES ('abc', ?, '2001-01-01 00:00:00.000000')",
            [status],
        )
    prune(history, before(90))
    assert bool(history.get_run_by_id(old)) == stays
    with closing(sqlite3.connect(databases(history)[0])) as connection:
        assert connection.execute("SELECT count(*) FROM bulk_actions").fetchall() == [(int(stays),)]


def test_old_ticks_go_but_the_last_one_of_each_schedule(history: dg.DagsterInstance) -> None:
    with closing(sqlite3.connect(databases(history)[2])) as connection, connection:
        ticks = [(name, f"20{year}-01-01 00:00:00.000000") for name in ("retraining", "other") for year in (10, 11, 12)]
        connection.executemany(
            "INSERT INTO job_ticks (selector_id, job_origin_id, status, timestamp) VALUES (?, 'x', 'SUCCESS', ?)", ticks
        )
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
        connection.execute(
            "INSERT INTO job_ticks (selector_id, job_origin_id, status, timestamp) VALUES ('other', 'x', 'SKIPPED', ?)",
            [now],
        )
    assert prune(history, before(90)).ticks == 5
    with closing(sqlite3.connect(databases(history)[2])) as connection:
        left = connection.execute("SELECT selector_id, timestamp FROM job_ticks ORDER BY id").fetchall()
    assert left == [("retraining", "2012-01-01 00:00:00.000000"), ("other", now)]


def test_a_history_in_memory_or_on_a_server_is_refused() -> None:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        pytest.raises(PruneError, match=r"in InMem"),
    ):
        prune(instance, before(90))


@pytest.mark.parametrize(("variable", "options", "days"), [("30", [], 30), ("30", ["--older-than", "7"], 7)])
def test_the_command_says_how_many_went_and_how_large_the_history_is(
    history: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, variable: str, options: list[str], days: int
) -> None:
    monkeypatch.setenv("SER_HISTORY_DAYS", variable)
    old = nothing.execute_in_process(instance=history).run_id
    nothing.execute_in_process(instance=history)
    ended(history, old, days + 1)
    would = CliRunner().invoke(main, ["prune", "--dry-run", *options])
    assert would.output.startswith(f"would remove 1 runs that ended more than {days} days ago, and 0 ticks: ")
    done = CliRunner().invoke(main, ["prune", *options])
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"removed 1 runs that ended more than {days} days ago, and 0 ticks: ")
    assert done.output.endswith(f" MB in {history.root_directory}\n")


def test_without_a_history_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    result = CliRunner().invoke(main, ["prune"])
    assert result.exit_code == 1
    assert result.output.startswith("Error: the history is in ")
