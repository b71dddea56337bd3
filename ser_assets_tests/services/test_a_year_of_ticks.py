"""A year of weekly ticks of the schedule, in this process: recordings come, change and go in some of the weeks."""

import csv
import errno
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pytest

from ser_assets.corpus.table.corpus import table_name
from ser_assets.definitions import build_definitions
from ser_assets.history import DataFolderInstance
from ser_assets.history.pruning import prune
from ser_assets.settings import Settings
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.media import A_PICTURE, voice, write_wav
from ser_assets_tests.factories.sung_platform import stand_in_for_networks
from ser_assets_tests.services.platform import ROOT

pytestmark = pytest.mark.services

RATE = 16000
FIRST_MONDAY = datetime(2026, 1, 5, 3, tzinfo=UTC)
WEEKS = 52
WEEKS_OF_A_QUARTER = 13
MOST_GROWTH = 1.5
MODELS = ("random_forest", "neural_network", "cnn", "complex_cnn", "pretrained_encoder")
MODELS_FILE = """
random_forest = { n_estimators = 5, validation_forests = 1, validation_trees = 5 }
neural_network = { members = 1, epochs = 1, units = [4] }
cnn = { members = 1, epochs = 1, filters = [4] }
complex_cnn = { members = 1, epochs = 1, filters = [4] }
"""


class Corpus:
    """A table of sung takes of a few speakers; a take's number and label are in the name of its file."""

    def __init__(self, folder: Path) -> None:
        self.clips = folder / "clips"
        self.table = folder / "voices.csv"
        self.labels: dict[str, str] = {}

    def record(self, speaker: str, emotion: str, take: int, hertz: float = 0.0) -> Path:
        """Record a take, or another performance of it at another pitch."""
        hertz = hertz or 120 + 40 * (emotion == "joy") + 10 * take + ord(speaker[0])
        return write_wav(self.clips / f"{speaker}_{emotion}_{take}.wav", voice(0.6, hertz=hertz, rate=RATE), RATE)

    def remove(self, pattern: str) -> None:
        """Remove the recordings whose names match."""
        for clip in self.clips.glob(pattern):
            clip.unlink()

    def write(self) -> None:
        """List what is there."""
        with self.table.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("path", "speaker", "emotion"))
            rows.writerows((f"clips/{clip.name}", *self._label(clip)) for clip in sorted(self.clips.iterdir()))

    def usable(self) -> Counter[tuple[str, str]]:
        """Count the takes of each speaker and emotion that can be used: the broken ones have the number 9."""
        return Counter(self._label(clip) for clip in self.clips.iterdir() if not clip.stem.endswith("_9"))

    def _label(self, clip: Path) -> tuple[str, str]:
        speaker, emotion, _ = clip.stem.split("_")
        return speaker, self.labels.get(clip.stem, emotion)


class Week(NamedTuple):
    """What became of the tick of a week.

    run: status of the run that it requested, or None. reason: why it skipped, or ran. trained: models whose kept files
    were written. learned: takes of each speaker and emotion that each model is trained on. size: bytes of the data
    folder, after old runs were pruned.
    """

    number: int
    run: str | None
    reason: str
    trained: set[str]
    learned: dict[str, Counter[tuple[str, str]]]
    usable: Counter[tuple[str, str]]
    size: int


def first_takes(corpus: Corpus) -> None:
    for speaker in ("Ann", "Bob", "Eve"):
        for emotion in ("joy", "fear"):
            for take in (1, 2):
                corpus.record(speaker, emotion, take)


def a_new_speaker(corpus: Corpus) -> None:
    for emotion in ("joy", "fear"):
        for take in (1, 2):
            corpus.record("Dan", emotion, take)


def a_broken_file(corpus: Corpus) -> None:
    (corpus.clips / "Bob_joy_9.wav").write_bytes(b"no sound" * 100)


def another_label(corpus: Corpus) -> None:
    corpus.labels["Ann_joy_1"] = "fear"


CHANGES: dict[int, Callable[[Corpus], object]] = {
    0: first_takes,
    5: lambda corpus: corpus.record("Ann", "joy", 3),
    12: a_new_speaker,
    17: lambda corpus: corpus.record("Bob", "joy", 1, hertz=300),
    23: another_label,
    29: lambda corpus: corpus.remove("Dan_fear_2.wav"),
    34: a_broken_file,
    40: lambda corpus: corpus.remove("Eve_*"),
}
DISK_FULL = 17
"""In this week the disk is full when models are stored: the run fails, and the tick of the next week repairs it."""
TREES = 46
"""In this week somebody changes a setting of the forest."""
RAN = sorted([*CHANGES, DISK_FULL + 1, TREES])
TRAINED = sorted(set(RAN) - {34})


class Year:
    """A platform that lives through the weeks."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.corpus = Corpus(folder)
        self.data = folder / "data"
        self.made = self.data / table_name(self.corpus.table)
        self.instance = instance
        self.requested: list[str] = []

    def week(self, number: int) -> Week:
        """Let the tick of this week come, and execute what it requests."""
        settings = Settings(
            data_dir=self.data,
            corpus="table",
            corpus_table=self.corpus.table,
            workers=1,
            speed_perturbation=(),
            protocols=("speaker_independent",),
        )
        # As after a reload of the code location, which finds new speakers of a table.
        definitions = build_definitions(settings)
        before = self._written()
        request, reason = self._tick(definitions, settings, number)
        status = self._execute(definitions, request) if request else None
        trained = {path.parts[0] for path, moment in self._written().items() if before.get(path) != moment}
        prune(self.instance, datetime.now(UTC))
        learned = {name: self._learned(name) for name in MODELS} if status == "SUCCESS" else {}
        size = sum(path.stat().st_size for path in self.data.rglob("*") if path.is_file())
        return Week(number, status, reason, trained & set(MODELS), learned, self.corpus.usable(), size)

    def _tick(self, definitions: dg.Definitions, settings: Settings, number: int) -> tuple[dg.RunRequest | None, str]:
        context = dg.build_schedule_context(
            self.instance,
            scheduled_execution_time=FIRST_MONDAY + timedelta(weeks=number),
            resources={"settings": settings},
        )
        ticked = definitions.resolve_schedule_def("retraining").evaluate_tick(context)
        if not ticked.run_requests:
            return None, ticked.skip_message or ""
        [request] = ticked.run_requests
        return request, request.tags["ser_assets/reason"]

    def _execute(self, definitions: dg.Definitions, request: dg.RunRequest) -> str:
        job = definitions.resolve_job_def("full_refresh")
        run_config = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
        done = job.execute_in_process(
            instance=self.instance, tags=request.tags, run_config=run_config, raise_on_error=False
        )
        self.requested.append(done.run_id)
        run = self.instance.get_run_by_id(done.run_id)
        assert run is not None
        return run.status.value

    def _written(self) -> dict[Path, int]:
        kept = self.made / "models" / "raw"
        return {path.relative_to(kept): path.stat().st_mtime_ns for path in kept.rglob("*") if path.is_file()}

    def _learned(self, model: str) -> Counter[tuple[str, str]]:
        rows = Warehouse(self.made).query_arrow(
            "SELECT actor, emotion, count(*) AS takes FROM features WHERE variant = 0 AND take_id IN "
            f"(SELECT take_id FROM training_rows WHERE model = '{model}') GROUP BY ALL"
        )
        return Counter({(row["actor"], row["emotion"]): row["takes"] for row in rows.to_pylist()})


@pytest.fixture(scope="module")
def _without_what_takes_long() -> Iterator[None]:
    """Train forests for networks, draw no pictures, and fit no model again to check it: that is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        stand_in_for_networks(patch)
        patch.setattr("ser_assets.assets.model_checks._parts_that_saw_test_rows", lambda *_: [])
        patch.setattr("ser_assets.reporting.figures.thumbnails.clip_strip", lambda *_: A_PICTURE)
        yield


@pytest.fixture(scope="module")
def year(_without_what_takes_long: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Week]]:
    """Live through 52 weeks."""
    folder = tmp_path_factory.mktemp("year")
    (folder / "clips").mkdir()
    (folder / "data").mkdir()
    models_file = folder / "data" / "models.toml"
    models_file.write_text(MODELS_FILE)
    shutil.copy(ROOT / "dagster.yaml", folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name in ("DAGSTER_HOME", "SER_MODEL_SETTINGS"):
            patch.delenv(name, raising=False)
        patch.setenv("SER_DATA_DIR", str(folder / "data"))
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            assert isinstance(instance, DataFolderInstance)
            platform = Year(folder, instance)
            weeks = []
            for number in range(WEEKS):
                CHANGES.get(number, lambda _: None)(platform.corpus)
                platform.corpus.write()
                if number == TREES:
                    models_file.write_text(MODELS_FILE.replace("n_estimators = 5", "n_estimators = 6", 1))
                with pytest.MonkeyPatch.context() as trouble:
                    if number == DISK_FULL:
                        trouble.setattr("ser_assets.assets.models.store", no_space)
                    weeks.append(platform.week(number))
            assert len(set(platform.requested)) == len(platform.requested) == len(RAN)
            yield weeks


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_run_is_requested_in_the_weeks_in_which_something_changed_or_failed_and_in_no_other(year: list[Week]) -> None:
    assert [week.number for week in year if week.run] == RAN


def test_a_week_without_a_change_skips_and_says_so(year: list[Week]) -> None:
    reasons = {week.reason for week in year if not week.run}
    assert reasons == {"no recording, label, setting or code has changed since the last training"}


def test_every_run_succeeds_but_the_one_whose_disk_was_full_and_the_next_tick_makes_up_for_it(year: list[Week]) -> None:
    assert {week.number: week.run for week in year if week.run != "SUCCESS" and week.run} == {DISK_FULL: "FAILURE"}
    assert year[DISK_FULL + 1].learned["random_forest"] == year[DISK_FULL].usable


def test_models_are_trained_when_their_takes_or_settings_changed_and_a_broken_file_trains_none(
    year: list[Week],
) -> None:
    whole = {number: set(MODELS) for number in TRAINED} | {TREES: {"random_forest"}, DISK_FULL: set()}
    assert {week.number: week.trained for week in year if week.number in whole} == whole
    assert not any(week.trained for week in year if week.number not in whole)


def test_each_model_is_trained_on_exactly_the_takes_of_the_corpus(year: list[Week]) -> None:
    for week in year:
        for model, learned in week.learned.items():
            assert learned == week.usable, (week.number, model)


def test_disk_use_stays_within_bounds_when_old_runs_are_pruned(year: list[Week]) -> None:
    assert year[-1].size < MOST_GROWTH * year[WEEKS_OF_A_QUARTER].size
