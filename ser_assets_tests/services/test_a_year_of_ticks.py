"""A year of weekly ticks: recordings arrive, change and go, and each tick makes what has changed, or skips.

The ticks are evaluated and their runs executed one after the other in this process, so that a year takes minutes.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from ser_assets.corpus.entries import CorpusError
from ser_assets.history.pruning import prune
from ser_assets.storage.tables import RAW_VIDEOS, TRAINING_ROWS, records
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.media import A_PICTURE, voice, write_wav
from ser_assets_tests.orchestration.sung_platform import MODELS_FILE, RATE, SungPlatform

pytestmark = [pytest.mark.services, pytest.mark.timeout(1800)]

WEEKS = 52
KEPT_WEEKS = 13
MODELS = {"random_forest", "neural_network", "cnn", "complex_cnn"}


class Year:
    """The platform, and what its ticks came to."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.platform = SungPlatform(folder, instance)
        self.clips = folder / "clips"
        self.requested: dict[int, str] = {}
        self.skipped: dict[int, str] = {}
        self.failed: dict[int, str] = {}
        self.statuses: dict[int, bool] = {}
        self.trained: dict[int, set[str]] = {}
        self.left_out: dict[int, set[str]] = {}
        self.sizes: list[int] = []
        self.run_files: list[int] = []

    def live(self, changes: dict[int, Callable[["Year"], None]]) -> None:
        """Live through the year, with a change of the corpus before some ticks."""
        begins = []
        for week in range(WEEKS):
            begins.append(datetime.now(UTC))
            if week in changes:
                changes[week](self)
            self._tick(week)
            prune(self.platform.instance, begins[max(0, week - KEPT_WEEKS)])
            history = Path(self.platform.instance.root_directory)
            self.sizes.append(sum(path.stat().st_size for path in history.rglob("*") if path.is_file()))
            self.run_files.append(len(list(history.rglob("history/runs/*-*.db"))))

    def _tick(self, week: int) -> None:
        try:
            ticked = self.platform.tick()
        except Exception as error:
            cause: BaseException | None = error
            while cause is not None and not isinstance(cause, CorpusError):
                cause = cause.__cause__
            self.failed[week] = str(cause)
            return
        if isinstance(ticked, str):
            self.skipped[week] = ticked
            return
        self.requested[week] = ticked.tags["ser_assets/reason"]
        before = self._models()
        self.statuses[week] = self.platform.run(ticked).success
        after = self._models()
        self.trained[week] = {name for name in MODELS if before.get(name) != after.get(name)}
        self.left_out[week] = self._accepted() ^ self._trained_on()

    def _models(self) -> dict[str, int]:
        kept = self.platform.folder / "data" / "models" / "raw"
        return {name: (kept / name / "facts.json").stat().st_mtime_ns for name in MODELS if (kept / name).exists()}

    def _accepted(self) -> set[str]:
        warehouse = Warehouse(self.platform.folder / "data")
        return {row["take_id"] for row in records(warehouse, RAW_VIDEOS, "status = 'accepted'", columns=["take_id"])}

    def _trained_on(self) -> set[str]:
        rows = records(Warehouse(self.platform.folder / "data"), TRAINING_ROWS, "true", columns=["DISTINCT take_id"])
        return {row["take_id"] for row in rows}


def begin(year: Year) -> None:
    for speaker in ("Ann", "Bob"):
        arrive(year, speaker)
    (year.platform.folder / "data").mkdir()
    (year.platform.folder / "data" / "models.toml").write_text(MODELS_FILE)


def arrive(year: Year, speaker: str) -> None:
    for emotion in ("joy", "fear"):
        for take in (1, 2):
            year.platform.record(speaker, emotion, take)
    year.platform.write_table()


def leave(year: Year, speaker: str) -> None:
    for clip in year.clips.glob(f"{speaker}_*"):
        clip.unlink()
    year.platform.write_table()


def add_a_take(year: Year) -> None:
    year.platform.record("Ann", "joy", 3)
    year.platform.write_table()


def change_content(year: Year) -> None:
    write_wav(year.clips / "Ann_joy_3.wav", voice(0.7, hertz=290, rate=RATE), RATE)


def corrupt(year: Year) -> None:
    (year.clips / "Ann_joy_3.wav").write_bytes(b"no sound")


def change_settings(year: Year) -> None:
    path = year.platform.folder / "data" / "models.toml"
    path.write_text(path.read_text().replace("trees = 5", "trees = 6", 1))


def take_the_table_away(year: Year) -> None:
    (year.platform.folder / "voices.csv").rename(year.platform.folder / "away.csv")


def bring_the_table_back(year: Year) -> None:
    (year.platform.folder / "away.csv").rename(year.platform.folder / "voices.csv")


CHANGES: dict[int, Callable[[Year], None]] = {
    0: begin,
    4: lambda year: arrive(year, "Eve"),
    9: lambda year: year.platform.write_table(Ann_joy_1="fear", Bob_fear_1="joy"),
    13: add_a_take,
    18: change_content,
    20: take_the_table_away,
    21: bring_the_table_back,
    24: corrupt,
    29: change_content,
    33: lambda year: leave(year, "Bob"),
    37: change_settings,
    41: lambda year: arrive(year, "Bob"),
    47: lambda year: (year.clips / "Eve_joy_9.wav").write_bytes(b"no sound"),
    48: lambda year: year.platform.write_table(),
}
WITHOUT_EFFECT_YET = {20, 21, 47}


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    with pytest.MonkeyPatch.context() as patch, dg.instance_for_test() as instance:
        patch.setattr("ser_assets.assets.model_checks._changed_by_poison", lambda *_: [])
        patch.setattr("ser_assets.reporting.pictures.clip_strip", lambda *_: A_PICTURE)
        year = Year(tmp_path_factory.mktemp("year"), instance)
        year.live(CHANGES)
        yield year


def test_a_run_was_requested_in_the_weeks_in_which_something_had_changed_and_in_no_other(year: Year) -> None:
    assert set(year.requested) == set(CHANGES) - WITHOUT_EFFECT_YET


def test_every_other_tick_skipped_with_the_reason(year: Year) -> None:
    assert set(year.failed) == {20}
    assert "voices.csv" in year.failed[20]
    assert set(year.skipped) == set(range(WEEKS)) - set(year.requested) - set(year.failed)
    assert set(year.skipped.values()) == {"no recording, label, setting or code has changed since the last training"}


def test_every_run_succeeded(year: Year) -> None:
    assert all(year.statuses.values())


def test_models_were_trained_where_they_had_to_be(year: Year) -> None:
    only_some = {37: {"random_forest"}, 48: set()}
    assert year.trained == {week: only_some.get(week, MODELS) for week in year.requested}


def test_they_were_always_trained_on_the_takes_that_the_corpus_had_and_on_no_other(year: Year) -> None:
    assert not any(year.left_out.values())


def test_no_run_is_lost_or_doubled(year: Year) -> None:
    reasons = [run.tags["ser_assets/reason"] for run in year.platform.instance.get_runs()]
    recent = [reason for week, reason in year.requested.items() if week >= WEEKS - KEPT_WEEKS]
    assert reasons[: len(recent)] == recent[::-1]
    assert len(reasons) == len(set(year.platform.instance.get_run_ids()))


def test_the_history_does_not_grow_without_end(year: Year) -> None:
    in_a_window = max(
        sum(1 for week in year.requested if last - KEPT_WEEKS <= week <= last) for last in range(KEPT_WEEKS, WEEKS)
    )
    # One more: the runs that the latest events of assets point to stay however old they are.
    assert max(year.run_files[KEPT_WEEKS:]) <= in_a_window + len(MODELS)
    assert len(year.requested) > in_a_window + len(MODELS)
