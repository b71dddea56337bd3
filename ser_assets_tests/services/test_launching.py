"""Runs as the UI launches them, beside runs from the shell: what they make, and that their processes end."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from ser_assets_tests.services.conftest import ACTORS, MakePlatform
from ser_assets_tests.services.graphql import RefusedError
from ser_assets_tests.services.platform import Platform, running
from ser_assets_tests.services.processes import memory

pytestmark = pytest.mark.services

CHAIN = ("raw_videos", "mono_audio", "trimmed_audio", "augmented_set", "features")
EVERYBODY = [f"{number:02d}" for number in range(1, 25)]
MOST_GROWTH_BYTES = 200 << 20


@pytest.fixture(scope="module")
def platform(make_platform: MakePlatform) -> Iterator[Platform]:
    """The services, on the recordings of two actors of which nothing has been made."""
    with running(make_platform()) as platform:
        yield platform


def test_one_actor_is_made_from_the_ui_and_no_process_is_left(platform: Platform) -> None:
    run = platform.ui.launch(CHAIN, partition="01")
    assert platform.ui.run_end(run) == "SUCCESS", platform.ui.reasons(run)
    assert platform.ui.partitions("features") == ({"01"}, set())
    platform.no_process_of_a_run_is_left()


def test_a_range_is_made_from_the_ui_in_one_run(platform: Platform) -> None:
    run = platform.ui.launch(CHAIN, partition_range=("01", "02"))
    assert platform.ui.run_end(run) == "SUCCESS", platform.ui.reasons(run)
    assert platform.ui.partitions("features") == (set(ACTORS), set())
    platform.no_process_of_a_run_is_left()


class Everybody(NamedTuple):
    """What became of a backfill of all 24 partitions beside a run from the shell and a reader."""

    status: str
    runs: list[str]
    shell: int
    whole: set[tuple[str, int]]
    seen: list[set[tuple[str, int]]]


@pytest.fixture(scope="module")
def everybody(platform: Platform) -> Everybody:
    """Request all partitions of the chain and a model, as the first button of the dialog does, beside others."""
    clips = "SELECT actor, count(*) FROM features GROUP BY ALL"
    whole = set(platform.query(clips))
    backfill = platform.ui.backfill([*CHAIN, "random_forest"], EVERYBODY)
    shell = platform.shell_run(",".join(CHAIN), "--partition-range", "01...02")
    seen = []
    while shell.poll() is None:
        seen.append(set(platform.query(clips)))
    status, runs = platform.ui.backfill_end(backfill)
    return Everybody(status, runs, shell.returncode, whole, seen)


def test_all_partitions_are_requested_and_the_actors_with_recordings_go_through(
    platform: Platform, everybody: Everybody
) -> None:
    assert {platform.ui.status(run) for run in everybody.runs} == {"SUCCESS"}
    made = {(asset, partition) for run in everybody.runs for asset, partition in platform.ui.materialized(run)}
    assert made >= {(asset, partition) for asset in CHAIN for partition in ACTORS} | {("random_forest", None)}
    assert len(everybody.runs) == 2
    platform.no_process_of_a_run_is_left()


def test_partitions_without_recordings_are_not_materialized_and_one_warning_of_each_asset_counts_them(
    platform: Platform, everybody: Everybody
) -> None:
    warnings = [
        warning for run in everybody.runs for warning in platform.ui.warnings(run) if "no recordings" in warning
    ]
    for asset in CHAIN:
        assert platform.ui.partitions(asset) == (set(ACTORS), set()), asset
        [warning] = [warning for warning in warnings if warning.startswith(asset)]
        assert "22 of 24" in warning
        assert "\n" not in warning


def test_a_backfill_does_not_disturb_a_run_from_the_shell_nor_a_reader(everybody: Everybody) -> None:
    assert everybody.shell == 0
    assert everybody.seen
    assert all(counts == everybody.whole for counts in everybody.seen)


def test_no_process_of_a_run_that_failed_is_left(platform: Platform) -> None:
    (platform.data / "ravdess/augmented_set" / "actor_02.parquet").unlink()
    (platform.data / "ravdess/features" / "actor_01.parquet").unlink()
    run = platform.ui.launch(["features"], partition_range=("01", "02"))
    assert platform.ui.run_end(run) == "FAILURE"
    assert any("actor 02" in reason for reason in platform.ui.reasons(run)), platform.ui.reasons(run)
    platform.no_process_of_a_run_is_left()


def test_five_runs_leave_the_services_as_small_as_one(platform: Platform) -> None:
    before = memory(platform.everything())
    for _ in range(5):
        for clips in platform.data.glob("mono_audio/*.parquet"):
            clips.unlink()
        run = platform.ui.launch(CHAIN, partition_range=("01", "02"))
        assert platform.ui.run_end(run) == "SUCCESS", platform.ui.reasons(run)
    platform.no_process_of_a_run_is_left()
    assert memory(platform.everything()) - before < MOST_GROWTH_BYTES


WRONG = {
    "a value out of its limits": ({"random_forest": {"n_estimators": 0}}, "random_forest: n_estimators"),
    "an asset that is not in the run": (
        {"cnn": {"epochs": 3}},
        "settings of cnn (epochs), which is not in this run",
    ),
    "an asset without settings": ({"features": {"bands": 1}}, "features has no settings"),
}


@pytest.mark.parametrize(("config", "message"), WRONG.values(), ids=WRONG)
def test_a_wrong_setting_is_refused_before_the_first_step(
    platform: Platform, config: dict[str, dict[str, int]], message: str
) -> None:
    try:
        run = platform.ui.launch(["features", "random_forest"], partition="01", config=config)
    except RefusedError as refusal:
        reasons = str(refusal).splitlines()
    else:
        assert platform.ui.run_end(run) == "FAILURE"
        assert platform.ui.steps_started(run) == []
        reasons = platform.ui.reasons(run)
    [sentence] = {line for reason in reasons for line in reason.splitlines() if message in line}
    assert len(sentence) < 300
    platform.no_process_of_a_run_is_left()
