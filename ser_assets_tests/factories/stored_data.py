"""Clips made up and put at rest by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ser_assets.learning.data.set_names import FUNCTIONALS, MEL_SEQUENCES
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.batches import batches_of
from ser_assets.storage.clips import Clip, clip_schema, table_of

SETS = (FUNCTIONALS, MEL_SEQUENCES)
"""What asset `features` measures."""


def spoken_clip(take_id: str, samples: np.ndarray, rate: int, variant: int = 0) -> Clip:
    """A clip of actor 05, happy."""
    return Clip(
        take_id,
        variant,
        actor="05",
        voice="05",
        emotion="happy",
        intensity="normal",
        statement="Kids are talking by the door",
        repetition=1,
        gender="male",
        audio_hash=f"recording of {take_id}",
        samples=samples,
        sampling_rate=rate,
    )


def put(files: ActorFiles, asset: str, actor: str, clips: Sequence[Clip], input_fingerprint: str = "by hand") -> Path:
    """Store an actor's clips as an asset does, each take made from the same."""
    wanted = dict.fromkeys((clip.take_id for clip in clips), input_fingerprint)
    batches = batches_of(actor, wanted, {}, {})
    made = [table_of([clip for clip in clips if clip.take_id in batch.input_fingerprint], wanted) for batch in batches]
    schema = clip_schema(clips[0].sampling_rate)
    return files.write(asset, actor, zip(batches, made, strict=True), schema, "a recipe")
