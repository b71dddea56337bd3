"""Which recordings are taken and which are not: the traps of RAVDESS, one test each."""

import dataclasses
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from ser_assets.audio.decoding.decode import Recording, decode
from ser_assets.audio.decoding.mono import resample
from ser_assets.corpus import inventory as inventory_module
from ser_assets.corpus.demo import corpus as demo
from ser_assets.corpus.duplicates import resolve_duplicates, settle_all
from ser_assets.corpus.interface import Entry, Listing
from ser_assets.corpus.inventory import InspectionTask, inspect_recording, split_known
from ser_assets.corpus.ravdess import Ravdess, speech_takes
from ser_assets.corpus.raw_video import RawVideo
from ser_assets.rejections import Problem
from ser_assets.storage.tables import dataclass_table
from ser_assets_tests.factories.media import encode, voice, write_mp4, write_wav
from ser_assets_tests.factories.signals import spoken


@pytest.fixture(autouse=True)
def _files_settle_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust the state of a file that has just been written: tests do not wait for the next tick of the clock."""
    monkeypatch.setattr(inventory_module, "FINE_TICK_NS", 0)


def inventory(raw: Path, actor: str) -> dict[str, RawVideo]:
    rows = resolve_duplicates(
        inspect_recording(InspectionTask(entry)) for entry in Ravdess(raw).listing().entries.get(actor, [])
    )
    return {row.path: row for row in rows}


def entry_of(path: Path, raw: Path) -> Entry:
    [entry] = [entry for entries in Ravdess(raw).listing().entries.values() for entry in entries if entry.path == path]
    return entry


def test_a_good_recording_is_accepted_with_all_that_its_name_and_sound_say(tmp_path: Path) -> None:
    write_wav(tmp_path / "Actor_05/03-01-03-02-01-02-05.wav", voice())
    [row] = inventory(tmp_path, "05").values()
    assert (row.status, row.reason) == ("accepted", None)
    assert (row.take_id, row.actor, row.emotion, row.intensity) == ("01-03-02-01-02-05", "05", "happy", "strong")
    assert (row.codec, row.sampling_rate, row.channels, row.seconds) == ("pcm_s16le", 48000, 1, 1.0)
    assert row.gender == "male"
    assert row.bytes == (tmp_path / row.path).stat().st_size


def test_the_row_says_how_many_tracks_there_are_and_which_is_used(tmp_path: Path) -> None:
    film = tmp_path / "Actor_05/01-01-03-02-01-02-05.mp4"
    second = ("-c:a", "aac", "-disposition:a:0", "0", "-disposition:a:1", "default")
    encode(film, [voice(hertz=240), voice(hertz=110)], *second)
    write_wav(tmp_path / "Actor_05/03-01-04-02-01-02-05.wav", voice())
    found = inventory(tmp_path, "05")
    row, plain = found["Actor_05/01-01-03-02-01-02-05.mp4"], found["Actor_05/03-01-04-02-01-02-05.wav"]
    assert (row.audio_tracks, row.audio_track) == (2, 2)
    assert row.track_used == "Actor_05/01-01-03-02-01-02-05.mp4 has 2 audio tracks: track 2 is used"
    assert (plain.audio_tracks, plain.audio_track, plain.track_used) == (1, 1, "")
    shutil.copy(film, tmp_path / "Actor_05/01-01-05-02-01-02-05.mp4")
    again = inspect_recording(
        InspectionTask(entry_of(tmp_path / "Actor_05/01-01-05-02-01-02-05.mp4", tmp_path), (row,))
    )
    assert (again.audio_tracks, again.audio_track) == (2, 2)


def test_trap_1_a_video_only_file_is_rejected_by_its_name_although_it_has_an_audio_stream(tmp_path: Path) -> None:
    write_mp4(tmp_path / "Actor_01/02-01-03-01-01-01-01.mp4", np.zeros(48000, np.float32))
    [row] = inventory(tmp_path, "01").values()
    assert row.status == "rejected"
    assert "video-only" in str(row.reason)


def test_trap_1_silence_under_an_audio_video_name_is_rejected_too(tmp_path: Path) -> None:
    write_mp4(tmp_path / "Actor_01/01-01-03-01-01-01-01.mp4", np.zeros(48000, np.float32))
    [row] = inventory(tmp_path, "01").values()
    assert "silent" in str(row.reason)


def test_trap_2_of_the_mp4_and_the_wav_of_one_take_only_the_lossless_one_is_accepted(tmp_path: Path) -> None:
    write_mp4(tmp_path / "Actor_01/01-01-03-01-01-01-01.mp4", voice())
    write_wav(tmp_path / "Actor_01/03-01-03-01-01-01-01.wav", voice())
    rows = inventory(tmp_path, "01")
    assert rows["Actor_01/03-01-03-01-01-01-01.wav"].status == "accepted"
    assert rows["Actor_01/01-01-03-01-01-01-01.mp4"].duplicate_of == "Actor_01/03-01-03-01-01-01-01.wav"
    assert "same take" in str(rows["Actor_01/01-01-03-01-01-01-01.mp4"].reason)


def test_trap_3_a_stereo_wav_is_the_same_recording_as_its_mono_twin(tmp_path: Path) -> None:
    write_wav(tmp_path / "Actor_01/03-01-02-01-01-02-01.wav", np.stack([voice(), voice()]))
    write_wav(tmp_path / "mono/Actor_01/03-01-02-01-01-01-01.wav", voice())
    rows = inventory(tmp_path, "01")
    stereo = rows["Actor_01/03-01-02-01-01-02-01.wav"]
    assert (stereo.status, stereo.channels) == ("accepted", 2)
    assert rows["mono/Actor_01/03-01-02-01-01-01-01.wav"].audio_hash == stereo.audio_hash


def test_trap_4_one_recording_under_two_names_is_accepted_once(tmp_path: Path) -> None:
    write_wav(tmp_path / "Actor_07/03-01-03-01-02-01-07.wav", voice())
    write_wav(tmp_path / "Actor_07/03-01-03-01-02-02-07.flac", voice())
    rows = inventory(tmp_path, "07")
    assert [row.status for row in rows.values()].count("accepted") == 1
    assert any("same recording" in str(row.reason) for row in rows.values())


def test_trap_5_a_quiet_actor_is_not_a_silent_one(tmp_path: Path) -> None:
    write_wav(tmp_path / "Actor_09/03-01-04-01-01-01-09.wav", voice(level=0.02), subtype="PCM_24")
    [row] = inventory(tmp_path, "09").values()
    assert row.status == "accepted"


def test_trap_6_of_the_doubled_folders_of_a_mirror_the_outer_one_is_taken(tmp_path: Path) -> None:
    write_wav(tmp_path / "Actor_02/03-01-03-01-01-01-02.wav", voice())
    write_wav(tmp_path / "audio_speech_actors_01-24/Actor_02/03-01-03-01-01-01-02.wav", voice())
    rows = inventory(tmp_path, "02")
    assert rows["Actor_02/03-01-03-01-01-01-02.wav"].status == "accepted"
    assert "same take" in str(rows["audio_speech_actors_01-24/Actor_02/03-01-03-01-01-01-02.wav"].reason)


def test_recordings_of_people_go_before_the_demo_corpus(tmp_path: Path) -> None:
    write_wav(tmp_path / "Actor_01/03-01-03-01-01-01-01.wav", voice())
    real = inspect_recording(InspectionTask(entry_of(tmp_path / "Actor_01/03-01-03-01-01-01-01.wav", tmp_path)))
    same = dataclasses.replace(real, path="A/Actor_01/x.wav", audio_hash="other", demo=True)
    another = dataclasses.replace(same, path="A/Actor_01/y.wav", take_id="another", audio_hash="third")
    settled = resolve_duplicates([same, another, real])
    assert [row for row in settled if row.status == "accepted"] == [real]
    alone = resolve_duplicates(row for row in settled if row.demo)
    assert [row.status for row in alone] == ["accepted", "accepted"]


def test_a_film_of_the_demo_corpus_says_that_it_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "speech_takes", lambda actor: speech_takes(actor)[:1])
    demo.make_demo_corpus(tmp_path, ["01"])
    [row] = inventory(tmp_path, "01").values()
    assert (row.status, row.demo) == ("accepted", True)


@pytest.mark.parametrize("ending", ["wav", "WAV", "flac", "Flac"])
def test_endings_are_read_in_any_case(tmp_path: Path, ending: str) -> None:
    write_wav(tmp_path / f"ACTOR_03/03-01-03-01-01-01-03.{ending}", voice())
    assert inventory(tmp_path, "03")[f"ACTOR_03/03-01-03-01-01-01-03.{ending}"].status == "accepted"


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("03-01-03-01-01-01-03.wav", b"", "is empty"),
        ("03-01-03-01-01-01-03.mp4", b"this is text", "cannot be decoded"),
        ("holiday.mp4", b"x", "not a RAVDESS name"),
        ("03-02-03-01-01-01-03.wav", b"x", "song"),
        ("03-01-03-01-01-01-04.wav", b"x", "named for actor 04 but lies in Actor_03"),
    ],
)
def test_a_file_that_cannot_be_used_is_rejected_with_the_reason(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    (tmp_path / "Actor_03").mkdir()
    (tmp_path / "Actor_03" / name).write_bytes(content)
    [row] = inventory(tmp_path, "03").values()
    assert row.status == "rejected"
    assert reason in str(row.reason)


def test_a_recording_that_is_cut_short_is_rejected(tmp_path: Path) -> None:
    whole = write_mp4(tmp_path / "Actor_03/01-01-03-01-01-01-03.mp4", voice(3.0))
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    [row] = inventory(tmp_path, "03").values()
    assert row.status == "rejected"


def test_an_mp4_without_sound_is_rejected(tmp_path: Path) -> None:
    write_mp4(tmp_path / "Actor_03/01-01-03-01-01-01-03.mp4", None)
    [row] = inventory(tmp_path, "03").values()
    assert "no audio stream" in str(row.reason)


def test_a_broken_link_is_rejected_and_a_loop_of_links_ends(tmp_path: Path) -> None:
    folder = tmp_path / "Actor_03"
    folder.mkdir()
    (folder / "03-01-03-01-01-01-03.wav").symlink_to(tmp_path / "gone.wav")
    (folder / "again").symlink_to(tmp_path)
    [row] = inventory(tmp_path, "03").values()
    assert "cannot be read" in str(row.reason)


def test_other_files_and_other_folders_are_not_looked_at(tmp_path: Path) -> None:
    (tmp_path / "Actor_03/.Trash").mkdir(parents=True)
    for name in (
        "notes.txt",
        "._03-01-03-01-01-01-03.wav",
        ".DS_Store",
        "Thumbs.db",
        ".Trash/03-01-03-01-01-01-03.wav",
    ):
        (tmp_path / "Actor_03" / name).write_text("x")
    assert Ravdess(tmp_path).listing() == Listing({}, [], {".txt": 1, ".db": 1})
    assert Ravdess(tmp_path / "nowhere").listing() == Listing({}, [])


def test_a_recording_outside_all_folders_of_actors_belongs_to_the_actor_of_its_name(tmp_path: Path) -> None:
    write_wav(tmp_path / "clips/03-01-03-01-01-01-03.wav", voice())
    assert inventory(tmp_path, "03")["clips/03-01-03-01-01-01-03.wav"].status == "accepted"


def test_what_is_of_no_actor_is_told_with_the_reason(tmp_path: Path) -> None:
    for name in ("Actor_25/03-01-03-01-01-01-25.wav", "Actor_00/x.wav", "holiday.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    told = {stray.name: stray.reason for stray in Ravdess(tmp_path).listing().unassigned_files}
    assert "RAVDESS has actors 01 to 24" in told["Actor_25/03-01-03-01-01-01-25.wav"]
    assert "RAVDESS has actors 01 to 24" in told["Actor_00/x.wav"]
    assert "no folder of an actor" in told["holiday.mp4"]


def test_a_file_is_looked_at_again_only_when_it_has_changed(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "Actor_03/03-01-03-01-01-01-03.wav", voice())
    entry = entry_of(path, tmp_path)
    row = inspect_recording(InspectionTask(entry))
    assert split_known([entry], {row.path: row}) == ([row], [])
    write_wav(path, voice(2.0))
    assert split_known([entry], {row.path: row}) == ([], [InspectionTask(entry)])


def never(_: Path) -> Recording:
    raise AssertionError("decoded again")


def test_a_file_that_was_only_touched_is_read_but_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_wav(tmp_path / "Actor_03/03-01-03-01-01-01-03.wav", voice())
    before = inspect_recording(InspectionTask(entry_of(path, tmp_path)))
    os.utime(path, ns=(1, 1))
    known, [look] = split_known([entry_of(path, tmp_path)], {before.path: before})
    assert known == []
    monkeypatch.setattr("ser_assets.corpus.inventory.decode", never)
    touched = inspect_recording(look)
    assert touched.file_state != before.file_state
    assert touched == dataclasses.replace(before, file_state=touched.file_state)


def test_two_recordings_of_one_size_and_time_that_trade_names_trade_labels(tmp_path: Path) -> None:
    happy = write_wav(tmp_path / "Actor_03/03-01-03-01-01-01-03.wav", voice(hertz=110))
    sad = write_wav(tmp_path / "Actor_03/03-01-04-01-01-01-03.wav", voice(hertz=220))
    for path in (happy, sad):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    before = inventory(tmp_path, "03")
    trade_names(happy, sad)
    known, looks = split_known(Ravdess(tmp_path).listing().entries["03"], before)
    assert known == []
    after = {row.path: row for row in map(inspect_recording, looks)}
    assert [after[path].audio_hash for path in sorted(after)] == [before[path].audio_hash for path in sorted(before)][
        ::-1
    ]


def trade_names(first: Path, second: Path) -> None:
    aside = first.rename(first.with_name("aside"))
    second.rename(first)
    aside.rename(second)


@pytest.mark.parametrize("modified_ns", [0, -1_000_000_000, 4_102_444_800_000_000_000, 2**33 * 1_800_000_000])
def test_a_recording_replaced_under_the_same_strange_time_is_hashed_again(tmp_path: Path, modified_ns: int) -> None:
    path = write_wav(tmp_path / "Actor_03/03-01-03-01-01-01-03.wav", voice(hertz=110))
    try:
        os.utime(path, ns=(modified_ns, modified_ns))
    except OSError:
        pytest.skip("this file system cannot store the time")
    before = inspect_recording(InspectionTask(entry_of(path, tmp_path)))
    assert split_known([entry_of(path, tmp_path)], {before.path: before})[1] == []
    content = write_wav(tmp_path / "other.wav", voice(hertz=220)).read_bytes()
    path.write_bytes(content)
    os.utime(path, ns=(modified_ns, modified_ns))
    [look] = split_known([entry_of(path, tmp_path)], {before.path: before})[1]
    after = inspect_recording(look)
    assert (after.bytes, after.audio_hash == before.audio_hash) == (before.bytes, False)
    assert dataclass_table([after])["file_state"].to_pylist() == [after.file_state]


def test_a_recording_replaced_by_a_hard_link_to_another_is_hashed_again(tmp_path: Path) -> None:
    path = write_wav(tmp_path / "Actor_03/03-01-03-01-01-01-03.wav", voice(hertz=110))
    other = write_wav(tmp_path / "other.wav", voice(hertz=220))
    before = inspect_recording(InspectionTask(entry_of(path, tmp_path)))
    path.unlink()
    path.hardlink_to(other)
    [look] = split_known([entry_of(path, tmp_path)], {before.path: before})[1]
    assert inspect_recording(look).audio_hash != before.audio_hash


def test_a_link_that_leads_to_another_recording_is_hashed_again(tmp_path: Path) -> None:
    first = write_wav(tmp_path / "elsewhere/first.wav", voice(hertz=110))
    second = write_wav(tmp_path / "elsewhere/second.wav", voice(hertz=220))
    link = tmp_path / "Actor_03/03-01-03-01-01-01-03.wav"
    link.parent.mkdir()
    link.symlink_to(first)
    before = inspect_recording(InspectionTask(entry_of(link, tmp_path)))
    link.unlink()
    link.symlink_to(second)
    [look] = split_known([entry_of(link, tmp_path)], {before.path: before})[1]
    assert inspect_recording(look).audio_hash != before.audio_hash


def test_a_file_that_changed_a_moment_ago_is_hashed_again_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inventory_module, "FINE_TICK_NS", 3_600_000_000_000)
    path = write_wav(tmp_path / "Actor_03/03-01-03-01-01-01-03.wav", voice())
    row = inspect_recording(InspectionTask(entry_of(path, tmp_path)))
    assert row.file_state == ""
    assert split_known([entry_of(path, tmp_path)], {row.path: row})[0] == []


def test_a_file_under_a_new_name_is_not_decoded_again_but_means_what_its_name_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happy = write_wav(tmp_path / "Actor_03/03-01-03-01-01-01-03.wav", voice())
    silent = write_wav(tmp_path / "Actor_03/03-01-03-01-01-02-03.wav", np.zeros(48000))
    known = {
        row.path: row
        for row in (inspect_recording(InspectionTask(entry_of(path, tmp_path))) for path in (happy, silent))
    }
    sad = happy.rename(happy.with_name("03-01-04-01-01-01-03.wav"))
    still_silent = silent.rename(silent.with_name("03-01-04-01-01-02-03.wav"))
    monkeypatch.setattr("ser_assets.corpus.inventory.decode", never)
    rows = [
        inspect_recording(look)
        for look in split_known([entry_of(path, tmp_path) for path in (sad, still_silent)], known)[1]
    ]
    assert [(row.emotion, row.status) for row in rows] == [("sad", "accepted"), ("sad", "rejected")]
    assert rows[0].audio_hash == known["Actor_03/03-01-03-01-01-01-03.wav"].audio_hash
    assert "is silent" in str(rows[1].reason)


def test_a_second_file_takes_the_place_of_a_first_that_is_gone(tmp_path: Path) -> None:
    wav = write_wav(tmp_path / "Actor_03/03-01-03-01-01-01-03.wav", voice())
    mp4 = write_mp4(tmp_path / "Actor_03/01-01-03-01-01-01-03.mp4", voice())
    first = resolve_duplicates(
        [
            inspect_recording(InspectionTask(entry_of(wav, tmp_path))),
            inspect_recording(InspectionTask(entry_of(mp4, tmp_path))),
        ]
    )
    left = [row for row in first if row.path.endswith("mp4")]
    assert left[0].status == "rejected"
    assert resolve_duplicates(left)[0].status == "accepted"


def test_of_the_eight_originals_five_are_accepted_and_three_are_video_only(ravdess: Path, tmp_path: Path) -> None:
    for clip in (ravdess / "clips_av").glob("*.mp4"):
        folder = tmp_path / f"Actor_{clip.stem[-2:]}"
        folder.mkdir(exist_ok=True)
        (folder / clip.name).symlink_to(clip)
    rows = [*inventory(tmp_path, "01").values(), *inventory(tmp_path, "09").values()]
    assert [row.status for row in rows].count("accepted") == 5
    assert [row.reason for row in rows if row.status == "rejected"] == [
        "is video-only (02-): its audio track is silence"
    ] * 3


def test_the_real_actor_07_has_one_recording_twice(ravdess: Path) -> None:
    rows = inventory(ravdess, "07")
    [twin] = [row for row in rows.values() if row.status == "rejected"]
    assert twin.take_id == "01-03-01-02-02-07"
    assert twin.duplicate_of == "Actor_07/03-01-03-01-02-01-07.flac"


def test_the_real_stereo_recordings_and_the_quietest_actor_are_accepted(ravdess: Path) -> None:
    stereo = inspect_recording(InspectionTask(entry_of(ravdess / "Actor_05/03-01-02-01-02-02-05.flac", ravdess)))
    assert (stereo.status, stereo.channels) == ("accepted", 2)
    own = [row for row in inventory(ravdess, "09").values() if row.path.startswith("Actor_09/")]
    assert {row.status for row in own} == {"accepted"}


def row_of(path: str, sound: np.ndarray, actor: str, emotion: str, rate: int = 16000, comment: str = "") -> RawVideo:
    """The row of a recording that holds this sound."""
    row = RawVideo(path=path, actor=actor, bytes=1, take_id=f"{actor}/{path}", emotion=emotion)
    return inventory_module._with_sound(row, Recording(sound[None], rate, "wav", "pcm_s16le", comment))


SPOKEN = spoken(2.0, seed=1)
FORMS = {
    "quieter": (0.5 * SPOKEN, 16000),
    "at half the rate": (resample(SPOKEN, 16000, 8000), 8000),
    "later": (SPOKEN[320:], 16000),
}


@pytest.mark.parametrize("form", FORMS)
def test_one_performance_of_two_speakers_in_two_forms_is_a_contradiction(form: str) -> None:
    sound, rate = FORMS[form]
    ann = [row_of("a.wav", SPOKEN, "Ann", "joy")]
    bob = [row_of("b.wav", sound, "Bob", "joy", rate), row_of("c.wav", spoken(2.0, seed=2), "Bob", "joy")]
    settled = settle_all({"Ann": ann, "Bob": bob})
    [hers], [theirs, other] = settled["Ann"], settled["Bob"]
    assert (hers.problem, theirs.problem, other.status) == (Problem.CONTRADICTION, Problem.CONTRADICTION, "accepted")
    assert theirs.reason == "sounds the same as a.wav (joy, of Ann)"
    alone = settle_all({"Ann": [], "Bob": settled["Bob"]})["Bob"]
    assert [row.status for row in alone] == ["accepted", "accepted"]


@pytest.mark.parametrize("form", FORMS)
def test_one_performance_with_two_emotions_in_two_forms_is_a_contradiction(form: str) -> None:
    sound, rate = FORMS[form]
    settled = resolve_duplicates([row_of("a.wav", SPOKEN, "Ann", "joy"), row_of("b.wav", sound, "Ann", "fear", rate)])
    assert {row.problem for row in settled} == {Problem.CONTRADICTION}


@pytest.mark.parametrize("form", FORMS)
def test_one_performance_in_two_forms_under_one_label_is_used_once(form: str) -> None:
    sound, rate = FORMS[form]
    settled = resolve_duplicates([row_of("a.wav", SPOKEN, "Ann", "joy"), row_of("b.wav", sound, "Ann", "joy", rate)])
    assert [row.status for row in settled] == ["accepted", "rejected"]
    assert (settled[1].problem, settled[1].duplicate_of) == (Problem.SAME_RECORDING, "a.wav")
    assert settled[1].reason == "sounds the same as a.wav, under another name"


def test_a_synthesiser_may_say_a_sentence_twice_alike() -> None:
    twice = [
        row_of(name, level * SPOKEN, "Ann", "joy", comment=demo.DEMO_COMMENT) for name, level in (("a", 1), ("b", 0.5))
    ]
    assert [row.status for row in resolve_duplicates(twice)] == ["accepted", "accepted"]


def test_no_take_of_real_recordings_sounds_like_another(ravdess: Path) -> None:
    """The two takes of a sentence by one actor are the most alike of all."""
    names = [
        f"Actor_{actor}/03-01-0{code}-01-{end}-{actor}.flac"
        for actor in ("02", "18")
        for code in (1, 4, 5)
        for end in ("01-01", "01-02")
    ]
    heard = [(name, decode(ravdess / name)) for name in names]
    rows = [row_of(name, own.samples[0], name[6:8], name, own.sampling_rate) for name, own in heard]
    assert {row.status for row in resolve_duplicates(rows)} == {"accepted"}
