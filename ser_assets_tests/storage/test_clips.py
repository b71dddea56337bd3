"""Clips at rest in Parquet files."""

import dataclasses
import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.clips import clips_of
from ser_assets_tests.factories.media import voice
from ser_assets_tests.factories.stored_data import put, spoken_clip

ORIGINAL = spoken_clip("01-03-01-01-01-05", voice(0.5, rate=22050), 22050)
COPY = dataclasses.replace(ORIGINAL, variant=1, transform="noise", parameters='{"noise_std": 0.01}', seed=7)
OTHER_VOICE = dataclasses.replace(
    ORIGINAL, variant=2, voice="05 at 0.92", transform="speed", parameters='{"speed": 0.92}'
)


@pytest.fixture
def files(tmp_path: Path) -> ActorFiles:
    return ActorFiles(tmp_path)


def test_clips_come_back_as_they_went_in(files: ActorFiles) -> None:
    clips = [ORIGINAL, COPY, OTHER_VOICE]
    put(files, "augmented_set", "05", clips)
    back = clips_of(files.rows("augmented_set", "05"))
    for before, after in zip(clips, back, strict=True):
        np.testing.assert_array_equal(before.samples, after.samples)
        assert dataclasses.replace(before, samples=None) == dataclasses.replace(after, samples=None)  # type: ignore[arg-type]


def test_duckdb_reads_the_labels_and_anybody_the_sound(files: ActorFiles) -> None:
    put(files, "augmented_set", "05", [ORIGINAL, COPY])
    wavs = "SELECT take_id, variant, audio.bytes AS wav FROM clips ORDER BY variant"
    rows = files.query("augmented_set", wavs, actors=["05"])
    assert [row["variant"] for row in rows] == [0, 1]
    samples, rate = soundfile.read(io.BytesIO(rows[0]["wav"]), dtype="float32")
    np.testing.assert_array_equal(samples, ORIGINAL.samples)
    assert rate == 22050


def test_labels_are_read_without_the_sound(files: ActorFiles) -> None:
    put(files, "augmented_set", "05", [ORIGINAL, COPY, OTHER_VOICE])
    labels = files.labels("augmented_set", "05")
    assert list(labels["variant"]) == [0, 1, 2]
    assert list(labels["voice"]) == ["05", "05", "05 at 0.92"]
    assert "audio" not in labels
    assert labels["seconds"].iloc[0] == pytest.approx(0.5)
