"""A tick of the schedule: it looks at corpus, settings and code, and runs only if something has to be made."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from ser_assets.assets.models import TRAIN_IF_CHANGED_TAG
from ser_assets.assets.training.turn import training_turn
from ser_assets.definitions import build_definitions
from ser_assets.orchestration.run_process import process_tag
from ser_assets.storage.tables import MODEL_SETTINGS, records
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.media import draw_nothing, voice, write_wav
from ser_assets_tests.factories.sung_platform import MODELS_FILE, RATE, SungPlatform, stand_in_for_networks

SPEAKERS = ("Ann", "Bob", "Eve")


@pytest.fixture(scope="module", autouse=True)
def _without_what_takes_long() -> Iterator[None]:
    """Train forests for networks, draw no pictures, and fit no model again to check it: that is tested elsewhere."""
    with pytest.MonkeyPatch.context() as patch:
        stand_in_for_networks(patch)
        patch.setattr("ser_assets.assets.model_checks._parts_that_saw_test_rows", lambda *_: [])
        draw_nothing(patch)
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SungPlatform]:
    """A platform whose first tick has trained everything."""
    with dg.instance_for_test() as instance:
        platform = SungPlatform(tmp_path_factory.mktemp("trained"), instance)
        for speaker in SPEAKERS:
            for emotion in ("joy", "fear"):
                for take in (1, 2):
                    platform.record(speaker, emotion, take)
        platform.write_table()
        (platform.folder / "data").mkdir()
        (platform.folder / "data" / "models.toml").write_text(MODELS_FILE)
        request = platform.tick()
        assert isinstance(request, dg.RunRequest)
        assert platform.run(request).success
        yield platform


@pytest.fixture
def platform(trained: SungPlatform, tmp_path: Path) -> SungPlatform:
    """A copy, to change something in."""
    shutil.copytree(trained.folder, tmp_path, dirs_exist_ok=True)
    return SungPlatform(tmp_path, trained.instance)


def reason(ticked: dg.RunRequest | str) -> str:
    assert isinstance(ticked, dg.RunRequest), ticked
    return str(ticked.tags["ser_assets/reason"])


def test_a_tick_without_any_change_skips_and_says_so(platform: SungPlatform) -> None:
    assert platform.tick() == "no recording, label, setting or code has changed since the last training"


def test_a_run_of_a_tick_is_for_all_speakers_and_trains_what_has_changed(platform: SungPlatform) -> None:
    platform.write_table(Ann_joy_1="fear", Ann_fear_1="joy")
    request = platform.tick()
    assert isinstance(request, dg.RunRequest)
    assert request.tags["dagster/asset_partition_range_start"] == "Ann"
    assert request.tags["dagster/asset_partition_range_end"] == "Eve"
    assert request.tags[TRAIN_IF_CHANGED_TAG] == "true"


def test_a_new_recording_is_noticed(platform: SungPlatform) -> None:
    platform.record("Bob", "joy", 3)
    platform.write_table()
    assert reason(platform.tick()) == "1 recording new, of 1 speaker"


def test_a_recording_with_other_content_is_noticed(platform: SungPlatform) -> None:
    write_wav(platform.folder / "clips" / "Bob_joy_1.wav", voice(0.7, hertz=300, rate=RATE), RATE)
    assert reason(platform.tick()) == "1 recording with other content, of 1 speaker"


def test_a_recording_that_was_copied_with_the_same_content_is_no_change(platform: SungPlatform) -> None:
    clip = platform.folder / "clips" / "Bob_joy_1.wav"
    content = clip.read_bytes()
    clip.unlink()
    clip.write_bytes(content)
    assert isinstance(platform.tick(), str)


def test_another_label_is_noticed(platform: SungPlatform) -> None:
    platform.write_table(Ann_joy_1="fear")
    assert reason(platform.tick()) == "1 recording with another label, of 1 speaker"


def test_recordings_that_left_the_corpus_are_counted_and_not_named(platform: SungPlatform) -> None:
    for clip in (platform.folder / "clips").glob("Bob_*"):
        clip.unlink()
    platform.write_table()
    assert reason(platform.tick()) == "4 recordings left the corpus"


def test_other_settings_of_features_are_noticed(platform: SungPlatform) -> None:
    ticked = platform.tick(trim_top_db=20.0)
    assert reason(ticked) == "features of 3 speakers made with other settings or by other code"


def test_another_seed_concerns_all_models(platform: SungPlatform) -> None:
    ticked = platform.tick(seed=7)
    assert reason(ticked) == (
        "random_forest, neural_network, cnn, complex_cnn, pretrained_encoder not trained on the present features, "
        "settings and code"
    )


def test_settings_of_a_model_in_the_file_concern_that_model(platform: SungPlatform) -> None:
    path = platform.folder / "data" / "models.toml"
    path.write_text(path.read_text().replace("n_estimators = 5", "n_estimators = 6", 1))
    assert reason(platform.tick()) == "random_forest not trained on the present features, settings and code"


def test_a_model_that_is_missing_is_noticed(platform: SungPlatform) -> None:
    shutil.rmtree(platform.settings().corpus_dir / "models" / "raw" / "cnn")
    assert reason(platform.tick()) == "cnn not trained on the present features, settings and code"


def test_a_report_that_is_older_than_the_models_is_noticed(platform: SungPlatform) -> None:
    with dg.instance_for_test() as instance:
        other = SungPlatform(platform.folder, instance)
        for name in ("metrics_report", "random_forest", "champion_model", "ensemble"):
            instance.report_runless_asset_event(dg.AssetMaterialization(name))
        assert reason(other.tick()) == "metrics_report is older than random_forest, ensemble"


def test_a_tick_skips_while_a_run_trains_and_names_it(platform: SungPlatform) -> None:
    platform.write_table(Ann_joy_1="fear")
    with dg.instance_for_test() as instance:
        job = build_definitions(platform.settings()).resolve_job_def("train_models")
        tags = {"ser_assets/process": process_tag()}
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
        ticked = SungPlatform(platform.folder, instance).tick()
    assert isinstance(ticked, str)
    assert ticked.startswith(f"a training is in progress: run {run.run_id} (train_models, started)")


def test_a_run_whose_process_is_gone_does_not_hold_up_a_tick(platform: SungPlatform) -> None:
    platform.write_table(Ann_joy_1="fear")
    with dg.instance_for_test() as instance:
        job = build_definitions(platform.settings()).resolve_job_def("train_models")
        gone = process_tag().rpartition(" ")[0] + " 1.00"
        tags = {"ser_assets/process": gone}
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
        assert isinstance(SungPlatform(platform.folder, instance).tick(), dg.RunRequest)
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.FAILURE


def test_a_tick_skips_while_another_process_trains_that_the_history_does_not_know(platform: SungPlatform) -> None:
    with training_turn(dg.build_asset_context(), platform.settings()):
        ticked = platform.tick()
    assert isinstance(ticked, str)
    assert ticked.startswith("a training is in progress: process ")


def test_a_tick_trains_only_models_for_which_something_has_changed(platform: SungPlatform) -> None:
    path = platform.folder / "data" / "models.toml"
    path.write_text(path.read_text().replace("n_estimators = 5", "n_estimators = 6", 1))
    request = platform.tick()
    assert isinstance(request, dg.RunRequest)
    kept = platform.settings().corpus_dir / "models" / "raw"
    before = {path: path.stat().st_mtime_ns for path in kept.rglob("*") if path.is_file()}
    result = platform.run(request)
    assert result.success
    written = {path.relative_to(kept).parts[0] for path, moment in before.items() if path.stat().st_mtime_ns != moment}
    assert written == {"random_forest", "ensemble"}
    rows = records(Warehouse(platform.settings().corpus_dir), MODEL_SETTINGS, "model = 'random_forest'")
    assert '"n_estimators": 6' in rows[0]["settings"]
    assert isinstance(platform.tick(), str)


def test_a_recording_that_cannot_be_used_is_looked_at_once_and_trains_no_model(platform: SungPlatform) -> None:
    (platform.folder / "clips" / "Bob_joy_9.wav").write_bytes(np.random.default_rng(1).bytes(2000))
    platform.write_table()
    request = platform.tick()
    assert reason(request) == "1 recording new, of 1 speaker"
    kept = platform.settings().corpus_dir / "models" / "raw"
    before = {path: path.stat().st_mtime_ns for path in kept.rglob("*.onnx")}
    assert platform.run(request).success
    assert before == {path: path.stat().st_mtime_ns for path in kept.rglob("*.onnx")}
    assert isinstance(platform.tick(), str)
