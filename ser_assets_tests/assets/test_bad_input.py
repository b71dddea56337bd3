"""Bad recordings, crashing decoders and damage at rest: named, and the rest goes on."""

import os
import signal
from pathlib import Path

import dagster as dg
import numpy as np
import pytest

from ser_assets.audio.features.extract import extract_features
from ser_assets.audio.pipeline import Preprocessing
from ser_assets.corpus import inventory
from ser_assets.corpus.raw_video import RawVideo
from ser_assets.serving.bundle import Measurement
from ser_assets.serving.predictor import MeasuredRecording, measure_recording
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.clips import clips_of
from ser_assets.storage.files import files_set_aside
from ser_assets.storage.tables import FEATURES, RAW_VIDEOS, records
from ser_assets.storage.training_set import FeaturesMissingError, load_examples
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.assets.test_corpus_assets import CHAIN, materialize, sing
from ser_assets_tests.factories.media import A_PICTURE, encode, voice, write_wav
from ser_assets_tests.factories.stored_data import SETS


@pytest.fixture
def instance() -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


@pytest.fixture(autouse=True)
def _without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ser_assets.reporting.figures.thumbnails.clip_strip", lambda *_: A_PICTURE)


@pytest.fixture
def warehouse(settings: Settings) -> Warehouse:
    return Warehouse(settings.corpus_dir)


def failure(result: dg.ExecuteInProcessResult) -> str:
    [failed] = [event.step_failure_data for event in result.all_node_events if event.is_step_failure]
    return str(failed.user_failure_data.description)


real_examine = inventory.inspect_recording


def examine_or_die(look: inventory.InspectionTask) -> RawVideo:
    """Die over one recording, as a library that crashes would have it."""
    if look.entry.path.stem == "03-01-03-01-01-01-01":
        os.kill(os.getpid(), signal.SIGKILL)
    return real_examine(look)


def test_a_recording_that_crashes_the_decoder_is_rejected_and_the_others_are_taken(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    sing(settings, "01")
    monkeypatch.setattr(inventory, "inspect_recording", examine_or_die)
    assert materialize(settings, "01", "01", instance, ["raw_videos"]).success
    [rejected] = records(warehouse, RAW_VIDEOS, "status = 'rejected'")
    assert (rejected["path"], rejected["problem"]) == ("Actor_01/03-01-03-01-01-01-01.wav", "crashes the decoder")
    monkeypatch.undo()
    monkeypatch.setenv("SER_DATA_DIR", str(settings.data_dir))
    assert materialize(settings, "01", "01", instance, ["raw_videos"]).success
    assert records(warehouse, RAW_VIDEOS, "status = 'rejected'") == []


def test_rejected_files_are_an_error_only_over_the_share_that_is_set(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    sing(settings, "01")
    for number in (1, 2):
        (settings.raw_dir / f"Actor_01/03-01-03-02-01-0{number}-01.wav").write_bytes(b"broken")
        write_wav(settings.raw_dir / f"Actor_01/02-01-03-02-01-0{number}-01.wav", voice())
    for most, severity in ((0.5, dg.AssetCheckSeverity.WARN), (0.1, dg.AssetCheckSeverity.ERROR)):
        strict = settings.model_copy(update={"max_rejected_share": most})
        result = materialize(strict, "01", "01", instance, ["raw_videos"])
        [check] = [each for each in result.get_asset_check_evaluations() if each.check_name == "rejected_files"]
        assert (check.passed, check.severity) == (False, severity)
        [row] = next(iter(check.metadata.values())).records
        assert row.data == {"actor": "01", "rejected": 2, "accepted": 8, "problems": "damaged"}


def test_one_recording_of_two_actors_is_taken_of_neither_until_one_is_removed(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    for actor in ("01", "02"):
        sing(settings, actor)
    ours = settings.raw_dir / "Actor_01/03-01-03-01-01-01-01.wav"
    theirs = settings.raw_dir / "Actor_02/03-01-03-01-01-01-02.wav"
    theirs.write_bytes(ours.read_bytes())
    assert materialize(settings, "01", "02", instance, ["raw_videos"]).success
    rejected = records(warehouse, RAW_VIDEOS, "status = 'rejected' ORDER BY actor")
    assert [row["problem"] for row in rejected] == ["one recording, two labels"] * 2
    assert "is the same recording as Actor_02/03-01-03-01-01-01-02.wav (happy, of 02)" in rejected[0]["reason"]
    theirs.unlink()
    assert materialize(settings, "02", "02", instance, ["raw_videos"]).success
    assert records(warehouse, RAW_VIDEOS, "status = 'rejected'") == []


def test_what_was_left_of_another_corpus_holds_up_nothing(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    lines = ["path,speaker,emotion"]
    for number, emotion in enumerate(("joy", "fear")):
        path = write_wav(settings.data_dir / f"own/{number}.wav", voice(hertz=120 + 20 * number))
        lines.append(f"{path},Ann,{emotion}")
    (settings.data_dir / "voices.csv").write_text("\n".join(lines))
    own = Settings(corpus="table", corpus_table=settings.data_dir / "voices.csv")
    assert materialize(own, "Ann", "Ann", instance).success
    sing(settings, "01")
    assert materialize(settings, "01", "01", instance).success
    assert load_examples(warehouse, settings, SETS).actors == ("01",)


def test_an_emotion_that_nobody_performs_any_more_is_none_to_be_told(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    table = settings.data_dir / "voices.csv"
    lines = ["path,speaker,emotion", "gone.wav,Ann,surprise"]
    for number, emotion in enumerate(("joy", "fear")):
        path = write_wav(settings.data_dir / f"own/{number}.wav", voice(hertz=120 + 20 * number))
        lines.append(f"{path},Ann,{emotion}")
    table.write_text("\n".join(lines))
    own = Settings(corpus="table", corpus_table=table)
    assert materialize(own, "Ann", "Ann", instance).success
    assert load_examples(Warehouse(own.corpus_dir), own, SETS).emotions == ("fear", "joy")
    table.write_text("\n".join(lines).replace(",joy", ",delight"))
    with pytest.raises(FeaturesMissingError, match=r"does not know any more \(joy\): materialize raw_videos"):
        load_examples(Warehouse(own.corpus_dir), own, SETS)


def test_rows_without_a_sure_label_reach_no_table(settings: Settings, instance: dg.DagsterInstance) -> None:
    labels = ["1,SEVİNÇ", "1,sevinç", "1,korku", "10,korku", "2,sevinç", "3,korku", "1,N/A", "1, 2,korku", "1,korku,x"]
    paths = [
        write_wav(settings.data_dir / f"own/{number}.wav", voice(hertz=100 + 12 * number))
        for number in range(len(labels))
    ]
    rows = [f"{path},{label}" for path, label in zip(paths, labels, strict=True)]
    (settings.data_dir / "voices.csv").write_text("\n".join(["path,speaker,emotion", *rows]))
    own = Settings(corpus="table", corpus_table=settings.data_dir / "voices.csv")
    assert materialize(own, "1", "3", instance, ["raw_videos"]).success
    accepted = records(Warehouse(own.corpus_dir), RAW_VIDEOS, "status = 'accepted' ORDER BY path")
    assert [(row["actor"], row["emotion"]) for row in accepted] == [
        ("1", "sevinç"),
        ("1", "sevinç"),
        ("1", "korku"),
        ("2", "sevinç"),
        ("3", "korku"),
    ]
    rejected = records(Warehouse(own.corpus_dir), RAW_VIDEOS, "status = 'rejected'")
    assert [(row["reason"], row["place"]) for row in rejected] == [("has no emotion ('N/A')", "line 8 of voices.csv")]
    assert materialize(own, "2", "10", instance, ["raw_videos"]).success
    assert {row["actor"] for row in records(Warehouse(own.corpus_dir), RAW_VIDEOS, "true")} == {"1", "2", "3", "10"}


def test_an_actor_who_is_no_longer_of_the_corpus_is_forgotten(settings: Settings, instance: dg.DagsterInstance) -> None:
    table = settings.data_dir / "voices.csv"
    lines = ["path,speaker,emotion"]
    for speaker in ("Ann", "Bob"):
        for number, emotion in enumerate(("joy", "fear")):
            path = write_wav(settings.data_dir / f"own/{speaker}{number}.wav", voice(hertz=120 + 20 * len(lines)))
            lines.append(f"{path},{speaker},{emotion}")
    own = Settings(corpus="table", corpus_table=table)
    table.write_text("\n".join(lines))
    assert materialize(own, "Ann", "Bob", instance, ["raw_videos"]).success
    table.write_text("\n".join(lines[:3]))
    assert materialize(own, "Ann", "Ann", instance, ["raw_videos"]).success
    assert {row["actor"] for row in records(Warehouse(own.corpus_dir), RAW_VIDEOS, "true")} == {"Ann"}


def spoil(path: Path) -> None:
    """Overwrite a stretch in the middle of a file."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)
    path.write_bytes(content)


@pytest.mark.parametrize("asset", ["mono_audio", "features"])
def test_a_damaged_file_of_an_actor_is_named_set_aside_and_made_anew(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse, asset: str
) -> None:
    sing(settings, "01")
    assert materialize(settings, "01", "01", instance).success
    files = {path: path.read_bytes() for path in settings.data_dir.rglob("actor_01.parquet")}
    rows = records(warehouse, FEATURES, "true ORDER BY ALL")
    path = ActorFiles(settings.corpus_dir).path(asset, "01")
    spoil(path)
    warehouse.path.unlink()
    for later in CHAIN[CHAIN.index(asset) + 1 :]:
        ActorFiles(settings.corpus_dir).path(later, "01").unlink()
    first = materialize(settings, "01", "01", instance)
    assert files_set_aside(settings.data_dir) == [path.with_name("actor_01.parquet.damaged-1")]
    if not first.success:
        assert f"{path} was damaged" in failure(first)
        assert materialize(settings, "01", "01", instance).success
    assert {path: path.read_bytes() for path in files} == files
    assert records(warehouse, FEATURES, "true ORDER BY ALL") == rows


def test_an_actor_whose_features_are_damaged_does_not_hold_up_the_others(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse
) -> None:
    for actor in ("01", "02"):
        sing(settings, actor)
    assert materialize(settings, "01", "02", instance).success
    spoil(ActorFiles(settings.corpus_dir).path("features", "01"))
    warehouse.path.unlink()
    result = materialize(settings, "01", "02", instance)
    assert "features failed for 1 of 2 actors:\nactor 01: ClipsDamagedError" in failure(result)
    assert {row["actor"] for row in records(warehouse, FEATURES, "true")} == {"02"}


def test_tracks_other_files_and_loud_events_are_told(
    settings: Settings, instance: dg.DagsterInstance, warehouse: Warehouse, capfd: pytest.CaptureFixture[str]
) -> None:
    sing(settings, "01")
    folder = settings.raw_dir / "Actor_01"
    film = folder / "01-01-03-02-01-01-01.mp4"
    encode(film, [np.zeros(48000, np.float32), voice(hertz=90)], "-c:a", "aac")
    speech = 0.01 * np.concatenate([voice(0.5, hertz=100 + 20 * number) for number in range(6)])
    beep = 0.9 * np.sin(2 * np.pi * 1000 * np.arange(19200) / 48000)
    write_wav(folder / "03-01-04-02-01-01-01.wav", np.concatenate([beep, speech]))
    (folder / "notes.txt").touch()
    result = materialize(settings, "01", "01", instance, CHAIN[:3])
    assert result.success
    assert "skipped 1 file that is no recording: .txt (1)" in capfd.readouterr().err
    [row] = records(warehouse, RAW_VIDEOS, "audio_tracks > 1")
    assert (row["path"], row["audio_track"]) == ("Actor_01/01-01-03-02-01-01-01.mp4", 2)
    of_raw, of_trimmed = (
        result.asset_materializations_for_node(name)[0].metadata for name in ("raw_videos", "trimmed_audio")
    )
    [told] = of_raw["several audio tracks"].records
    assert told.data == {"file": row["path"], "tracks": 2, "used": 2}
    assert of_trimmed["with a loud event"].value == 1
    labels = ActorFiles(settings.corpus_dir).labels("trimmed_audio", "01").set_index("take_id")
    assert labels.index[labels["loud_event"]].tolist() == ["01-04-02-01-01-01"]
    assert labels["seconds"]["01-04-02-01-01-01"] > 3.0


def test_training_and_prediction_trim_alike(settings: Settings, instance: dg.DagsterInstance) -> None:
    speech = 0.01 * np.concatenate([voice(0.5, hertz=100 + 20 * number) for number in range(6)])
    beep = 0.9 * np.sin(2 * np.pi * 1000 * np.arange(19200) / 48000)
    path = write_wav(settings.raw_dir / "Actor_01/03-01-04-02-01-01-01.wav", np.concatenate([beep, speech]))
    assert materialize(settings, "01", "01", instance, CHAIN[:3]).success
    [clip] = clips_of(ActorFiles(settings.corpus_dir).rows("trimmed_audio", "01", ["01-04-02-01-01-01"]))
    preprocessing = Preprocessing(
        settings.sampling_rate, settings.trim_mode, settings.trim_top_db, settings.minimum_clip_seconds
    )
    predicted = measure_recording(path, Measurement(preprocessing, ("functionals",)))
    assert isinstance(predicted, MeasuredRecording)
    np.testing.assert_array_equal(
        predicted.audio["functionals"], extract_features(clip.samples, clip.sampling_rate).functionals
    )


def test_a_take_that_moves_to_its_true_speaker_leaves_the_other_who_holds_up_nothing(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    lines = ["path,speaker,emotion"]
    for number in range(8):
        path = write_wav(settings.data_dir / f"own/{number}.wav", voice(0.6, hertz=100 + 15 * number, seed=number))
        lines.append(f"{path},{'AB'[number // 4]},{('joy', 'fear')[number % 2]}")
    table = settings.data_dir / "voices.csv"
    own = Settings(corpus="table", corpus_table=table, speed_perturbation=())
    table.write_text("\n".join(lines))
    assert materialize(own, "A", "B", instance).success
    table.write_text("\n".join([lines[0], lines[1].replace(",A,", ",B,"), *lines[2:]]))
    assert materialize(own, "B", "B", instance).success
    rows = load_examples(Warehouse(own.corpus_dir), own, SETS).rows
    assert set(rows.loc[rows["take_id"].str.endswith("/0.wav"), "actor"]) == {"B"}
    only_checked = materialize(own, "A", "B", instance, ["augmented_set"])
    assert only_checked.success
    assert {row["actor"] for row in records(Warehouse(own.corpus_dir), FEATURES, "true", columns=["actor"])} == {
        "A",
        "B",
    }


def test_an_actor_of_the_run_who_is_not_balanced_holds_the_run_up(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    for actor in ("01", "02", "03"):
        sing(settings, actor)
    (settings.raw_dir / "Actor_02/03-01-01-01-01-01-02.wav").unlink()
    balanced = {}
    for first, last in (("01", "01"), ("01", "02"), ("02", "03"), ("03", "03")):
        result = materialize(settings, first, last, instance, CHAIN[:4])
        balanced[first, last] = {each.check_name: each.passed for each in result.get_asset_check_evaluations()}[
            "emotions_balanced"
        ]
    assert balanced == {("01", "01"): True, ("01", "02"): False, ("02", "03"): False, ("03", "03"): True}
