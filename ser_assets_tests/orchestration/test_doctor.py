"""`ser-assets doctor`: what is wrong, and what to do about it."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner, Result

from ser_assets.cli import main
from ser_assets.serving.bundle import champion_folder
from ser_assets.serving.withdrawn import WITHDRAWN_FILE
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.files import files_set_aside
from ser_assets.storage.tables import PREDICTIONS
from ser_assets.storage.warehouse import Warehouse
from ser_assets_tests.factories.media import encode, voice, write_mp4, write_wav
from ser_assets_tests.factories.signals import spoken
from ser_assets_tests.factories.stored_data import put, spoken_clip

TAKE = "Actor_03/03-01-03-01-01-01-03.wav"


def doctor(*options: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *options])


def sing(settings: Settings) -> None:
    """Write a take of each emotion, of two actors."""
    for actor in ("03", "04"):
        for number in range(1, 9):
            sound = voice(hertz=100 + 10 * number, seed=int(actor))
            write_wav(settings.raw_dir / f"Actor_{actor}/03-01-0{number}-01-01-01-{actor}.wav", sound)


def test_a_sound_corpus_needs_nothing(settings: Settings) -> None:
    sing(settings)
    write_mp4(settings.raw_dir / "Actor_03/01-01-03-01-01-01-03.mp4", voice())
    result = doctor()
    assert result.exit_code == 0
    assert "16 takes of 2 actors can be used" in result.output
    assert "happy: 2 takes of 2 actors" in result.output
    assert "second file of a take (1)" in result.output
    assert "no problems found" in result.output


def test_tracks_and_files_that_are_left_out_are_told(settings: Settings) -> None:
    sing(settings)
    film = settings.raw_dir / "Actor_03/01-01-03-01-01-02-03.mp4"
    encode(film, [np.zeros(48000, np.float32), voice(hertz=90)], "-c:a", "aac")
    for name in ("Actor_03/notes.txt", "checksums.md5", "list.txt", ".DS_Store"):
        (settings.raw_dir / name).touch()
    result = doctor()
    assert result.exit_code == 0
    told = "several audio tracks (1)\n  Actor_03/01-01-03-01-01-02-03.mp4 has 2 audio tracks: track 2 is used\n"
    assert told in result.output
    assert "skipped 3 files that are no recordings: .txt (2), .md5 (1)" in result.output


def test_bad_files_are_told_by_problem_with_reason_and_remedy(settings: Settings) -> None:
    write_wav(settings.raw_dir / TAKE, voice())
    (settings.raw_dir / "Actor_03/03-01-04-01-01-01-03.wav").touch()
    write_wav(settings.raw_dir / "holiday.wav", voice())
    result = doctor()
    assert result.exit_code == 1
    assert "empty file (1)\n  Actor_03/03-01-04-01-01-01-03.wav is empty (0 bytes)\n  -> Copy or" in result.output
    assert "of no actor (1)\n  holiday.wav lies in no folder of an actor" in result.output


def test_too_little_to_learn_from_is_told(settings: Settings) -> None:
    empty = doctor()
    assert empty.exit_code == 1
    assert f"no recordings under {settings.raw_dir}/**/Actor_NN/" in empty.output.replace("\n", " ")
    write_wav(settings.raw_dir / TAKE, voice())
    assert "too few actors (1)" in doctor().output
    sing(settings)
    (settings.raw_dir / "Actor_04/03-01-05-01-01-01-04.wav").unlink()
    assert "emotions of fewer than two actors (1)\n  angry\n" in doctor().output


def test_one_recording_of_two_actors_is_told(settings: Settings) -> None:
    sing(settings)
    theirs = settings.raw_dir / "Actor_04/03-01-05-01-01-01-04.wav"
    theirs.write_bytes((settings.raw_dir / "Actor_03/03-01-05-01-01-01-03.wav").read_bytes())
    result = doctor()
    assert result.exit_code == 1
    assert "one recording, two labels (2)" in result.output


def test_two_voices_on_two_channels_are_told_with_the_command_that_parts_them(settings: Settings) -> None:
    sing(settings)
    path = settings.raw_dir / "Actor_03/03-01-03-01-01-02-03.wav"
    write_wav(path, np.stack([spoken(1.0, seed=1), spoken(1.0, seed=2)]), 16000)
    result = doctor()
    assert result.exit_code == 1
    assert "two voices on two channels (1)\n  Actor_03/03-01-03-01-01-02-03.wav has channels of diff" in result.output
    assert "-af 'pan=mono|c0=c1'" in result.output


def test_a_recording_that_breaks_off_into_zeros_is_told(settings: Settings) -> None:
    sing(settings)
    path = settings.raw_dir / "Actor_03/03-01-03-01-01-02-03.wav"
    write_wav(path, np.where(np.arange(48000) < 24000, voice(), 0).astype(np.float32))
    result = doctor()
    assert result.exit_code == 1
    assert "03-01-03-01-01-02-03.wav breaks off into 0.50 s of digital silence" in result.output


@pytest.mark.parametrize(("seconds", "told"), [(16.0, True), (14.0, False)])
def test_a_recording_far_longer_than_the_others_is_told(settings: Settings, seconds: float, told: bool) -> None:
    sing(settings)
    write_wav(settings.raw_dir / "Actor_03/03-01-03-01-01-02-03.wav", voice(seconds, rate=8000), 8000)
    assert ("far longer than the others (1)" in doctor().output) is told


def test_a_pointer_of_git_is_told_with_its_remedy(settings: Settings) -> None:
    sing(settings)
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:c6f9\nsize 72862\n"
    (settings.raw_dir / "Actor_03/03-01-03-01-01-02-03.wav").write_text(pointer)
    output = doctor().output
    assert "pointer to a recording (1)\n  Actor_03/03-01-03-01-01-02-03.wav is a git-lfs pointer\n" in output
    assert "git lfs pull" in output


def test_names_of_files_do_not_move_the_cursor(settings: Settings) -> None:
    (settings.raw_dir / "Actor_03").mkdir(parents=True)
    (settings.raw_dir / "Actor_03/a\x1b[2Jb\n.wav").touch()
    assert "a\\x1b[2Jb\\n.wav" in doctor().output


def test_many_files_of_a_kind_are_named_only_when_asked(settings: Settings) -> None:
    for number in (1, 2, 3, 4, 5, 6, 7):
        (settings.raw_dir / "Actor_03").mkdir(parents=True, exist_ok=True)
        (settings.raw_dir / f"Actor_03/take {number}.wav").touch()
    assert "… and 2 more: --all" in doctor().output
    assert doctor("--all").output.count("not a RAVDESS name") == 7


def test_models_that_left_the_catalogue_are_told(settings: Settings) -> None:
    sing(settings)
    rows = pa.table({"model": ["cnn", "ensemble", "gone", "gone"]})
    Warehouse(settings.corpus_dir).replace_rows(PREDICTIONS, rows, {})
    result = doctor()
    assert result.exit_code == 0
    assert "models that left the catalogue (1)\n  gone\n  -> Nothing to do: the report leaves" in result.output


def test_a_damaged_mark_on_the_champion_is_told(settings: Settings) -> None:
    sing(settings)
    mark = champion_folder(settings.corpus_dir) / WITHDRAWN_FILE
    mark.parent.mkdir(parents=True)
    mark.write_text("[]")
    result = doctor()
    assert result.exit_code == 1
    assert f"champion with a damaged mark (1)\n  {mark} is damaged" in result.output


def test_damage_at_rest_is_told_and_set_aside(settings: Settings) -> None:
    sing(settings)
    settings.corpus_dir.mkdir(parents=True)
    (settings.corpus_dir / "ser.duckdb").write_bytes(b"garbage" * 1000)
    files = ActorFiles(settings.corpus_dir)
    for actor in ("05", "06"):
        clips = put(files, "mono_audio", actor, [spoken_clip("a take", voice(), 48000)])
        clips.write_bytes(clips.read_bytes()[:-30])
    result = doctor()
    assert result.exit_code == 1
    assert "damaged stored files (3)" in result.output
    assert "`ser-assets run`" in result.output
    assert len(files_set_aside(settings.data_dir)) == 3
    second = doctor()
    assert second.exit_code == 0
    assert "damaged and set aside (3)" in second.output


def test_bad_rows_of_a_table_are_told_with_their_line(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_wav(tmp_path / "a.wav", voice())
    (tmp_path / "voices.csv").write_text("path,speaker,emotion\na.wav,Ann,joy\nb.wav,Ann,fear\nc.wav,,joy\n,Ann,joy\n")
    monkeypatch.setenv("SER_CORPUS", "table")
    monkeypatch.setenv("SER_CORPUS_TABLE", str(tmp_path / "voices.csv"))
    output = doctor().output
    assert "b.wav cannot be read (No such file or directory) (line 3 of voices.csv)" in output
    assert "row without meaning (1)\n  line 5 of voices.csv has no path" in output
    assert "of no actor (1)\n  line 4 of voices.csv has no speaker\n  -> Correct these rows" in output
    assert not (settings.corpus_dir / "ser.duckdb").exists()


@pytest.mark.parametrize("command", ["doctor", "run"])
def test_speakers_that_may_be_one_person_are_refused_with_their_lines(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    names = ["1", "Ann", "ann", "01", "Bob", "1.0"]
    rows = []
    for number, name in enumerate(names):
        for emotion in ("joy", "fear"):
            clip = write_wav(tmp_path / f"{number}{emotion}.wav", voice(hertz=100 + 10 * len(rows), seed=len(rows)))
            rows.append(f"{clip.name},{name},{emotion}")
    (tmp_path / "voices.csv").write_text("\n".join(["path,speaker,emotion", *rows]))
    monkeypatch.setenv("SER_CORPUS", "table")
    monkeypatch.setenv("SER_CORPUS_TABLE", str(tmp_path / "voices.csv"))
    result = CliRunner().invoke(main, [command])
    assert result.exit_code == 1
    told = " ".join(result.output.split())
    assert "'01' (line 8 of voices.csv), '1' (line 2 of voices.csv), '1.0' (line 12 of voices.csv); 'Ann'" in told
    assert "SER_DISTINCT_SPEAKERS=true" in told
    assert not (settings.corpus_dir / "ser.duckdb").exists()
    monkeypatch.setenv("SER_DISTINCT_SPEAKERS", "true")
    assert "12 takes of 6 actors can be used" in doctor().output


def test_a_table_that_is_not_there_is_told_in_one_line(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SER_CORPUS", "table")
    result = doctor()
    assert result.exit_code == 1
    assert "SER_CORPUS=table needs SER_CORPUS_TABLE" in result.output
    monkeypatch.setenv("SER_CORPUS_TABLE", str(settings.data_dir / "voices.csv"))
    assert "voices.csv cannot be read (No such file or directory)" in doctor().output.replace("\n", " ")


def test_columns_that_are_not_used_and_speakers_of_two_genders_are_told(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = []
    for number, (speaker, gender) in enumerate(
        [("Ann", "female"), ("Ann", "Female "), ("Bob", "male"), ("Bob", "female"), ("Cay", ""), ("Cay", "MALE")]
    ):
        clip = write_wav(tmp_path / f"{number}.wav", voice(hertz=100 + 10 * number, seed=number))
        rows.append(f"{clip.name},{speaker},{('joy', 'fear')[number % 2]},{gender},x")
    (tmp_path / "voices.csv").write_text("\n".join(["path,speaker,emotion,gender,Room", *rows]))
    monkeypatch.setenv("SER_CORPUS", "table")
    monkeypatch.setenv("SER_CORPUS_TABLE", str(tmp_path / "voices.csv"))
    result = doctor()
    assert result.exit_code == 1
    assert "columns that are not used (1)\n  Room\n" in result.output
    told = "  Bob is male (line 4 of voices.csv) and female (line 5 of voices.csv)\n"
    assert f"speakers of two genders (1)\n{told}" in result.output
    assert not (settings.corpus_dir / "ser.duckdb").exists()


def test_rows_that_contradict_each_other_need_doing(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        write_wav(tmp_path / f"{number}.wav", voice(hertz=100 + 10 * number, seed=number))
    rows = ["0.wav,Ann,joy,", "1.wav,Ann,fear,7", "2.wav,Bob,joy,", "3.wav,Ann,fear,07", "0.wav,Bob,joy,"]
    (tmp_path / "voices.csv").write_text("\n".join(["path,speaker,emotion,take_id", *rows]))
    monkeypatch.setenv("SER_CORPUS", "table")
    monkeypatch.setenv("SER_CORPUS_TABLE", str(tmp_path / "voices.csv"))
    output = " ".join(doctor("--all").output.split())
    assert "1 takes of 1 actors can be used" in output
    assert "one recording, two labels (2)" in output
    assert "row without meaning (2)" in output
    assert "0.wav is listed on line 6 of voices.csv too, with speaker Bob and not Ann (line 2 of voices.csv)" in output
    assert not (settings.corpus_dir / "ser.duckdb").exists()
