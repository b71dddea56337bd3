"""The commands `predict` and `enrol-speaker` as users type them, on spoken takes and a small bundle."""

import csv
import dataclasses
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from ser_assets.cli import main
from ser_assets.corpus.media_files import skipped_text
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.speakers.profile import SpeakerProfile
from ser_assets.runtime.workers import WorkerDiedError
from ser_assets.serving import batch
from ser_assets.serving.batch import NoRecordingError, open_predictor, passed_over, predict_recordings, recordings_among
from ser_assets.serving.bundle import champion_folder, open_bundle
from ser_assets.serving.predictor import MeasuredRecording, Prediction
from ser_assets.serving.withdrawn import WITHDRAWN_FILE, mark_withdrawn, withdrawn_from
from ser_assets.settings import Settings
from ser_assets.storage.versions import recipe
from ser_assets_tests.factories.bundles import fitted, make_bundle, measured_examples, probabilities_of, spoken_takes
from ser_assets_tests.factories.bundles import write_take as write
from ser_assets_tests.factories.media import encode, write_wav


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def bundle(made: Path, settings: Settings) -> Path:
    """The bundle where `champion_model` puts it."""
    return shutil.copytree(made, champion_folder(settings.corpus_dir))


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four takes of actor 01, two of them in a folder further down, and files that are no recordings."""
    folder = tmp_path_factory.mktemp("spoken")
    for number, take in enumerate(spoken_takes()[:8:2]):
        write(folder / "deeper" if number % 2 else folder, take)
    (folder / "notes.txt").write_text("not a recording")
    return folder


def call(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def recordings(folder: Path) -> list[Path]:
    return recordings_among([folder])


@pytest.mark.usefixtures("bundle")
def test_every_recording_of_a_folder_gets_its_emotion(spoken: Path) -> None:
    result = call("predict", spoken)
    assert result.exit_code == 0, result.output
    assert "predict: 4 of 4 done" in result.stderr
    assert "skipped 1 file that is no recording: .txt (1)" in result.stderr
    assert "predict" not in result.stdout
    for path in recordings(spoken):
        [line] = [line for line in result.stdout.splitlines() if str(path) in line]
        assert any(f" {emotion} " in line for emotion in EMOTIONS)


@pytest.mark.usefixtures("bundle")
def test_json_is_all_that_stands_on_standard_output(spoken: Path) -> None:
    result = call("predict", spoken, "--json")
    assert result.exit_code == 0, result.output
    predicted = json.loads(result.stdout)
    assert [each["path"] for each in predicted] == [str(path) for path in recordings(spoken)]
    learned = {take.take_id: number for number, take in enumerate(spoken_takes())}
    probabilities = fitted("raw").predict_proba(measured_examples())
    for each in predicted:
        assert list(each["probabilities"]) == list(EMOTIONS)
        expected = probabilities[learned[Path(each["path"]).stem[3:]]]
        np.testing.assert_allclose(list(each["probabilities"].values()), expected, atol=1e-5)
        assert each["emotion"] == max(each["probabilities"], key=each["probabilities"].get)
        assert 3 < each["seconds"] < 6


@pytest.mark.usefixtures("bundle")
def test_a_csv_holds_what_json_does(spoken: Path, tmp_path: Path) -> None:
    table = tmp_path / "said.csv"
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound")
    result = call("predict", broken, spoken, "--json", "--csv", table)
    assert result.exit_code == 1
    with table.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["remedy"].startswith("Copy or download it again")
    assert list(rows[0]) == [
        "path",
        "emotion",
        *(f"p_{emotion}" for emotion in EMOTIONS),
        "seconds",
        "remarks",
        "error",
        "remedy",
    ]
    for row, each in zip(rows, json.loads(result.stdout), strict=True):
        assert row["path"] == each["path"]
        assert row["error"] == each.get("error", "")
        assert row["remedy"] == each.get("remedy", "")
        assert row["emotion"] == each.get("emotion", "")
        found = {emotion: float(row[f"p_{emotion}"]) for emotion in EMOTIONS if row[f"p_{emotion}"]}
        assert found == each.get("probabilities", {})


@pytest.mark.usefixtures("bundle")
def test_a_file_that_cannot_be_used_is_named_and_the_others_are_predicted(spoken: Path, tmp_path: Path) -> None:
    silent = write_wav(tmp_path / "silent.wav", np.zeros(48000, np.float32))
    missing = tmp_path / "missing.wav"
    result = call("predict", silent, missing, spoken)
    assert result.exit_code == 1
    assert f"{silent} is silent" in result.stderr
    assert "\n  -> Look for the recording with sound, or remove it.\n" in result.stderr
    assert f"{missing} is not there\n  -> Correct the path.\n" in result.stderr
    assert sum(line.count(".wav") for line in result.stdout.splitlines()) >= 4
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("bundle")
def test_what_one_should_know_of_a_recording_is_told(spoken: Path, tmp_path: Path) -> None:
    take, rate = soundfile.read(recordings(spoken)[0], dtype="float32")
    film = encode(tmp_path / "film.mkv", [take, 0.5 * take], "-c:a", "flac", rate=rate)
    beep = 0.9 * np.sin(2 * np.pi * 1000 * np.arange(int(0.4 * rate)) / rate)
    beeped = write_wav(tmp_path / "beeped.wav", np.concatenate([beep, 0.01 * take / np.abs(take).max()]), rate)
    result = call("predict", film, beeped, recordings(spoken)[0], "--json", "--csv", tmp_path / "said.csv")
    assert result.exit_code == 0, result.output
    assert f"{film} has 2 audio tracks: track 1 is used" in result.stderr
    assert f"{beeped} holds a short loud event (a beep, a click, a door)" in result.stderr
    remarks = [each["remarks"] for each in json.loads(result.stdout)]
    assert [len(each) for each in remarks] == [1, 1, 0]
    with (tmp_path / "said.csv").open(newline="", encoding="utf-8") as file:
        assert [row["remarks"] for row in csv.DictReader(file)] == [remarks[0][0], remarks[1][0], ""]


@pytest.mark.usefixtures("bundle")
def test_names_that_look_like_something_else_are_predicted(
    spoken: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ["-x.wav", "12:30.wav", "%d.wav", "a?b.wav", "concat:x"]
    for name in names:
        shutil.copy(recordings(spoken)[0], name)
    result = call("predict", "--json", "--", *names)
    assert result.exit_code == 0, result.output
    assert [each["path"] for each in json.loads(result.stdout)] == names


@pytest.mark.usefixtures("bundle")
def test_what_is_no_file_is_named_and_not_waited_for(spoken: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "gone.wav").symlink_to("nowhere.wav")
    result = call("predict", tmp_path, spoken)
    assert result.exit_code == 1
    assert f"{tmp_path / 'pipe.wav'} cannot be read (it is no regular file)" in result.stderr
    assert f"{tmp_path / 'gone.wav'} is not there" in result.stderr


def test_a_folder_of_voice_notes_is_taken_whole_and_the_rest_is_counted(tmp_path: Path) -> None:
    notes = ["a.aac", "b.amr", "c.3gp", "d.m4v", "e.wma", "f.aiff", "g.caf", "h.oga", "i.weba", "j.AU", "k.ts", "l.wv"]
    for name in [*notes, "letter.txt", "list.TXT", "picture.jpg", "README", ".hidden.txt", "sub.wav/x.pdf"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in recordings_among([tmp_path])] == notes
    skipped, closed = passed_over([tmp_path, tmp_path / "a.aac"])
    assert skipped == {".txt": 2, ".jpg": 1, ".pdf": 1, "without an ending": 1}
    assert skipped_text(skipped) == (
        "skipped 5 files that are no recordings: .txt (2), .jpg (1), .pdf (1), without an ending (1)"
    )
    assert closed == []


@pytest.mark.usefixtures("bundle")
def test_where_no_recording_is_found_it_says_what_is_taken_for_one(tmp_path: Path) -> None:
    result = call("predict", tmp_path)
    assert result.exit_code == 2
    assert f"no recording found in {tmp_path}" in result.stderr.replace("\n", "")
    assert ".flac, .m4a" in result.stderr
    assert call("predict").exit_code == 2


@pytest.mark.usefixtures("bundle")
def test_a_path_that_is_not_there_is_listed_even_alone(tmp_path: Path) -> None:
    missing = tmp_path / "nowhere.wav"
    result = call("predict", missing, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout) == [{"path": str(missing), "error": "is not there", "remedy": "Correct the path."}]


def test_folders_are_sorted_and_named_files_stay_where_they_are_named(tmp_path: Path) -> None:
    for name in ("b.wav", "a/2.MP4", "a/1.flac", "a/notes.txt", "a/._1.flac", "c.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    inside = [tmp_path / "a/1.flac", tmp_path / "a/2.MP4", tmp_path / "b.wav"]
    assert recordings_among([tmp_path]) == inside
    assert recordings_among([tmp_path / "c.mp3", inside[2], tmp_path]) == [tmp_path / "c.mp3", inside[2], *inside[:2]]
    with pytest.raises(NoRecordingError):
        recordings_among([tmp_path / "folder.wav"])


@pytest.mark.usefixtures("settings")
def test_without_a_champion_it_says_how_to_get_one(spoken: Path, tmp_path: Path) -> None:
    table = tmp_path / "said.csv"
    result = call("predict", spoken, "--csv", table)
    assert result.exit_code == 1
    assert "no bundle in" in result.stderr
    assert "`ser-assets run` makes one" in result.stderr
    assert "or name its folder with `--bundle DIR`" in result.stderr
    assert not table.exists()


@pytest.mark.usefixtures("settings")
def test_another_bundle_may_be_named(made: Path, spoken: Path) -> None:
    assert call("predict", spoken, "--bundle", made).exit_code == 0


@pytest.mark.usefixtures("bundle")
def test_a_csv_that_cannot_be_written_is_named(spoken: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "nowhere"):
        for options in (["predict", spoken, "--csv"], ["enrol-speaker", spoken, "--out"]):
            result = call(*options, folder / "said.csv")
            assert result.exit_code == 2
            assert f"{folder} is no folder: make it" in " ".join(result.stderr.split())
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.usefixtures("bundle")
def test_a_profile_is_made_of_what_can_be_used_and_then_heeded(spoken: Path, tmp_path: Path) -> None:
    silent = write_wav(tmp_path / "silent.wav", np.zeros(48000, np.float32))
    profile = tmp_path / "me.json"
    result = call("enrol-speaker", spoken, silent, "--out", profile)
    assert result.exit_code == 0, result.output
    assert "made of 4 recordings, 1 left out" in result.stdout
    assert f"{silent} is silent" in result.stderr
    assert SpeakerProfile.load(profile).clips == 4
    raw, relative = call("predict", spoken, "--json"), call("predict", spoken, "--json", "--profile", profile)
    assert relative.exit_code == 0, relative.output
    assert json.loads(raw.stdout) != json.loads(relative.stdout)
    assert "made with another model" not in relative.stderr


@pytest.mark.usefixtures("bundle")
def test_no_result_takes_the_place_of_a_recording(spoken: Path, tmp_path: Path) -> None:
    mine = shutil.copy(recordings(spoken)[0], tmp_path / "mine")
    before = mine.read_bytes()
    for result in (
        call("predict", mine, "--csv", mine),
        call("enrol-speaker", mine, "--out", mine),
        call("predict", mine, "--csv", tmp_path / "new.WAV"),
    ):
        assert result.exit_code == 2
        assert "write to another file" in result.stderr
    assert mine.read_bytes() == before
    assert not (tmp_path / "new.WAV").exists()


@pytest.mark.parametrize("demo", [True, False])
def test_a_model_of_synthetic_voices_says_so(spoken: Path, tmp_path: Path, demo: bool) -> None:
    result = call("predict", spoken, "--json", "--bundle", make_bundle(tmp_path, demo=demo))
    assert result.exit_code == 0, result.output
    assert ("trained on synthetic speech" in result.stderr) == demo


def test_a_profile_that_was_made_with_another_model_is_heeded_as_far_as_it_goes(
    made: Path, spoken: Path, tmp_path: Path
) -> None:
    profile = tmp_path / "me.json"
    measured_as = open_bundle(made).measured_as
    dataclasses.replace(SpeakerProfile.learn(measured_examples()), measured_as=measured_as).save(profile)
    result = call("predict", spoken, "--json", "--profile", profile, "--bundle", made)
    assert result.exit_code == 0
    assert f"{profile} was made with another model" in result.stderr
    assert "make it again with `enrol-speaker`" in result.stderr


@pytest.mark.usefixtures("bundle")
def test_a_profile_of_nothing_is_not_written(tmp_path: Path) -> None:
    silent = write_wav(tmp_path / "silent.wav", np.zeros(48000, np.float32))
    result = call("enrol-speaker", silent, "--out", tmp_path / "me.json")
    assert result.exit_code == 1
    assert "no recording can be used" in result.stderr
    assert f"{silent} is silent" in result.stderr
    assert not (tmp_path / "me.json").exists()
    assert call("enrol-speaker", tmp_path / "nowhere", "--out", tmp_path / "me.json").exit_code == 1


@pytest.mark.usefixtures("bundle")
@pytest.mark.parametrize(
    ("write_profile", "message"),
    [(lambda path: path.write_text("{}"), "is no speaker profile"), (lambda _: None, "cannot be read")],
)
def test_a_file_that_is_no_profile_is_named(
    spoken: Path, tmp_path: Path, write_profile: Callable[[Path], object], message: str
) -> None:
    write_profile(tmp_path / "me.json")
    result = call("predict", spoken, "--profile", tmp_path / "me.json")
    assert result.exit_code == 1
    assert message in result.stderr
    assert "me.json" in result.stderr


@pytest.mark.usefixtures("settings")
def test_a_profile_needs_a_bundle_with_a_model_for_it(spoken: Path, tmp_path: Path) -> None:
    raw_only = make_bundle(tmp_path, kinds=("raw",))
    profile = tmp_path / "me.json"
    SpeakerProfile.learn(measured_examples()).save(profile)
    for result in (
        call("predict", spoken, "--profile", profile, "--bundle", raw_only),
        call("enrol-speaker", spoken, "--out", tmp_path / "new.json", "--bundle", raw_only),
    ):
        assert result.exit_code == 1
        assert "holds no model for an enrolled speaker" in result.stderr
    assert not (tmp_path / "new.json").exists()


def test_many_recordings_are_shared_out_among_workers_and_few_are_not(
    made: Path, spoken: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def map_as_workers_would(function: Callable, items: Iterable, workers: int) -> Iterator:
        asked.append(workers)
        sent = pickle.loads(pickle.dumps(function))  # noqa: S301
        return (pickle.loads(pickle.dumps(sent(item))) for item in items)  # noqa: S301

    monkeypatch.setattr(batch, "map_in_workers", map_as_workers_would)
    predictor = open_predictor(made, None)
    few = list(predict_recordings(recordings(spoken), predictor, workers=2))
    monkeypatch.setattr(batch, "MANY", 4)
    monkeypatch.setattr(batch, "BATCH", 3)
    many = list(predict_recordings(recordings(spoken), predictor, workers=2))
    assert asked == [1, 2]
    assert [each.path for each in many] == [each.path for each in few]
    assert all(isinstance(each, Prediction) for each in many)
    np.testing.assert_allclose(probabilities_of(many), probabilities_of(few), atol=1e-12)


def test_the_process_that_predicts_loads_nothing_that_trains(made: Path, spoken: Path, tmp_path: Path) -> None:
    profile = tmp_path / "me.json"
    calls = (
        ["enrol-speaker", str(spoken), "--out", str(profile), "--bundle", str(made)],
        ["predict", str(spoken), "--profile", str(profile), "--bundle", str(made)],
    )
    script = f"""
import sys
from ser_assets.cli import main
for arguments in {calls!r}:
    main(arguments, standalone_mode=False)
print("loaded:", *sorted({{name.split(".")[0] for name in sys.modules}}))
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.split("loaded:")[1].split())
    assert "onnxruntime" in loaded
    forbidden = {"tensorflow", "keras", "dagster", "sklearn", "skl2onnx", "duckdb", "matplotlib"}
    assert loaded & forbidden == set()


@pytest.mark.usefixtures("bundle")
def test_a_worker_that_dies_is_told_in_one_line(spoken: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def died(*_: object) -> Iterator[MeasuredRecording]:
        raise WorkerDiedError("the process that worked on it died")
        yield

    monkeypatch.setattr("ser_assets.serving.batch.map_in_workers", died)
    result = call("predict", spoken)
    assert result.exit_code == 1
    assert "try SER_WORKERS=1" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.usefixtures("bundle")
def test_a_recording_that_is_there_twice_counts_once_in_a_profile(spoken: Path, tmp_path: Path) -> None:
    first = recordings(spoken)[0]
    copy = Path(shutil.copy(first, tmp_path / "copy.wav"))
    flac = tmp_path / "copy.flac"
    soundfile.write(flac, *soundfile.read(first, dtype="int16"))
    once = call("enrol-speaker", spoken, "--out", tmp_path / "once.json")
    twice = call("enrol-speaker", spoken, copy, flac, "--out", tmp_path / "twice.json")
    assert (once.exit_code, twice.exit_code) == (0, 0)
    assert f"{copy} is the same recording as {first}, and counts once" in twice.stderr
    assert f"{flac} is the same recording as" in twice.stderr
    assert (tmp_path / "once.json").read_text() == (tmp_path / "twice.json").read_text()


def test_a_bundle_made_with_other_versions_says_so(bundle: Path, spoken: Path) -> None:
    path = bundle / "bundle.json"
    facts = json.loads(path.read_text())
    own = recipe(Settings())
    facts["training"]["recipe"] = own
    path.write_text(json.dumps(facts))
    assert "made with" not in call("predict", spoken).stderr
    facts["training"]["recipe"] = own.replace(f"av={version('av')}", "av=9.2.0").replace(
        "trimmed_audio ", "trimmed_audio 0"
    )
    path.write_text(json.dumps(facts))
    told = call("predict", spoken).stderr
    assert f"made with av 9.2.0 (here {version('av')}), trimmed_audio version 0" in told


def test_a_damaged_mark_of_withdrawn_recordings_is_told_in_one_line(bundle: Path, spoken: Path) -> None:
    (bundle / WITHDRAWN_FILE).write_text('{"takes": 1')
    result = call("predict", spoken)
    assert result.exit_code == 1
    assert f"Error: {bundle / WITHDRAWN_FILE} is damaged" in result.stderr
    assert "`ser-assets run` trains a new champion" in result.stderr
    assert mark_withdrawn(bundle, 2, 1, "2026-02-01")
    mark = withdrawn_from(bundle)
    assert mark is not None
    assert (mark.takes, mark.since) == (2, "2026-02-01")
