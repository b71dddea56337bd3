"""From recordings to features, on a corpus of a few sung takes."""

import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import dagster as dg
import pytest

from ser_assets.assets import clip_steps
from ser_assets.assets.by_actor.partitions import BY_ACTOR
from ser_assets.corpus import inventory
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.definitions import build_definitions
from ser_assets.orchestration import runner
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.tables import FEATURES, MEL_SEQUENCES, RAW_VIDEOS, actors_with_takes, records
from ser_assets.storage.training_set import FeaturesMissingError, load_examples
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.media import draw_nothing, voice, write_wav
from ser_assets_tests.factories.stored_data import SETS

CHAIN = ["raw_videos", "mono_audio", "trimmed_audio", "augmented_set", "features"]


def sing(settings: Settings, actor: str, repetitions: int = 1) -> None:
    """Write one normal neutral take, and so many of each other emotion, for an actor."""
    for number, emotion in enumerate(EMOTIONS, start=1):
        for repetition in range(1, 2 if emotion == "neutral" else repetitions + 1):
            seed = 100 * int(actor) + 10 * number + repetition
            samples = voice(0.8, hertz=100 + 10 * number + int(actor), seed=seed)
            write_wav(
                settings.raw_dir / f"Actor_{actor}/03-01-{number:02d}-01-01-{repetition:02d}-{actor}.wav", samples
            )


def materialize(
    settings: Settings, first: str, last: str, instance: dg.DagsterInstance, assets: list[str] = CHAIN
) -> dg.ExecuteInProcessResult:
    job = build_definitions(settings).resolve_job_def("prepare_features")
    return job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey(name) for name in assets],
        tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
        raise_on_error=False,
    )


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


@pytest.fixture
def pictures() -> None:
    """Have the pictures of clips drawn."""


@pytest.fixture(autouse=True)
def _without_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw only where a test asks for `pictures`: they take as long as all the rest."""
    if "pictures" not in request.fixturenames:
        draw_nothing(monkeypatch)


@pytest.fixture
def warehouse(settings: Settings) -> Warehouse:
    return Warehouse(settings.corpus_dir)


@pytest.fixture(scope="module")
def _sung_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a take of each emotion from actors 01 and 02, from recordings to features."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("sung"), workers=1)
    for actor in ("01", "02"):
        sing(settings, actor)
    with pytest.MonkeyPatch.context() as patch:
        draw_nothing(patch)
        assert materialize(settings, "01", "02", dg.DagsterInstance.ephemeral()).success
    return settings.data_dir


@pytest.fixture
def sung(_sung_once: Path, settings: Settings) -> Settings:
    """Settings whose data folder is a copy of it. Its recordings are files that no run has read yet."""
    shutil.copytree(_sung_once, settings.data_dir)
    return settings


def statuses(instance: dg.DagsterInstance, asset: str) -> dict[str, str]:
    keys = BY_ACTOR.get_partition_keys()
    found = instance.get_status_by_partition(dg.AssetKey(asset), keys, BY_ACTOR) or {}
    return {actor: status.value for actor, status in found.items() if status}


def test_one_run_takes_a_range_of_actors_from_recordings_to_features(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    for actor in ("01", "02"):
        sing(settings, actor, repetitions=2)
    assert materialize(settings, "01", "02", instance).success
    assert len(records(warehouse, RAW_VIDEOS, "status = 'accepted'")) == 30
    rows = records(warehouse, FEATURES, "true", columns=["actor", "emotion", "voice", "transform"])
    assert len(rows) == 2 * 8 * 2 * 3
    balancing = [row for row in rows if row["transform"] not in (None, "speed")]
    assert {(row["actor"], row["emotion"]) for row in balancing} == {("01", "neutral"), ("02", "neutral")}
    assert all(row["voice"] == row["actor"] for row in balancing)
    mels = records(warehouse, MEL_SEQUENCES, "true", columns=["frames", "bands", "len(mel) AS size"])
    assert all(row["frames"] * row["bands"] == row["size"] for row in mels)
    assert statuses(instance, "features") == {"01": "MATERIALIZED", "02": "MATERIALIZED"}


def test_every_take_is_also_heard_as_other_speakers(settings: Settings, instance: dg.DagsterInstance) -> None:
    sing(settings, "07", repetitions=2)
    assert materialize(settings, "07", "07", instance, CHAIN[:4]).success
    labels = ActorFiles(settings.corpus_dir).labels("augmented_set", "07")
    spoken = labels[labels["transform"].isna() | (labels["transform"] == "speed")]
    assert len(spoken) == 15 * 3
    voices = {0: "07", 1: "07 at 0.92", 2: "07 at 1.09"}
    assert (spoken["voice"] == spoken["variant"].map(voices)).all()
    seconds = spoken.pivot(index="take_id", columns="variant", values="seconds")
    assert (seconds[0] / seconds[1]).between(0.919, 0.921).all()
    assert (seconds[0] / seconds[2]).between(1.089, 1.091).all()
    assert (labels["emotion"].value_counts() == 2 * 3).all()
    assert ActorFiles(settings.corpus_dir).labels("trimmed_audio", "07")["voice"].eq("07").all()


def test_without_other_voices_there_are_only_the_copies_that_balance(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    sing(settings, "01", repetitions=2)
    monkeypatch.setenv("SER_SPEED_PERTURBATION", "none")
    assert materialize(Settings(), "01", "01", instance, CHAIN[:4]).success
    labels = ActorFiles(settings.corpus_dir).labels("augmented_set", "01")
    assert len(labels) == 8 * 2
    assert (labels["voice"] == "01").all()


def test_a_second_run_does_nothing_twice(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    sing(settings, "01")
    # A file that changed a tick of the clock ago is hashed again.
    time.sleep(inventory.COARSE_TICK_NS / 1e9)
    assert materialize(settings, "01", "01", instance).success
    files = {path: path.read_bytes() for path in settings.data_dir.rglob("actor_01.*")}
    assert len(files) == 7

    def only_nothing(_function: object, items: Iterable[object], *_: object, **__: object) -> Iterator[None]:
        assert not list(items), "done twice"
        return iter(())

    monkeypatch.setattr("ser_assets.assets.by_actor.partitions.outcomes_in_workers", only_nothing)
    assert materialize(settings, "01", "01", instance).success
    assert {path: path.read_bytes() for path in files} == files


@pytest.mark.usefixtures("pictures")
def test_making_it_all_again_gives_the_same_bytes(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    sing(settings, "01", repetitions=2)
    assert materialize(settings, "01", "01", instance).success
    files = {path: path.read_bytes() for path in settings.data_dir.rglob("actor_01.*")}
    features = records(warehouse, FEATURES, "true ORDER BY take_id, variant")
    for path in [*files, warehouse.path]:
        path.unlink()
    assert materialize(settings, "01", "01", instance).success
    assert {path: path.read_bytes() for path in files} == files
    assert records(warehouse, FEATURES, "true ORDER BY take_id, variant") == features


def input_fingerprint(warehouse: Warehouse) -> dict[str, str]:
    rows = records(warehouse, FEATURES, "true", columns=["take_id", "input_fingerprint"])
    return {row["take_id"]: row["input_fingerprint"] for row in rows}


def test_only_what_has_changed_is_decoded_trimmed_augmented_and_measured_again(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    for actor in ("01", "02"):
        sing(settings, actor)
    assert materialize(settings, "01", "02", instance).success
    before = input_fingerprint(warehouse)
    changed = settings.raw_dir / "Actor_01/03-01-03-01-01-01-01.wav"
    clips_of_the_other = settings.corpus_dir / "mono_audio/actor_02.parquet"
    written = clips_of_the_other.stat()
    write_wav(changed, voice(1.1, hertz=333))
    worked_on: Counter[str] = Counter()
    for step in ("trimmed_clip", "perturb_speed", "extract_features"):
        function = getattr(clip_steps, step)

        def counted(*arguments: object, _step: str = step, _function: object = function, **named: object) -> object:
            worked_on[_step] += 1
            return _function(*arguments, **named)  # type: ignore[operator]

        monkeypatch.setattr(clip_steps, step, counted)
    run = materialize(settings, "01", "02", instance)
    assert run.success
    read = [each.metadata["files read again"].value for each in run.asset_materializations_for_node("raw_videos")]
    assert sorted(read) == [0, 1]
    assert clips_of_the_other.stat() == written
    after = input_fingerprint(warehouse)
    assert {take_id for take_id in after if after[take_id] != before[take_id]} == {"01-03-01-01-01-01"}
    assert worked_on == {"trimmed_clip": 1, "perturb_speed": 2, "extract_features": 3}


def test_features_at_rest_fill_a_database_that_was_lost_and_nothing_is_measured_again(
    sung: Settings, instance: dg.DagsterInstance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = records(warehouse, FEATURES, "true ORDER BY take_id, variant")
    warehouse.path.unlink()

    def measured_again(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(clip_steps, "extract_features", measured_again)
    assert materialize(sung, "01", "02", instance).success
    assert records(warehouse, FEATURES, "true ORDER BY take_id, variant") == before


def test_a_picture_that_is_not_there_is_drawn_by_the_next_run(sung: Settings, instance: dg.DagsterInstance) -> None:
    picture = ActorFiles(sung.corpus_dir).picture_path("trimmed_audio", "01")
    picture.unlink()
    assert materialize(sung, "01", "01", instance).success
    assert picture.exists()


def test_a_changed_setting_is_obeyed_by_what_comes_after_it(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    sing(settings, "01", repetitions=2)
    assert materialize(settings, "01", "01", instance).success
    mono = ActorFiles(settings.corpus_dir).input_fingerprint("mono_audio", "01")
    monkeypatch.setenv("SER_EXTRA_COPIES", "1")
    assert materialize(Settings(), "01", "01", instance).success
    labels = ActorFiles(settings.corpus_dir).labels("augmented_set", "01")
    assert len(labels) == 8 * 2 * (1 + 2 + 1)
    assert (labels["emotion"].value_counts() == 2 * (1 + 2 + 1)).all()
    assert ActorFiles(settings.corpus_dir).input_fingerprint("mono_audio", "01") == mono


def reason_of_failure(result: dg.ExecuteInProcessResult) -> str:
    assert not result.success
    [failure] = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    return failure.user_failure_data.description


def skipped(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> list[str]:
    logged = [entry.user_message for entry in instance.all_logs(result.run_id)]
    return [message for message in logged if " skipped " in message]


def test_actors_without_recordings_are_skipped_and_the_others_go_on_to_features(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    for actor in ("01", "03"):
        sing(settings, actor)
    result = materialize(settings, "01", "24", instance)
    assert result.success
    for asset in CHAIN:
        assert statuses(instance, asset) == {"01": "MATERIALIZED", "03": "MATERIALIZED"}
    told = "22 of 24 actors, who have no recordings: 02, 04, 05, 06, 07, 08, 09, 10, 11, 12 and 12 more"
    assert skipped(instance, result) == [f"{asset} skipped {told}" for asset in CHAIN]


def test_an_actor_of_whom_everything_is_rejected_is_in_the_inventory_and_skipped_afterwards(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    sing(settings, "01")
    write_wav(settings.raw_dir / "Actor_02/03-02-03-01-01-01-02.wav", voice())
    result = materialize(settings, "01", "03", instance)
    assert result.success
    assert statuses(instance, "raw_videos") == {"01": "MATERIALIZED", "02": "MATERIALIZED"}
    assert statuses(instance, "features") == {"01": "MATERIALIZED"}
    [first, *others] = skipped(instance, result)
    assert first == "raw_videos skipped 1 of 3 actors, who have no recordings: 03"
    reasons = "who have no accepted take (table raw_videos): 02; who have no recordings: 03"
    assert others == [f"{asset} skipped 2 of 3 actors, {reasons}" for asset in CHAIN[1:]]


def test_clips_of_an_actor_of_whom_everything_is_rejected_now_are_not_worked_on(
    sung: Settings, instance: dg.DagsterInstance
) -> None:
    for path in (sung.raw_dir / "Actor_02").iterdir():
        path.write_bytes(b"broken")
    result = materialize(sung, "01", "02", instance, CHAIN[:3])
    assert result.success
    assert [event.partition for event in result.asset_materializations_for_node("trimmed_audio")] == ["01"]


@pytest.mark.parametrize(("first", "last", "whose"), [("02", "02", " of actor 02"), ("02", "05", "")])
def test_a_run_for_actors_of_whom_nothing_is_recorded_names_the_folder_and_the_command_that_fills_it(
    settings: Settings,
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    first: str,
    last: str,
    whose: str,
) -> None:
    sing(settings, "01")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SER_DATA_DIR", "data")
    for asset in ("raw_videos", "mono_audio", "features"):
        message = reason_of_failure(materialize(Settings(), first, last, instance, [asset]))
        assert f"no recordings{whose} under {tmp_path}/data/raw/" in message
        assert "ser-assets demo-corpus" in message
    assert set(statuses(instance, "raw_videos").values()) == {"FAILED"}


def test_an_actor_who_has_recordings_fails_as_long_as_what_is_upstream_is_missing(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    for actor in ("01", "02"):
        sing(settings, actor)
    assert materialize(settings, "01", "01", instance, ["raw_videos", "mono_audio"]).success
    told = reason_of_failure(materialize(settings, "01", "03", instance, ["mono_audio"]))
    assert "failed for 1 of 3 actors" in told
    assert "materialize raw_videos for 02 first" in told
    assert materialize(settings, "02", "02", instance, ["raw_videos"]).success
    told = reason_of_failure(materialize(settings, "01", "03", instance, ["trimmed_audio"]))
    assert "failed for 1 of 3 actors" in told
    assert "materialize mono_audio for 02 first" in told
    assert statuses(instance, "trimmed_audio")["01"] == "MATERIALIZED"


def test_a_recording_that_vanishes_is_named_with_the_remedy(settings: Settings, instance: dg.DagsterInstance) -> None:
    sing(settings, "01")
    assert materialize(settings, "01", "01", instance, ["raw_videos"]).success
    gone = settings.raw_dir / "Actor_01/03-01-03-01-01-01-01.wav"
    gone.unlink()
    result = materialize(settings, "01", "01", instance, ["mono_audio"])
    [failure] = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    assert str(gone) in failure.user_failure_data.description
    assert "materialize raw_videos for actor 01 again" in failure.user_failure_data.description
    assert not list(Path(settings.corpus_dir / "mono_audio").glob("*"))


def test_bad_files_are_listed_and_the_good_ones_go_on(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    sing(settings, "01", repetitions=2)
    (settings.raw_dir / "Actor_01/03-01-03-02-01-01-01.wav").write_bytes(b"broken")
    result = materialize(settings, "01", "01", instance)
    assert result.success
    [rejected] = records(warehouse, RAW_VIDEOS, "status = 'rejected'")
    assert "cannot be decoded" in rejected["reason"]
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert not checks["rejected_files"].passed
    assert checks["rejected_files"].severity == dg.AssetCheckSeverity.WARN
    assert not checks["takes_per_actor"].passed
    assert checks["emotions_balanced"].passed
    assert checks["no_missing_value"].passed
    metadata = result.asset_materializations_for_node("raw_videos")[0].metadata
    assert metadata["rejected files"].value == 1
    assert metadata["accepted takes"].value == 15


def test_a_clip_file_that_is_damaged_is_made_again_from_what_is_upstream(
    sung: Settings, instance: dg.DagsterInstance
) -> None:
    path = ActorFiles(sung.corpus_dir).path("trimmed_audio", "01")
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    assert materialize(sung, "01", "01", instance).success
    assert path.read_bytes() == whole


@pytest.mark.parametrize("mode", ["ends", "everywhere"])
def test_silence_is_cut_the_way_the_settings_say(
    settings: Settings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    sing(settings, "01")
    monkeypatch.setenv("SER_TRIM_MODE", mode)
    assert materialize(Settings(), "01", "01", instance, CHAIN[:3]).success
    seconds = ActorFiles(settings.corpus_dir).labels("trimmed_audio", "01")["seconds"]
    assert seconds.between(0.4, 0.65).all()


@pytest.mark.usefixtures("pictures")
def test_real_actors_are_balanced_and_measured_without_a_gap(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse, ravdess: Path
) -> None:
    settings.data_dir.mkdir()
    settings.raw_dir.symlink_to(ravdess)
    assert materialize(settings, "07", "07", instance).success
    labels = ActorFiles(settings.corpus_dir).labels("augmented_set", "07")
    assert labels["emotion"].value_counts().to_dict() == dict.fromkeys(EMOTIONS, 8 * 3)
    assert labels["take_id"].nunique() == 59
    assert len(records(warehouse, FEATURES, "true", columns=["take_id"])) == 64 * 3


def test_the_others_go_on_when_an_actor_has_no_take_that_can_be_used(
    settings: Settings, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    sing(settings, "01")
    sing(settings, "03")
    write_wav(settings.raw_dir / "Actor_02/03-02-03-01-01-01-02.wav", voice())
    everything_but_models = runner.INVENTORY | runner.CLIPS | runner.FEATURES
    monkeypatch.setattr(runner, "EVERYTHING", everything_but_models)
    monkeypatch.setattr(runner, "REPORT", "features")
    monkeypatch.chdir(settings.data_dir)
    definitions = build_definitions(settings)
    refreshed = runner.refresh(definitions, ["01", "02", "03"], lambda: actors_with_takes(warehouse))
    assert refreshed.finished
    assert refreshed.failures == ["left out, without an accepted take (table raw_videos): actors 02"]
    assert {row["actor"] for row in records(warehouse, FEATURES, "true")} == {"01", "03"}
    [song] = records(warehouse, RAW_VIDEOS, "actor = '02'")
    assert song["reason"] == "is song, not speech"


def test_features_made_with_other_settings_are_refused_by_actor(
    sung: Settings, instance: dg.DagsterInstance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(load_examples(warehouse, sung, SETS)) == 2 * 8 * 3
    monkeypatch.setenv("SER_SAMPLING_RATE", "16000")
    assert materialize(Settings(), "02", "02", instance).success
    with pytest.raises(FeaturesMissingError, match="features of actors 01 were made with other settings"):
        load_examples(warehouse, Settings(), SETS)
    with pytest.raises(FeaturesMissingError, match="features of actors 02 were made with other settings"):
        load_examples(warehouse, sung, SETS)


def test_features_alone_cannot_pass_old_clips_off_as_made_with_new_settings(
    sung: Settings, instance: dg.DagsterInstance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SER_SAMPLING_RATE", "16000")
    assert materialize(Settings(), "01", "02", instance, ["features"]).success
    with pytest.raises(FeaturesMissingError, match="features of actors 01, 02 were made with other settings"):
        load_examples(warehouse, Settings(), SETS)
    assert len(load_examples(warehouse, sung, SETS)) == 2 * 8 * 3


def test_the_demo_corpus_is_left_out_where_there_are_recordings_of_people(sung: Settings, warehouse: Warehouse) -> None:
    with warehouse.writing() as connection:
        connection.execute(f"UPDATE {RAW_VIDEOS} SET demo = true WHERE actor = '02'")
    assert load_examples(warehouse, sung, SETS).actors == ("01",)
    with warehouse.writing() as connection:
        connection.execute(f"UPDATE {RAW_VIDEOS} SET demo = true")
    assert load_examples(warehouse, sung, SETS).actors == ("01", "02")


def test_a_take_that_is_no_longer_accepted_is_not_learned_from(
    sung: Settings, instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    (sung.raw_dir / "Actor_01/03-01-03-01-01-01-01.wav").unlink()
    assert materialize(sung, "01", "01", instance, ["raw_videos"]).success
    assert "01-03-01-01-01-01" not in set(load_examples(warehouse, sung, SETS).rows["take_id"])


def test_an_actor_without_one_of_the_emotions_is_not_balanced(settings: Settings, instance: dg.DagsterInstance) -> None:
    sing(settings, "01")
    (settings.raw_dir / "Actor_01/03-01-01-01-01-01-01.wav").unlink()
    result = materialize(settings, "01", "01", instance, CHAIN[:4])
    checks = {check.check_name: check.passed for check in result.get_asset_check_evaluations()}
    assert not checks["emotions_balanced"]


def test_a_recording_replaced_after_the_inventory_is_not_decoded_under_the_old_label(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    sing(settings, "01")
    assert materialize(settings, "01", "01", instance, ["raw_videos"]).success
    happy = settings.raw_dir / "Actor_01/03-01-03-01-01-01-01.wav"
    happy.write_bytes((settings.raw_dir / "Actor_01/03-01-04-01-01-01-01.wav").read_bytes())
    failed = materialize(settings, "01", "01", instance, ["mono_audio"])
    assert not failed.success
    [failure] = [event.step_failure_data for event in failed.all_node_events if event.is_step_failure]
    reason = failure.user_failure_data.description
    assert "03-01-03-01-01-01-01.wav holds another recording" in reason
    assert "materialize raw_videos for actor 01 again" in reason


def test_a_partition_range_that_runs_backwards_is_refused(settings: Settings, instance: dg.DagsterInstance) -> None:
    sing(settings, "01")
    sing(settings, "02")
    failed = materialize(settings, "02", "01", instance, ["raw_videos"])
    assert not failed.success
    [failure] = [event.step_failure_data for event in failed.all_node_events if event.is_step_failure]
    assert failure.user_failure_data.description.startswith("the partition range names no actor")


def test_nothing_is_stored_of_a_speaker_who_was_forgotten_after_the_run_began(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    sing(settings, "01")
    sing(settings, "02")
    job = build_definitions(settings).resolve_job_def("prepare_features")
    settings.corpus_dir.mkdir(parents=True)
    (settings.corpus_dir / "forgotten.txt").write_text("2\n")
    result = job.execute_in_process(
        instance=instance,
        asset_selection=[dg.AssetKey("raw_videos")],
        tags={"dagster/asset_partition_range_start": "01", "dagster/asset_partition_range_end": "02"},
        raise_on_error=False,
    )
    [failure] = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    assert "02 was forgotten while this run was going on" in failure.user_failure_data.description
    assert {row["actor"] for row in records(warehouse, RAW_VIDEOS, "true")} == {"01"}
