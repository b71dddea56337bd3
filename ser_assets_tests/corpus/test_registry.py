"""A corpus class and its entry in the registry are all that a new corpus needs."""

import dagster as dg
import pytest
from pydantic import ValidationError

from ser_assets.chosen_corpus import corpus_of
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
