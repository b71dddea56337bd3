"""The asset `embeddings` on a corpus of a few sung takes, its checks, and what is learned from it."""

import dataclasses
import hashlib
import shutil
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.definitions import build_definitions
from ser_assets.encoders.names import EMBEDDED
from ser_assets.encoders.whisper_onnx import whisper_onnx
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.tables import EMBEDDINGS, RAW_VIDEOS, records
from ser_assets.storage.training_inputs import training_fingerprint
from ser_assets.storage.training_set import FeaturesMissingError, load_examples
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.media import A_PICTURE, voice, write_wav
from ser_assets_tests.factories.whisper import tiny_whisper, write_ctranslate2

ALL_THE_SAME = (
    f"UPDATE {EMBEDDINGS} SET mean = (SELECT first(mean ORDER BY take_id) FROM {EMBEDDINGS}), "
    f"deviation = (SELECT first(deviation ORDER BY take_id) FROM {EMBEDDINGS})"
)
ALL_SHIFTED = f"UPDATE {EMBEDDINGS} SET mean = list_transform(mean, lambda x: list_transform(x, lambda y: y + 1))"
CHAIN = ("raw_videos", "mono_audio", "trimmed_audio", "augmented_set", "features", "embeddings")


@pytest.fixture(scope="module")
def sung(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the takes of two actors, from recordings to embeddings."""
    folder = tmp_path_factory.mktemp("sung")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ser_assets.reporting.figures.thumbnails.clip_strip", lambda *_: A_PICTURE)
        settings = settings_of(folder)
        for actor in ("01", "02"):
            for number, _ in enumerate(EMOTIONS, start=1):
                sound = voice(0.8, hertz=100 + 10 * number + int(actor), seed=10 * number + int(actor))
                write_wav(settings.raw_dir / f"Actor_{actor}/03-01-{number:02d}-01-01-01-{actor}.wav", sound)
        result = materialize(settings, *CHAIN)
        assert result.success, result.failures
        assert all(passed for name, passed in result.checks.items() if name != "takes_per_actor")
    return folder


@pytest.fixture
def settings(sung: Path, tmp_path: Path) -> Settings:
    """The same in a folder of the test's own."""
    shutil.copytree(sung, tmp_path / "data")
    return settings_of(tmp_path / "data")


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.onnx"
    path.write_bytes(whisper_onnx(tiny_whisper(), {"encoder": "tiny"}, int8=False))
    return path


def settings_of(folder: Path, **changed: object) -> Settings:
    return Settings(**{"data_dir": folder, "workers": 1, "speed_perturbation": (0.9,), "extra_copies": 1, **changed})


@dataclasses.dataclass
class NoSettings:
    """Settings of a model that has none."""


class Result:
    """How a run ended, and which checks passed."""

    def __init__(self, ran: dg.ExecuteInProcessResult) -> None:
        self.success = ran.success
        failed = (event for event in ran.all_events if event.is_failure)
        self.failures = [f"{event.message} {event.event_specific_data}" for event in failed]
        self.checks = {check.check_name: check.passed for check in ran.get_asset_check_evaluations()}


def materialize(settings: Settings, *assets: str) -> Result:
    job = build_definitions(settings).resolve_job_def("prepare_features")
    return Result(
        job.execute_in_process(
            instance=dg.DagsterInstance.ephemeral(),
            asset_selection=[dg.AssetKey(name) for name in assets],
            tags={"dagster/asset_partition_range_start": "01", "dagster/asset_partition_range_end": "02"},
            raise_on_error=False,
        )
    )


def check(settings: Settings, name: str) -> dg.AssetCheckEvaluation:
    """Run one check alone on what is stored."""
    selection = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey("embeddings"), name))
    job = dg.define_asset_job("check", selection)
    definitions = build_definitions(settings)
    bound = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job])).resolve_job_def("check")
    ran = bound.execute_in_process(instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
    [found] = ran.get_asset_check_evaluations()
    return found


def rows(settings: Settings) -> list[dict]:
    return records(Warehouse(settings.corpus_dir), EMBEDDINGS, "true ORDER BY actor, take_id, variant")


def spoiled(settings: Settings, statement: str) -> None:
    with Warehouse(settings.corpus_dir).writing() as connection:
        connection.execute(statement)


def test_takes_and_copies_in_other_voices_are_embedded_and_noisy_copies_are_not(settings: Settings) -> None:
    found = rows(settings)
    assert {(row["actor"], row["voice"]) for row in found} == {
        (actor, name) for actor in ("01", "02") for name in (actor, f"{actor} at 0.9")
    }
    assert sum(row["variant"] == 0 for row in found) == 16
    assert {(row["encoder"], row["encoder_sha256"]) for row in found} == {tuple(EMBEDDED)}
    assert all(row["layers"] == [1, 2, 3, 4] and np.shape(row["mean"]) == (4, 384) for row in found)


def test_a_second_run_embeds_nothing_again(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_assets.encoders.encoder.Encoder.embed", _must_not_run)
    files = ActorFiles(settings.corpus_dir)
    before = files.path("embeddings", "01").read_bytes()
    ran = materialize(settings, "embeddings")
    assert files.path("embeddings", "01").read_bytes() == before
    assert not [failure for failure in ran.failures if "embedded_alone" not in failure]


def test_another_encoder_embeds_all_again(settings: Settings, tiny: Path) -> None:
    other = settings_of(settings.data_dir, encoder=str(tiny))
    ran = materialize(other, "embeddings")
    assert ran.success
    digest = hashlib.sha256(tiny.read_bytes()).hexdigest()
    assert {(row["encoder"], row["encoder_sha256"]) for row in rows(other)} == {("tiny", digest)}
    assert load_examples(Warehouse(other.corpus_dir), other, ["embeddings"])["embeddings"].encoder.name == "tiny"


def test_embeddings_of_another_encoder_are_refused_by_name(settings: Settings, tiny: Path) -> None:
    other = settings_of(settings.data_dir, encoder=str(tiny))
    assert not check(other, "one_encoder").passed
    message = r"embeddings of actors 01, 02 are of whisper-tiny.en \(4aca238d777f\), and SER_ENCODER names"
    with pytest.raises(FeaturesMissingError, match=message):
        load_examples(Warehouse(other.corpus_dir), other, ["embeddings"])


BESIDE_REAL_TAKES = f"UPDATE {RAW_VIDEOS} SET demo = actor = '01'"
REPLACED = f"UPDATE {RAW_VIDEOS} SET audio_hash = 'of the new recording' WHERE actor = '01'"


@pytest.mark.parametrize("unusable", [BESIDE_REAL_TAKES, REPLACED])
def test_embeddings_of_takes_that_training_leaves_out_may_be_of_another_encoder(
    settings: Settings, unusable: str
) -> None:
    spoiled(settings, f"UPDATE {EMBEDDINGS} SET encoder_sha256 = 'other', mean = [[NULL]] WHERE actor = '01'")
    assert not check(settings, "one_encoder").passed
    spoiled(settings, unusable)
    assert all(check(settings, name).passed for name in ("one_encoder", "finite_embeddings", "embedded_alone"))
    examples = load_examples(Warehouse(settings.corpus_dir), settings, ["embeddings"])
    assert examples.actors == ("02",)
    assert tuple(examples["embeddings"].encoder) == tuple(EMBEDDED)


def test_takes_without_any_embedding_are_named(settings: Settings) -> None:
    spoiled(settings, f"DELETE FROM {EMBEDDINGS}")
    with pytest.raises(FeaturesMissingError, match="16 takes have no embedding"):
        load_examples(Warehouse(settings.corpus_dir), settings, ["embeddings"])


def test_an_encoder_that_is_not_there_is_named(settings: Settings, tmp_path: Path) -> None:
    missing = settings_of(settings.data_dir, encoder=str(tmp_path / "gone.onnx"))
    [failure, *_] = [each for each in materialize(missing, "embeddings").failures if "gone.onnx" in each]
    assert "gone.onnx does not exist: set SER_ENCODER" in failure


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("finite_embeddings", f"UPDATE {EMBEDDINGS} SET mean = [[NULL]] WHERE actor = '01'"),
        ("finite_embeddings", f"UPDATE {EMBEDDINGS} SET mean = mean[1:2] WHERE actor = '01'"),
        ("one_encoder", f"UPDATE {EMBEDDINGS} SET encoder_sha256 = 'other' WHERE actor = '01'"),
        ("embedded_once", ALL_THE_SAME),
        ("embedded_alone", ALL_SHIFTED),
    ],
)
def test_a_planted_fault_is_found(settings: Settings, name: str, statement: str) -> None:
    assert check(settings, name).passed
    spoiled(settings, statement)
    assert not check(settings, name).passed


def test_a_noisy_copy_has_no_embedding_and_no_model_learns_from_it(settings: Settings) -> None:
    examples = load_examples(Warehouse(settings.corpus_dir), settings, ["embeddings"])
    noisy = (examples.rows["variant"] > 0) & (examples.rows["voice"] == examples.rows["actor"])
    assert np.array_equal(examples["embeddings"].present, ~noisy.to_numpy())
    assert len(examples.having("embeddings")) == (~noisy).sum()


def test_the_values_are_those_of_the_table(settings: Settings) -> None:
    examples = load_examples(Warehouse(settings.corpus_dir), settings, ["embeddings"])
    own = examples["embeddings"]
    stored = {(row["take_id"], row["variant"]): row for row in rows(settings)}
    for place, (take_id, variant) in enumerate(examples.rows[["take_id", "variant"]].itertuples(index=False)):
        if own.present[place]:
            row = stored[take_id, variant]
            assert own.values[place, own.names.index("layer_03_deviation_5")] == np.float32(row["deviation"][2][5])


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (f"DROP TABLE {EMBEDDINGS}", "no embeddings in .* materialize embeddings"),
        (f"DELETE FROM {EMBEDDINGS} WHERE actor = '02' AND variant = 0", "8 takes have no embedding"),
        (f"UPDATE {EMBEDDINGS} SET audio_hash = 'another' WHERE actor = '01'", "or one of another recording"),
        (f"UPDATE {EMBEDDINGS} SET recipe = 'old' WHERE actor = '01'", "embeddings of actors 01 were made with other"),
    ],
)
def test_what_does_not_fit_the_features_is_refused(settings: Settings, statement: str, message: str) -> None:
    spoiled(settings, statement)
    with pytest.raises(FeaturesMissingError, match=message):
        load_examples(Warehouse(settings.corpus_dir), settings, ["embeddings"])


def test_a_model_is_outdated_when_its_embeddings_are_and_others_are_not(settings: Settings) -> None:
    def fingerprints() -> dict[str, str]:
        names = ("random_forest", "pretrained_encoder")
        warehouse = Warehouse(settings.corpus_dir)
        return {name: training_fingerprint(name, NoSettings(), settings, warehouse) for name in names}

    before = fingerprints()
    spoiled(settings, f"UPDATE {EMBEDDINGS} SET input_fingerprint = 'new' WHERE actor = '01'")
    after = fingerprints()
    assert after["random_forest"] == before["random_forest"]
    assert after["pretrained_encoder"] != before["pretrained_encoder"]


def test_without_an_encoder_neither_asset_nor_model_is_there(settings: Settings) -> None:
    without = settings_of(settings.data_dir, encoder="none")
    graph = build_definitions(without).resolve_asset_graph()
    names = {key.to_user_string() for key in graph.materializable_asset_keys}
    assert {"embeddings", "pretrained_encoder"}.isdisjoint(names)
    parents = {key.to_user_string() for key in graph.get(dg.AssetKey("ensemble")).parent_keys}
    assert parents == {"random_forest", "neural_network", "cnn", "complex_cnn"}
    with pytest.raises(FeaturesMissingError, match="SER_ENCODER=none"):
        load_examples(Warehouse(without.corpus_dir), without, ["embeddings"])


def _must_not_run(*_: object) -> None:
    raise AssertionError("nothing has changed")


def test_an_encoder_that_was_trained_on_the_corpus_is_refused(settings: Settings, tmp_path: Path) -> None:
    seen = tmp_path / "seen.onnx"
    name = "ehcalabres/wav2vec2-lg-xlsr-en-speech-emotion-recognition"
    seen.write_bytes(whisper_onnx(tiny_whisper(), {"encoder": name}, int8=False))
    [failure, *_] = materialize(settings_of(settings.data_dir, encoder=str(seen)), "embeddings").failures
    assert f"{name} was trained on recordings of ravdess" in failure


def test_an_encoder_is_made_once_of_a_folder_with_whisper(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "whisper-own"
    folder.mkdir()
    write_ctranslate2(tiny_whisper(), folder / "model.bin")
    own = settings_of(settings.data_dir, encoder=str(folder))
    assert materialize(own, "embeddings").success
    [made] = (settings.data_dir / "encoders").glob("*.onnx")
    assert {row["encoder"] for row in rows(own)} == {"whisper-own"}
    assert {row["encoder_sha256"] for row in rows(own)} == {hashlib.sha256(made.read_bytes()).hexdigest()}
