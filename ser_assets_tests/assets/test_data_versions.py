"""What Dagster marks as out of date after one thing has changed: that and what is made from it, and nothing else."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG, CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from ser_assets.definitions import build_definitions
from ser_assets.settings import Settings
from ser_assets_tests.factories.media import draw_nothing, voice, write_wav

CHAIN = ("raw_videos", "mono_audio", "trimmed_audio", "augmented_set", "features")
FOREST = "random_forest"
REPORT = ("metrics_report", "champion_model")
EVERYTHING = (*CHAIN, FOREST, *REPORT)
SPEAKERS = ("Ann", "Bob", "Cy")
EMOTIONS = ("fear", "joy", "rage")
SMALL: dict[str, Any] = {"n_estimators": 12, "validation_forests": 1, "validation_trees": 4}


VARIABLES = {
    "SER_CORPUS": "table",
    "SER_WORKERS": "1",
    "SER_SPEED_PERTURBATION": "none",
    "SER_FOLD_SCHEMES": "loso",
    "SER_PROTOCOLS": "speaker_independent",
}


class Platform:
    """A table of three speakers, its data folder and its history; `forest` is what the forest is trained with."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder = folder
        self.instance = instance
        self.forest = SMALL
        self.table = folder / "voices.csv"

    def record(self, name: str, hertz: float) -> None:
        write_wav(self.folder / name, voice(0.6, hertz=hertz, seed=int(hertz)))

    def relabel(self, name: str, emotion: str) -> None:
        lines = self.table.read_text().splitlines()
        changed = [f"{name},{name.split()[0]},{emotion}" if line.startswith(name) else line for line in lines]
        self.table.write_text("\n".join(changed) + "\n")

    def remove(self, speaker: str) -> None:
        lines = self.table.read_text().splitlines(keepends=True)
        self.table.write_text("".join(line for line in lines if f",{speaker}," not in line))

    def materialize(self, *assets: str, speakers: tuple[str, str] | None = None) -> None:
        """Run assets for a range of speakers, or all."""
        definitions = build_definitions(Settings())
        by_speaker = definitions.resolve_asset_graph().get(dg.AssetKey("raw_videos")).partitions_def
        assert by_speaker
        everybody = by_speaker.get_partition_keys()
        first, last = speakers or (everybody[0], everybody[-1])
        config = {"ops": {FOREST: {"config": self.forest}}} if FOREST in assets else {}
        result = definitions.resolve_job_def("full_refresh").execute_in_process(
            instance=self.instance,
            asset_selection=[dg.AssetKey(name) for name in assets],
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **config},
            tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
        )
        assert result.success

    @property
    def stale(self) -> set[str]:
        """Every asset and partition that Dagster does not call up to date."""
        graph = build_definitions(Settings()).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(self.instance, graph, LoadingContextForTest(self.instance))
        marked = set()
        for name in EVERYTHING:
            partitions = graph.get(dg.AssetKey(name)).partitions_def
            for partition in partitions.get_partition_keys() if partitions else (None,):
                if resolver.get_status(dg.AssetKey(name), partition) != StaleStatus.FRESH:
                    marked.add(f"{name} {partition}" if partition else name)
        return marked

    def version(self, asset: str) -> str | None:
        event = self.instance.get_latest_materialization_event(dg.AssetKey(asset))
        assert event
        assert event.asset_materialization
        return (event.asset_materialization.tags or {}).get(DATA_VERSION_TAG)


def opened(folder: Path, patch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    """Point the settings at a platform in this folder, and open its history."""
    draw_nothing(patch)
    folders = {"SER_CORPUS_TABLE": str(folder / "voices.csv"), "SER_DATA_DIR": str(folder / "data")}
    for name, value in (VARIABLES | folders).items():
        patch.setenv(name, value)
    return dg.DagsterInstance.local_temp(str(folder / "history"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three speakers from recordings to a champion."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "history").mkdir()
    takes = [(speaker, emotion, take) for speaker in SPEAKERS for emotion in EMOTIONS for take in "12"]
    rows = [f"{speaker} {emotion} {take}.wav,{speaker},{emotion}\n" for speaker, emotion, take in takes]
    (folder / "voices.csv").write_text("path,speaker,emotion\n" + "".join(rows))
    with pytest.MonkeyPatch.context() as patch, opened(folder, patch) as instance:
        platform = Platform(folder, instance)
        for number, take in enumerate(takes):
            platform.record(f"{' '.join(take)}.wav", hertz=100 + 7 * number)
        platform.materialize(*EVERYTHING)
    return folder


@pytest.fixture
def platform(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Platform]:
    folder = Path(shutil.copytree(made, tmp_path / "copy"))
    with opened(folder, monkeypatch) as instance:
        yield Platform(folder, instance)


def all_of(asset: str) -> set[str]:
    return {f"{asset} {speaker}" for speaker in SPEAKERS}


def test_nothing_is_stale_after_everything_was_made_nor_after_some_of_it_was_made_again(platform: Platform) -> None:
    assert platform.stale == set()
    platform.materialize("raw_videos", "champion_model", speakers=("Ann", "Bob"))
    assert platform.stale == set()
    versions = [platform.version(asset) for asset in (FOREST, *REPORT)]
    platform.materialize(FOREST, *REPORT)
    assert platform.stale == set()
    assert [platform.version(asset) for asset in (FOREST, *REPORT)] == versions


def test_a_recording_that_changes_marks_what_is_made_of_its_speaker_step_by_step(platform: Platform) -> None:
    platform.record("Ann joy 1.wav", hertz=333)
    platform.materialize("raw_videos")
    assert platform.stale == {"mono_audio Ann"}
    platform.materialize("mono_audio")
    assert platform.stale == {"trimmed_audio Ann"}
    platform.materialize("trimmed_audio", "augmented_set", "features", speakers=("Ann", "Bob"))
    assert platform.stale == {FOREST}
    platform.materialize(FOREST)
    assert platform.stale == {"metrics_report"}
    platform.materialize("metrics_report")
    assert platform.stale == {"champion_model"}
    platform.materialize("champion_model")
    assert platform.stale == set()


def test_a_label_that_changes_marks_the_clips_of_its_speaker(platform: Platform) -> None:
    platform.relabel("Bob joy 1.wav", "rage")
    platform.materialize("raw_videos")
    assert platform.stale == {"mono_audio Bob"}


def test_a_speaker_who_leaves_takes_along_what_was_trained(platform: Platform) -> None:
    platform.remove("Cy")
    platform.materialize("raw_videos")
    assert platform.stale == {FOREST, *REPORT}
    platform.materialize(FOREST, *REPORT)
    assert platform.stale == set()


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("SER_TRIM_TOP_DB", "25", all_of("trimmed_audio")),
        ("SER_SPEED_PERTURBATION", "0.92", all_of("augmented_set")),
        ("SER_SEED", "7", {FOREST, *REPORT}),
        ("SER_FOLD_SCHEMES", "groups5", {FOREST}),
        ("SER_FRESH_DAYS", "7", set()),
    ],
)
def test_a_setting_marks_what_obeys_it(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, expected: set[str]
) -> None:
    monkeypatch.setenv(variable, value)
    assert platform.stale == expected


def test_clips_made_with_another_setting_mark_those_that_are_made_from_them(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_TRIM_TOP_DB", "25")
    platform.materialize("trimmed_audio", speakers=("Ann", "Bob"))
    assert platform.stale == {"trimmed_audio Cy", "augmented_set Ann", "augmented_set Bob"}


def test_a_model_with_other_settings_marks_everything_downstream(platform: Platform) -> None:
    platform.forest = SMALL | {"n_estimators": 16}
    platform.materialize(FOREST)
    assert platform.stale == {"metrics_report"}
    platform.materialize("metrics_report")
    assert platform.stale == {"champion_model"}
    platform.materialize("champion_model")
    assert platform.stale == set()
