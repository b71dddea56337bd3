"""What is done to one clip at each step; worker processes import this, so it knows nothing of Dagster."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ser_assets.audio.augmentation import Planned, copy_at_speed, copy_clip
from ser_assets.audio.decode import DecodeError, load_mono
from ser_assets.audio.features import Measurement, measure
from ser_assets.audio.silence import trim
from ser_assets.settings import Settings
from ser_assets.storage.clips import LABELS, Clip


def decode_take(raw_video: Mapping[str, Any], settings: Settings) -> Clip:
    """Turn an accepted row of `raw_videos` into a mono clip.

    Raises:
        DecodeError: the file has changed since it was accepted, and can no longer be decoded; the message names it.
    """
    path = settings.raw_dir / Path(raw_video["path"])
    try:
        samples = load_mono(path, settings.sampling_rate)
    except DecodeError as error:
        raise DecodeError(f"{path} {error}: materialize raw_videos for actor {raw_video['actor']} again") from error
    labels = {name: raw_video[name] for name in LABELS if name not in ("variant", "voice")}
    return Clip(**labels, variant=0, voice=raw_video["actor"], samples=samples, sampling_rate=settings.sampling_rate)


def trim_clip(clip: Clip, settings: Settings) -> Clip:
    """Take the silence out of a clip."""
    trimmed = trim(
        clip.samples,
        clip.sampling_rate,
        mode=settings.trim_mode,
        below_peak_db=settings.trim_below_peak_db,
        minimum_seconds=settings.minimum_clip_seconds,
    )
    return dataclasses.replace(clip, samples=trimmed.samples, kept_whole=trimmed.kept_whole)


def copies_of(clip_and_plan: tuple[Clip, Sequence[Planned]], settings: Settings) -> list[Clip]:
    """Hand out a clip and its augmented copies; one at another speed is another voice."""
    clip, plan = clip_and_plan
    snr_db = (settings.noise_snr_db_low, settings.noise_snr_db_high)
    clips = [clip]
    for variant, (transform, speed) in enumerate(plan, start=1):
        if speed is None:
            voice = clip.voice
            copy = copy_clip(clip.samples, clip.sampling_rate, transform, clip.take_id, variant, snr_db)
        else:
            voice = f"{clip.actor} at {speed}"
            copy = copy_at_speed(clip.samples, clip.sampling_rate, speed)
        clips.append(dataclasses.replace(clip, variant=variant, voice=voice, **vars(copy)))
    return clips


def measure_clip(clip: Clip) -> Measurement:
    """Compute the functionals and the mel sequence of a clip."""
    return measure(clip.samples, clip.sampling_rate)
