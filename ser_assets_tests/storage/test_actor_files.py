"""One Parquet file an actor, made anew take by take."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from ser_assets.storage.actor_files import ActorFiles, ClipsDamagedError, ClipsMissingError
from ser_assets.storage.batches import TAKES_AT_ONCE, Batch, batches_of
from ser_assets.storage.clips import Clip, clip_schema, clips_of, table_of
from ser_assets.storage.files import files_set_aside
from ser_assets_tests.factories.media import voice
from ser_assets_tests.factories.stored_data import put, spoken_clip

TAKES = [f"01-03-01-01-{number:02d}-05" for number in range(1, 2 * TAKES_AT_ONCE + 1)]


@pytest.fixture
def files(tmp_path: Path) -> ActorFiles:
    return ActorFiles(tmp_path)


def clip(take_id: str, variant: int = 0) -> Clip:
    samples = voice(0.05, rate=8000, seed=TAKES.index(take_id) + 100 * variant)
    return spoken_clip(take_id, samples, 8000, variant)


CLIPS = [clip(take_id, variant) for take_id in TAKES for variant in (0, 1)]
SCHEMA = clip_schema(8000)


def remake(files: ActorFiles, wanted: dict[str, str]) -> list[str]:
    """Store what has changed, as an asset does; tell which takes were made."""
    made = []

    def making(batch: Batch) -> Iterator[Clip]:
        made.extend(batch.to_make)
        return (each for each in CLIPS if each.take_id in batch.to_make)

    batches = batches_of("05", wanted, files.input_fingerprint("mono_audio", "05"), {})
    rows = ((batch, table_of(list(making(batch)), wanted) if batch.to_make else None) for batch in batches)
    files.write("mono_audio", "05", rows, SCHEMA, "a recipe")
    return made


def test_takes_that_have_not_changed_are_kept_and_the_file_is_the_same_to_the_byte(files: ActorFiles) -> None:
    wanted = {**dict.fromkeys(TAKES, "these"), TAKES[3]: "others"}
    assert remake(files, wanted) == TAKES
    all_made = files.path("mono_audio", "05").read_bytes()
    put(files, "mono_audio", "05", CLIPS, "these")
    assert remake(files, wanted) == [TAKES[3]]
    assert files.path("mono_audio", "05").read_bytes() == all_made


def test_a_take_that_is_gone_leaves_the_file_and_nothing_is_made(files: ActorFiles) -> None:
    put(files, "mono_audio", "05", CLIPS, "these")
    assert remake(files, dict.fromkeys(TAKES[1:], "these")) == []
    assert list(files.input_fingerprint("mono_audio", "05")) == TAKES[1:]


def test_a_new_take_is_made_alone(files: ActorFiles) -> None:
    put(files, "mono_audio", "05", CLIPS[4:], "these")
    assert remake(files, dict.fromkeys(TAKES, "these")) == TAKES[:2]
    assert [each.take_id for each in clips_of(files.rows("mono_audio", "05"))] == [each.take_id for each in CLIPS]


def test_nothing_is_to_be_done_where_nothing_has_changed() -> None:
    same = dict.fromkeys(TAKES, "these")
    assert batches_of("05", same, same, {}) == []


def test_the_takes_of_a_batch_are_read_alone(files: ActorFiles) -> None:
    put(files, "mono_audio", "05", CLIPS)
    [first, second] = clips_of(files.rows("mono_audio", "05", [TAKES[7]]))
    assert (first.take_id, first.variant, second.variant) == (TAKES[7], 0, 1)


def test_the_same_clips_give_the_same_bytes(files: ActorFiles) -> None:
    first = put(files, "mono_audio", "05", CLIPS).read_bytes()
    assert put(files, "mono_audio", "05", CLIPS).read_bytes() == first
    assert files.recipe("mono_audio", "05") == "a recipe"


def test_clips_that_are_not_there_are_asked_for_by_name(files: ActorFiles) -> None:
    with pytest.raises(ClipsMissingError, match="materialize mono_audio for 05"):
        files.rows("mono_audio", "05")
    assert files.input_fingerprint("mono_audio", "05") == {}
    assert files.recipe("mono_audio", "05") == ""
    assert files.labels("mono_audio", "05").empty
    assert files.query("mono_audio", "SELECT * FROM clips", actors=["05", "06"]) == []


def test_a_damaged_file_is_named_with_the_remedy(files: ActorFiles) -> None:
    path = put(files, "mono_audio", "05", CLIPS)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(
        ClipsDamagedError,
        match=r"actor_05\.parquet was damaged .* set aside as .*\.damaged-1: materialize mono_audio for 05",
    ):
        files.rows("mono_audio", "05")
    assert files.input_fingerprint("mono_audio", "05") == {}


def test_one_wrong_byte_anywhere_in_a_file_is_found_out_and_the_file_set_aside(files: ActorFiles) -> None:
    path = put(files, "mono_audio", "05", CLIPS)
    whole = path.read_bytes()
    passed = []
    for position in np.random.default_rng(0).integers(len(whole), size=60).tolist():
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x5A]) + whole[position + 1 :])
        try:
            rows = files.rows("mono_audio", "05")
        except ClipsDamagedError:
            assert not path.exists()
        else:
            passed.append(rows)
    path.write_bytes(whole)
    assert all(rows.equals(files.rows("mono_audio", "05")) for rows in passed)
    assert len(files_set_aside(files.folder)) == 60 - len(passed)


def test_a_query_sets_the_damaged_file_aside_and_answers_of_the_others_from_then_on(files: ActorFiles) -> None:
    put(files, "mono_audio", "05", CLIPS)
    damaged = put(files, "mono_audio", "06", CLIPS)
    damaged.write_bytes(b"PAR1 and then nothing of the kind PAR1")
    with pytest.raises(ClipsDamagedError, match="actor_06"):
        files.query("mono_audio", "SELECT count(*) AS clips FROM clips", actors=["05", "06"])
    assert files.query("mono_audio", "SELECT count(*) AS clips FROM clips", actors=["05", "06"]) == [
        {"clips": len(CLIPS)}
    ]


def test_a_file_that_may_not_be_read_is_not_taken_for_a_damaged_one(
    files: ActorFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = put(files, "mono_audio", "05", CLIPS)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pyarrow.parquet.read_table", refuse)
    with pytest.raises(PermissionError):
        files.rows("mono_audio", "05")
    assert path.exists()


def test_a_folder_may_be_called_anything(tmp_path: Path) -> None:
    files = ActorFiles(tmp_path / "my [data] *")
    put(files, "mono_audio", "05", CLIPS)
    [row] = files.query("mono_audio", "SELECT count(*) AS clips FROM clips", actors=["05"])
    assert row == {"clips": len(CLIPS)}


def test_a_file_of_another_version_is_made_anew_and_not_called_damaged(files: ActorFiles) -> None:
    path = put(files, "mono_audio", "05", CLIPS)
    pq.write_table(pq.read_table(path).drop_columns(["input_fingerprint"]), path)
    assert files.input_fingerprint("mono_audio", "05") == {}
    assert path.exists()


@pytest.mark.parametrize("speaker", ["Ann", "Ärger & Söhne", "../up", "a/b", "100 %"])
def test_every_speaker_has_a_file_whatever_the_name(files: ActorFiles, speaker: str) -> None:
    path = put(files, "mono_audio", speaker, CLIPS)
    assert path.parent == files.folder / "mono_audio"
    assert len(files.rows("mono_audio", speaker)) == len(CLIPS)


@pytest.mark.parametrize(
    "speakers",
    [
        ["Ann", "ann", "ANN", "aNN"],
        ["É", "é", "Éa", "ÉA"],
        ["a+1", "A", "A+1", "a"],
        ["01", "1", "S01", "s01"],
        ["x" * 100, "X" * 100, "a.parquet", "A.parquet"],
    ],
)
def test_files_of_speakers_differ_by_more_than_case_and_tell_whose_they_are(
    files: ActorFiles, speakers: list[str]
) -> None:
    paths = [put(files, "mono_audio", speaker, CLIPS[:1], speaker) for speaker in speakers]
    pictures = [files.picture_path("mono_audio", speaker) for speaker in speakers]
    assert len({path.name.lower() for path in [*paths, *pictures]}) == 2 * len(speakers)
    assert max(len(path.name) for path in paths) < 200
    assert files.actors("mono_audio") == sorted(speakers)
    for speaker in speakers:
        assert set(files.input_fingerprint("mono_audio", speaker).values()) == {speaker}
        found = files.query("mono_audio", "SELECT DISTINCT input_fingerprint FROM clips", actors=[speaker])
        assert found == [{"input_fingerprint": speaker}]


def test_files_of_the_actors_of_ravdess_are_named_by_their_number(files: ActorFiles) -> None:
    assert files.path("mono_audio", "01").name == "actor_01.parquet"


def test_a_damaged_file_names_the_speaker_as_written(files: ActorFiles) -> None:
    path = put(files, "mono_audio", "Ann+B", CLIPS)
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ClipsDamagedError, match=r"materialize mono_audio for Ann\+B again"):
        files.rows("mono_audio", "Ann+B")


def test_a_write_that_fails_leaves_the_old_clips(files: ActorFiles) -> None:
    put(files, "mono_audio", "05", CLIPS, "these")
    broken = dataclasses.replace(CLIPS[0], samples=None)  # type: ignore[arg-type]
    with pytest.raises(Exception):  # noqa: B017, PT011
        put(files, "mono_audio", "05", [*CLIPS[2:], broken], "others")
    assert set(files.input_fingerprint("mono_audio", "05").values()) == {"these"}
    assert [path.name for path in (files.folder / "mono_audio").iterdir()] == ["actor_05.parquet"]


def test_a_new_file_takes_the_picture_of_the_old_one_away(files: ActorFiles) -> None:
    put(files, "mono_audio", "05", CLIPS)
    files.write_picture("mono_audio", "05", b"a picture")
    put(files, "mono_audio", "05", CLIPS)
    assert not files.picture_path("mono_audio", "05").exists()


def test_takes_that_were_to_be_kept_and_are_gone_are_not_passed_over(files: ActorFiles) -> None:
    put(files, "mono_audio", "05", CLIPS, "these")
    wanted = {**dict.fromkeys(TAKES, "these"), TAKES[3]: "others"}
    batches = batches_of("05", wanted, files.input_fingerprint("mono_audio", "05"), {})
    files.path("mono_audio", "05").unlink()
    new = table_of([each for each in CLIPS if each.take_id == TAKES[3]], wanted)
    with pytest.raises(ClipsMissingError, match="changed while it was being made: run again"):
        files.write("mono_audio", "05", zip(batches, [new, None], strict=True), SCHEMA, "a recipe")
    assert not files.path("mono_audio", "05").exists()
