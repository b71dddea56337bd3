"""A platform on a table of sung takes, whose schedule is evaluated and whose runs are executed in this process."""

import csv
import dataclasses
from pathlib import Path

import dagster as dg
import pytest

from ser_assets.definitions import build_definitions
from ser_assets.learning.models import catalog
from ser_assets.learning.models.random_forest import RandomForest
from ser_assets.learning.models.settings import ForestSettings
from ser_assets.settings import Settings
from ser_assets_tests.factories.media import voice, write_wav

RATE = 16000
MODELS_FILE = """
[random_forest]
n_estimators = 5
validation_forests = 1
validation_trees = 5
[neural_network]
members = 1
epochs = 1
units = [4]
[cnn]
members = 1
epochs = 1
filters = [4]
[complex_cnn]
members = 1
epochs = 1
filters = [4]
"""


class SungPlatform:
    """A corpus of sung takes in a folder, what is made of it, and the history of its runs."""

    def __init__(self, folder: Path, instance: dg.DagsterInstance) -> None:
        self.folder = folder
        self.instance = instance

    def settings(self, **changed: object) -> Settings:
        return Settings(
            **{
                "data_dir": self.folder / "data",
                "corpus": "table",
                "corpus_table": self.folder / "voices.csv",
                "workers": 1,
                "speed_perturbation": (),
                "protocols": ("speaker_independent",),
                **changed,
            }
        )

    def record(self, speaker: str, emotion: str, take: int) -> Path:
        seed = 10 * take + len(emotion)
        tone = voice(0.6, hertz=120 + 40 * (emotion == "joy") + 10 * take + ord(speaker[0]), rate=RATE, seed=seed)
        return write_wav(self.folder / "clips" / f"{speaker}_{emotion}_{take}.wav", tone, RATE)

    def write_table(self, **relabelled: str) -> None:
        with (self.folder / "voices.csv").open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(["path", "speaker", "emotion"])
            for clip in sorted((self.folder / "clips").iterdir()):
                speaker, emotion, _ = clip.stem.split("_")
                rows.writerow([f"clips/{clip.name}", speaker, relabelled.get(clip.stem, emotion)])

    def tick(self, **changed: object) -> dg.RunRequest | str:
        settings = self.settings(**changed)
        definitions = build_definitions(settings)
        context = dg.build_schedule_context(self.instance, resources={"settings": settings})
        data = definitions.resolve_schedule_def("retraining").evaluate_tick(context)
        return data.run_requests[0] if data.run_requests else data.skip_message

    def run(self, request: dg.RunRequest) -> dg.ExecuteInProcessResult:
        job = build_definitions(self.settings()).resolve_job_def("full_refresh")
        return job.execute_in_process(instance=self.instance, tags=request.tags, raise_on_error=False)


def stand_in_for_networks(patch: pytest.MonkeyPatch) -> None:
    """Have forests of few trees trained under the names of the networks."""
    for network in ("neural_network", "cnn", "complex_cnn"):
        forest = dataclasses.replace(catalog.MODELS[network], implementation=f"{__name__}:{network}")
        patch.setitem(catalog.MODELS, network, forest)


def _small_forest(network: str) -> type[RandomForest]:
    """Make a stand-in for a network: a forest of few trees under its name, whatever its settings are."""

    def init(self: RandomForest, settings: object = None, seed: int = 42) -> None:
        few = (
            settings
            if isinstance(settings, ForestSettings)
            else ForestSettings(5, validation_forests=1, validation_trees=5)
        )
        RandomForest.__init__(self, few, seed)

    return type(network, (RandomForest,), {"__init__": init, "name": network})


neural_network, cnn, complex_cnn = map(_small_forest, ("neural_network", "cnn", "complex_cnn"))
