"""What a worker process does with a batch of takes at each step; it knows nothing of Dagster."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_assets.audio.augmentation import PlannedCopy, augment_clip, perturb_speed
from ser_assets.audio.decoding.decode import DecodeError, decode
from ser_assets.audio.decoding.mono import to_mono
from ser_assets.audio.features.extract import ClipFeatures, extract_features
from ser_assets.audio.features.names import functional_names
from ser_assets.audio.pipeline import mono_clip, trimmed_clip
from ser_assets.corpus.interface import path_of
from ser_assets.corpus.inventory import audio_hash
from ser_assets.encoders.encoder import Embedding
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.batches import Batch
from ser_assets.storage.clips import LABELS, TAKE_LABELS, Clip, clips_of, table_of

if TYPE_CHECKING:
    import pyarrow as pa

CLIPS_IN_A_PICTURE = 4
EMOTIONS_IN_A_PICTURE = ("neutral", "happy", "sad", "angry")


def decode_batch(batch: Batch, settings: Settings, root: Path) -> "pa.Table | None":
    """Turn accepted rows of `raw_videos` into rows of mono clips.

    Args:
        batch: takes of one actor.
        settings: of the platform.
        root: folder from which the names of recordings count.

    Raises:
        DecodeError: a file has changed since it was accepted; the message names it.
    """
    clips = [_decode_take(batch.about[take_id], settings, root) for take_id in batch.to_make]
    return table_of(clips, batch.input_fingerprint) if clips else None


def trim_batch(batch: Batch, settings: Settings) -> "pa.Table | None":
    """Take the silence out of clips of `mono_audio`."""
    clips = [_trim_clip(clip, settings) for clip in _upstream("mono_audio", batch, settings)]
    return table_of(clips, batch.input_fingerprint) if clips else None


def augment_batch(batch: Batch, settings: Settings) -> "pa.Table | None":
    """Hand out clips of `trimmed_audio` and the copies that are planned of each."""
    clips = [
        copy
        for clip in _upstream("trimmed_audio", batch, settings)
        for copy in _copies_of(clip, batch.about[clip.take_id], settings)
    ]
    return table_of(clips, batch.input_fingerprint) if clips else None


def measure_batch(batch: Batch, settings: Settings) -> "pa.Table | None":
    """Compute functionals and sequences of clips of `augmented_set`."""
    clips = _upstream("augmented_set", batch, settings)
    measured = [extract_features(clip.samples, clip.sampling_rate) for clip in clips]
    return _measured_table(clips, measured, batch) if clips else None


def embed_batch(batch: Batch, settings: Settings) -> "pa.Table | None":
    """Embed the takes of `augmented_set` and their copies in other voices."""
    clips = [clip for clip in _upstream("augmented_set", batch, settings) if _is_embedded(clip)]
    if not clips:
        return None
    encoder = settings.encoder_choice.open()
    made = [encoder.embed(clip.samples, clip.sampling_rate) for clip in clips]
    return _embedded_table(clips, made, batch)


def embedding_differences(
    stored: Sequence[dict[str, Any]], settings: Settings, actor_files: ActorFiles
) -> list[dict[str, Any]]:
    """Embed clips once more, each alone.

    Args:
        stored: rows with actor, take_id, variant, mean and deviation.
        settings: of the platform.
        actor_files: files of the corpus.

    Returns:
        A row for each clip: actor, take_id, variant, and the largest difference to what is stored, as a share of the
        largest value.
    """
    import numpy as np

    encoder = settings.encoder_choice.open()
    rows = []
    for row in stored:
        clips = clips_of(actor_files.rows("augmented_set", row["actor"], [row["take_id"]]))
        clip = next(each for each in clips if each.variant == row["variant"])
        made = encoder.embed(clip.samples, clip.sampling_rate)
        difference = max(float(np.abs(getattr(made, name) - row[name]).max()) for name in ("mean", "deviation"))
        key = {name: row[name] for name in ("actor", "take_id", "variant")}
        rows.append(key | {"difference": difference / float(np.abs(made.mean).max())})
    return rows


def draw_clips(asset: str, actor: str, actor_files: ActorFiles) -> None:
    """Draw a few of an actor's clips: one of each of some emotions, or the clips that the first of its copies have.

    The picture is kept beside the clips.
    """
    from ser_assets.reporting.figures.thumbnails import clip_strip

    first = {emotion: take_id for take_id, emotion in reversed(actor_files.emotions(asset, actor).items())}
    takes = [first[emotion] for emotion in EMOTIONS_IN_A_PICTURE if emotion in first] or list(first.values())
    clips = clips_of(actor_files.rows(asset, actor, takes[:CLIPS_IN_A_PICTURE]))
    if any(clip.variant > 0 for clip in clips):
        shown = [(f"{clip.emotion}, {clip.transform or 'original'}", clip.samples) for clip in clips]
    else:
        clips.sort(key=lambda clip: takes.index(clip.take_id))
        shown = [(clip.emotion, clip.samples) for clip in clips]
    png = clip_strip(shown[:CLIPS_IN_A_PICTURE], clips[0].sampling_rate)
    actor_files.write_picture(asset, actor, png)


def _upstream(asset: str, batch: Batch, settings: Settings) -> list[Clip]:
    if not batch.to_make:
        return []
    return clips_of(ActorFiles(settings.corpus_dir).rows(asset, batch.actor, batch.to_make))


def _decode_take(raw_video: dict[str, Any], settings: Settings, root: Path) -> Clip:
    path = path_of(raw_video["path"], root)
    try:
        recording = decode(path)
        mono = to_mono(recording.samples)
        if audio_hash(mono, recording.sampling_rate) != raw_video["audio_hash"]:
            raise DecodeError("holds another recording than when raw_videos was materialized")
        samples = mono_clip(mono, recording.sampling_rate, settings.preprocessing)
    except DecodeError as error:
        remedy = f"materialize raw_videos for actor {raw_video['actor']} again"
        raise DecodeError(f"{path} {error}: {remedy}", error.problem) from error
    actor, labels = raw_video["actor"], {name: raw_video[name] for name in TAKE_LABELS}
    return Clip(raw_video["take_id"], 0, actor, actor, **labels, samples=samples, sampling_rate=settings.sampling_rate)


def _trim_clip(clip: Clip, settings: Settings) -> Clip:
    return dataclasses.replace(clip, **vars(trimmed_clip(clip.samples, settings.preprocessing)))


def _copies_of(clip: Clip, plan: Sequence[PlannedCopy], settings: Settings) -> list[Clip]:
    """A clip and its augmented copies; one at another speed is another voice."""
    snr_db = (settings.noise_min_snr_db, settings.noise_max_snr_db)
    clips = [clip]
    for variant, (transform, speed) in enumerate(plan, start=1):
        if speed is None:
            voice = clip.voice
            copy = augment_clip(clip.samples, clip.sampling_rate, transform, clip.take_id, variant, snr_db)
        else:
            voice = f"{clip.actor} at {speed}"
            copy = perturb_speed(clip.samples, clip.sampling_rate, speed)
        clips.append(dataclasses.replace(clip, variant=variant, voice=voice, **vars(copy)))
    return clips


def _is_embedded(clip: Clip) -> bool:
    """Whether it is a take, or a copy that sounds like another speaker."""
    return clip.variant == 0 or clip.voice != clip.actor


def _embedded_table(clips: Sequence[Clip], made: Sequence[Embedding], batch: Batch) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    columns: dict[str, Any] = {name: [clip.labels[name] for clip in clips] for name in LABELS}
    columns |= {
        "input_fingerprint": [batch.input_fingerprint[clip.take_id] for clip in clips],
        "encoder": [each.encoder.name for each in made],
        "encoder_sha256": [each.encoder.sha256 for each in made],
        "layers": [list(each.layers) for each in made],
    }
    for name in ("mean", "deviation"):
        columns[name] = [list(getattr(each, name).astype(np.float16)) for each in made]
    return pa.table(columns, schema=embedded_schema())


def embedded_schema() -> "pa.Schema":
    """Columns of stored embeddings, one row a clip; `mean` and `deviation` have a list for each of `layers`."""
    import pyarrow as pa

    types = {"variant": pa.int32(), "repetition": pa.int32()}
    numbers = pa.list_(pa.list_(pa.float16()))
    texts = (*LABELS, "input_fingerprint", "encoder", "encoder_sha256")
    return pa.schema(
        [
            *(pa.field(name, types.get(name, pa.string())) for name in texts),
            pa.field("layers", pa.list_(pa.int32())),
            pa.field("mean", numbers),
            pa.field("deviation", numbers),
        ]
    )


def _measured_table(clips: Sequence[Clip], measured: Sequence[ClipFeatures], batch: Batch) -> "pa.Table":
    import numpy as np
    import pyarrow as pa

    columns: dict[str, Any] = {name: [clip.labels[name] for clip in clips] for name in LABELS}
    functionals = np.stack([each.functionals for each in measured])
    return pa.table(
        columns
        | {
            "transform": [clip.transform for clip in clips],
            "input_fingerprint": [batch.input_fingerprint[clip.take_id] for clip in clips],
            "functionals": pa.FixedSizeListArray.from_arrays(functionals.ravel(), functionals.shape[1]),
            "frames": [len(each.mel) for each in measured],
            "bands": [each.mel.shape[1] for each in measured],
            "mel": [each.mel.ravel() for each in measured],
            "f0": [each.pitch[:, 0] for each in measured],
            "harmonicity": [each.pitch[:, 1] for each in measured],
        },
        schema=measured_schema(),
    )


def measured_schema() -> "pa.Schema":
    """Columns of stored measurements, one row a clip; `functionals` in the order of `functional_names()`."""
    import pyarrow as pa

    types = {"variant": pa.int32(), "repetition": pa.int32()}
    numbers = pa.list_(pa.float32())
    return pa.schema(
        [
            *(pa.field(name, types.get(name, pa.string())) for name in (*LABELS, "transform", "input_fingerprint")),
            pa.field("functionals", pa.list_(pa.float32(), len(functional_names()))),
            *(pa.field(name, pa.int32()) for name in ("frames", "bands")),
            *(pa.field(name, numbers) for name in ("mel", "f0", "harmonicity")),
        ]
    )
