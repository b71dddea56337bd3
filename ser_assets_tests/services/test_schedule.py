"""The schedule `retraining` under the daemon: it looks at the corpus, requests a run when something has changed."""

import csv
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ser_assets_tests.services.conftest import ACTORS, NEWCOMER, MakePlatform, add_actors, made_by_the_shell
from ser_assets_tests.services.graphql import Tick
from ser_assets_tests.services.platform import LONG_TRAINING, TRAINED, Platform, running
from ser_assets_tests.services.processes import wait_until

pytestmark = pytest.mark.services

EVERY_MINUTE = {"SER_RETRAIN_CRON": "* * * * *"}
TWO_TICKS = 130
EMOTIONS = {"03": "happy", "04": "sad", "05": "angry"}


@pytest.fixture(scope="module")
def platform(make_platform: MakePlatform, prepared: "os.PathLike[str]") -> Iterator[Platform]:
    """The services with a tick each minute once the schedule is on, where all is made and nothing has changed."""
    with running(make_platform(prepared, **EVERY_MINUTE)) as platform:
        yield platform


def a_take(platform: Platform, actor: str) -> Path:
    """The first recording of an actor."""
    return min((platform.data / "raw" / f"Actor_{actor}").iterdir())


def skipped(tick: Tick) -> str:
    """Assert that a tick requested nothing, and return the reason."""
    assert tick.error is None
    assert tick.status == "SKIPPED"
    assert tick.skip_reason
    return tick.skip_reason


def requested(tick: Tick) -> None:
    """Assert that a tick requested one run."""
    assert tick.error is None
    assert tick.status == "SUCCESS", tick.skip_reason
    assert len(tick.requests or tick.run_ids) == 1


def test_a_tick_skips_with_the_reason_when_nothing_has_changed(platform: Platform) -> None:
    assert "changed" in skipped(platform.ui.tick_now())


def corrupt(platform: Platform) -> None:
    a_take(platform, "01").write_bytes(b"no sound")


def remove(platform: Platform) -> None:
    a_take(platform, "01").unlink()


def exchange(platform: Platform) -> None:
    shutil.copy(max((platform.data / "raw/Actor_02").iterdir()), a_take(platform, "02"))


CHANGES = {"is corrupted": corrupt, "is removed": remove, "has other content": exchange}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_tick_requests_a_run_when_a_recording(platform: Platform, change: Callable[[Platform], None]) -> None:
    takes = [a_take(platform, actor) for actor in ACTORS]
    before = {take: take.read_bytes() for take in takes}
    change(platform)
    try:
        requested(platform.ui.tick_now())
    finally:
        for take, content in before.items():
            take.write_bytes(content)
    skipped(platform.ui.tick_now())


def test_a_tick_during_a_training_skips_and_names_its_run(platform: Platform) -> None:
    removed = a_take(platform, "01")
    content = removed.read_bytes()
    removed.unlink()
    try:
        requested(platform.ui.tick_now())
        removed.write_bytes(content)
        run = platform.train_for_long()
        removed.unlink()
        assert run in skipped(platform.ui.tick_now())
    finally:
        removed.write_bytes(content)
    platform.ui.cancel(run)
    assert platform.ui.run_end(run, 20) == "CANCELED"


def skip_reasons(platform: Platform) -> list[str]:
    return [tick.skip_reason or "" for tick in platform.ui.ticks() if tick.status == "SKIPPED"]


def test_the_schedule_prepares_and_trains_on_a_new_actor_once_and_skips_after_that(
    platform: Platform, recordings: Path
) -> None:
    add_actors(platform, recordings, NEWCOMER)
    platform.ui.start_schedule()
    try:
        ticks = wait_until(lambda: [tick for tick in platform.ui.ticks() if tick.run_ids], TWO_TICKS, "a run starts")
        [run] = ticks[-1].run_ids
        status = platform.ui.run_end(run, 240)
        wait_until(lambda: any("changed" in reason for reason in skip_reasons(platform)), TWO_TICKS, "a tick skips")
    finally:
        platform.ui.stop_schedule()
    assert status == "SUCCESS", platform.ui.reasons(run)
    assert [each for tick in platform.ui.ticks() for each in tick.run_ids] == [run]
    trained_on = platform.query(
        "SELECT DISTINCT actor FROM training_rows JOIN features USING (take_id, variant) "
        f"WHERE model = '{TRAINED}' ORDER BY ALL"
    )
    assert trained_on == [(actor,) for actor in (*ACTORS, NEWCOMER)]
    platform.no_process_of_a_run_is_left()


def test_a_tick_during_a_training_of_the_shell_skips_and_names_its_run(platform: Platform) -> None:
    known = {run["runId"] for run in platform.ui.runs()}
    platform.shell_run(TRAINED, "--config-json", json.dumps({"ops": {TRAINED: {"config": LONG_TRAINING}}}))
    [run] = wait_until(lambda: {run["runId"] for run in platform.ui.runs()} - known, 60, "the run is in the history")
    platform.wait_for_training(run)
    assert run in skipped(platform.ui.tick_now())
    platform.ui.cancel(run)
    assert platform.ui.run_end(run, 30) == "CANCELED"
    platform.no_process_of_a_run_is_left()


def write_table(folder: Path, labels: dict[str, str]) -> Path:
    """List the recordings of a platform's folder `clips` in a table, one emotion for each of RAVDESS's codes."""
    table = folder / "voices.csv"
    with table.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("path", "speaker", "emotion"))
        for take in sorted((folder / "clips").rglob("*.mp4")):
            emotion, actor = take.stem.split("-")[2], take.stem.split("-")[6]
            rows.writerow((take.relative_to(folder), f"Speaker {actor}", labels.get(take.name, EMOTIONS[emotion])))
    return table


def test_a_tick_requests_a_run_when_a_label_in_the_table_changes(make_platform: MakePlatform, recordings: Path) -> None:
    platform = make_platform(actors=())
    for emotion in EMOTIONS:
        for take in recordings.rglob(f"*-*-{emotion}-01-*.mp4"):
            target = platform.folder / "clips" / take.parent.name / take.name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(take, target)
    table = write_table(platform.folder, {})
    platform.environment |= {"SER_CORPUS": "table", "SER_CORPUS_TABLE": str(table)}
    made_by_the_shell(platform, "Speaker 01...Speaker 03")
    with running(platform):
        assert "changed" in skipped(platform.ui.tick_now())
        changed = min((platform.folder / "clips").rglob("*.mp4")).name
        write_table(platform.folder, {changed: "sad"})
        requested(platform.ui.tick_now())
