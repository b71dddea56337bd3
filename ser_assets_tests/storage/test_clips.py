"""Clips at rest in Parquet files."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_assets.storage.clips import Clip, ClipsMissingError, ClipStore
from ser_assets_tests.media import voice

ORIGINAL = Clip(
    take_id="01-03-01-01-01-05",
    variant=0,
    actor="05",
    voice="05",
    emotion="happy",
    intensity="normal",
    statement="Kids are talking by the door",
    repetition=1,
    gender="male",
    recording="abc",
    samples=voice(0.5, rate=22050),
    sampling_rate=22050,
)
COPY = dataclasses.replace(ORIGINAL, variant=1, transform="noise", parameters='{"noise_std": 0.01}', seed=7)
OTHER_VOICE = dataclasses.replace(
    ORIGINAL, variant=2, voice="05 at 0.92", transform="speed", parameters='{"speed": 0.92}'
)


@pytest.fixture
def store(tmp_path: Path) -> ClipStore:
    return ClipStore(tmp_path)


def test_clips_come_back_as_they_went_in(store: ClipStore) -> None:
    clips = [ORIGINAL, COPY, OTHER_VOICE]
    store.write("augmented_set", "05", clips, "made-from-this", "by hand")
    back = store.read("augmented_set", "05")
    for before, after in zip(clips, back, strict=True):
        np.testing.assert_array_equal(before.samples, after.samples)
        assert dataclasses.replace(before, samples=None) == dataclasses.replace(after, samples=None)  # type: ignore[arg-type]
    assert store.fingerprint("augmented_set", "05") == "made-from-this"
    assert store.recipe("augmented_set", "05") == "by hand"


def test_the_same_clips_give_the_same_bytes(store: ClipStore) -> None:
    first = store.write("mono_audio", "05", [ORIGINAL], "x", "by hand").read_bytes()
    assert store.write("mono_audio", "05", [ORIGINAL], "x", "by hand").read_bytes() == first


def test_duckdb_reads_the_labels_and_anybody_the_sound(store: ClipStore) -> None:
    store.write("augmented_set", "05", [ORIGINAL, COPY], "x", "by hand")
    rows = store.query("augmented_set", "SELECT take_id, variant, audio.bytes AS wav FROM clips ORDER BY variant")
    assert [row["variant"] for row in rows] == [0, 1]
    samples, rate = soundfile.read(io.BytesIO(rows[0]["wav"]), dtype="float32")
    np.testing.assert_array_equal(samples, ORIGINAL.samples)
    assert rate == 22050


def test_labels_are_read_without_the_sound(store: ClipStore) -> None:
    store.write("augmented_set", "05", [ORIGINAL, COPY, OTHER_VOICE], "x", "by hand")
    labels = store.labels("augmented_set", "05")
    assert list(labels["variant"]) == [0, 1, 2]
    assert list(labels["voice"]) == ["05", "05", "05 at 0.92"]
    assert "audio" not in labels
    assert labels["seconds"].iloc[0] == pytest.approx(0.5)


def test_clips_that_are_not_there_are_asked_for_by_name(store: ClipStore) -> None:
    with pytest.raises(ClipsMissingError, match="materialize mono_audio for 05"):
        store.read("mono_audio", "05")
    assert store.fingerprint("mono_audio", "05") is None
    assert store.labels("mono_audio", "05").empty
    assert store.query("mono_audio", "SELECT * FROM clips") == []


def test_a_damaged_file_is_named_with_the_remedy(store: ClipStore) -> None:
    path = store.write("mono_audio", "05", [ORIGINAL], "x", "by hand")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(
        ClipsMissingError, match=r"actor_05\.parquet is damaged .* delete it and materialize mono_audio"
    ):
        store.read("mono_audio", "05")
    assert store.fingerprint("mono_audio", "05") is None


def test_a_write_that_fails_leaves_the_old_clips(store: ClipStore) -> None:
    store.write("mono_audio", "05", [ORIGINAL], "x", "by hand")
    broken = dataclasses.replace(ORIGINAL, samples=None)  # type: ignore[arg-type]
    with pytest.raises(Exception):  # noqa: B017, PT011
        store.write("mono_audio", "05", [broken], "y", "by hand")
    assert store.fingerprint("mono_audio", "05") == "x"
    assert [path.name for path in (store.data_dir / "mono_audio").iterdir()] == ["actor_05.parquet"]
