"""A corpus class and its entry in the registry are all that a new corpus needs."""

import dagster as dg
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from ser_assets.chosen_corpus import corpus_of
from ser_assets.cli import main
from ser_assets.corpus.interface import Entry, Listing, Take, name_of
from ser_assets.corpus.registry import CORPORA
from ser_assets.definitions import build_definitions
from ser_assets.settings import Settings
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.media import voice, write_wav
from ser_assets_tests.factories.stored_data import SETS
from ser_assets_tests.factories.toy_corpus import ToyCorpus


@pytest.fixture
def toy(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The toy corpus in the registry, its recordings, and the settings that name it."""
    monkeypatch.setitem(CORPORA, "toy", ToyCorpus)
    for number, speaker in enumerate(ToyCorpus.actors):
        for emotion in ToyCorpus.emotions:
            tone = voice(0.6, hertz=120 + 40 * number + 10 * len(emotion), rate=16000, seed=len(emotion) + 9 * number)
            write_wav(settings.raw_dir / f"{speaker}_{emotion}_1.wav", tone, 16000)
    return Settings(corpus="toy", speed_perturbation=())


def test_its_first_published_folds_are_the_default_and_others_can_be_chosen(toy: Settings) -> None:
    assert toy.fold_schemes == ("each",)
    assert Settings(corpus="toy", fold_schemes=("loso", "each")).fold_schemes == ("each", "loso")


def test_its_speakers_are_the_partitions_and_its_name_is_in_each_row(toy: Settings) -> None:
    definitions = build_definitions(toy)
    asset = definitions.resolve_asset_graph().get(dg.AssetKey("features"))
    assert asset.partitions_def is not None
    assert asset.partitions_def.get_partition_keys() == list(ToyCorpus.actors)
    job = definitions.resolve_job_def("prepare_features")
    tags = {"dagster/asset_partition_range_start": "anna", "dagster/asset_partition_range_end": "ben"}
    assert job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), tags=tags).success
    examples = load_examples(Warehouse(toy.corpus_dir), toy, SETS)
    assert examples.emotions == corpus_of(toy).emotions
    assert set(examples.rows["corpus"]) == {"toy"}


def test_a_corpus_that_is_not_in_the_registry_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValidationError, match="'tess' is no corpus; there are ravdess, table"):
        Settings(corpus="tess")


class EveryoneHasTakeOne(ToyCorpus):
    """Its ids of takes leave out the speaker."""

    def listing(self) -> Listing:
        """List the recordings."""
        entries: dict[str, list[Entry]] = {actor: [] for actor in self.actors}
        for path in sorted(self.root.rglob("*_*_*.wav")):
            speaker, emotion, number = path.stem.split("_")
            take = Take(f"{emotion}_{number}", speaker, emotion)
            entries[speaker].append(Entry(path, name_of(path, self.root), speaker, take))
        return Listing(entries)


@pytest.mark.parametrize("command", ["doctor", "run"])
def test_one_take_id_of_two_actors_is_refused_with_both_and_the_remedy(
    toy: Settings, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setitem(CORPORA, "toy", EveryoneHasTakeOne)
    monkeypatch.setenv("SER_CORPUS", "toy")
    result = CliRunner().invoke(main, [command])
    assert result.exit_code == 1
    told = " ".join(result.output.split())
    assert "Error: corpus toy: several actors have a take of one take_id (anger_1 of anna, ben; joy_1 of" in told
    assert "put the actor into the take_id" in told
    assert not (toy.corpus_dir / "ser.duckdb").exists()


def test_the_inventory_refuses_it_too(toy: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CORPORA, "toy", EveryoneHasTakeOne)
    job = build_definitions(toy).resolve_job_def("prepare_features")
    tags = {"dagster/asset_partition_range_start": "anna", "dagster/asset_partition_range_end": "ben"}
    result = job.execute_in_process(instance=dg.DagsterInstance.ephemeral(), tags=tags, raise_on_error=False)
    failure = result.failure_data_for_node("raw_videos").user_failure_data
    assert failure is not None
    assert "several actors have a take of one take_id" in str(failure.description)
