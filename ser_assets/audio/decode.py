"""From any container that ffmpeg reads to one float32 channel at a chosen sampling rate, inside this process."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

# What the sound is, the first packets tell: ffmpeg would decode video, and read a WAV to its end, to know more.
PROBE = {"skip_frame": "all", "probesize": "32768"}
CANCELLATION_DB = 20.0
SHORT_OF_DECLARED = 0.9


class DecodeError(ValueError):
    """A recording that cannot be turned into sound; the message says why, without the path."""


@dataclass(frozen=True)
class Recording:
    """The sound of one file: float32 `samples` of shape (channels, samples), and what the container says of them."""

    samples: np.ndarray
    sampling_rate: int
    container: str
    codec: str
    comment: str

    @property
    def channels(self) -> int:
        """Number of channels in the file."""
        return self.samples.shape[0]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sampling_rate


def decode(path: Path) -> Recording:
    """Decode the first audio stream of a file, at its own sampling rate and with all its channels.

    Raises:
        DecodeError: no audio stream, damaged, cut short, empty, or with samples that are not finite.
    """
    import av

    try:
        with av.open(str(path), metadata_errors="replace", options=PROBE) as container:
            if not container.streams.audio:
                raise DecodeError("has no audio stream")
            stream = container.streams.audio[0]
            _hear_only(stream, container)
            frames = [(frame.sample_rate, _planes(frame)) for frame in container.decode(stream)]
            declared = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
            recording = Recording(
                samples=_full_scale_one(_joined(frames)),
                sampling_rate=stream.codec_context.sample_rate,
                container=container.format.name,
                codec=stream.codec_context.name,
                comment=container.metadata.get("comment", ""),
            )
    except (av.FFmpegError, OSError) as error:
        raise DecodeError(f"cannot be decoded ({error.strerror or type(error).__name__})") from error
    _refuse_damage(recording, declared)
    return recording


def _hear_only(stream: "AudioStream", container: "InputContainer") -> None:
    """Have the demuxer pass over all other streams: a film is 50 times as large as its sound."""
    from av.stream import Discard

    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all


def _planes(frame: "AudioFrame") -> np.ndarray:
    """Samples of a frame as they are coded, shape (channels, samples)."""
    values = frame.to_ndarray()
    return values if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels).T


def _joined(frames: list[tuple[int, np.ndarray]]) -> np.ndarray:
    """The samples of frames, each with its sampling rate in Hz, in one array."""
    if len({(rate, samples.shape[0], samples.dtype) for rate, samples in frames}) > 1:
        raise DecodeError("changes its sampling rate, its channels or its sample format midway")
    return np.concatenate([samples for _, samples in frames], axis=1) if frames else np.zeros((1, 0), np.float32)


def _full_scale_one(samples: np.ndarray) -> np.ndarray:
    """Integers by their full scale, floats as they are, as float32."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / np.float32(-np.iinfo(samples.dtype).min)
    return np.ascontiguousarray(samples, np.float32)


def _refuse_damage(recording: Recording, declared_seconds: float) -> None:
    if recording.samples.shape[1] == 0:
        raise DecodeError("holds no samples")
    if not np.isfinite(recording.samples).all():
        raise DecodeError("holds samples that are not finite")
    if recording.seconds < SHORT_OF_DECLARED * declared_seconds:
        raise DecodeError(f"is cut short: {recording.seconds:.2f} s of {declared_seconds:.2f} s can be decoded")


def to_mono(samples: np.ndarray) -> np.ndarray:
    """Mix channels, shape (channels, samples), to one, shape (samples,), both float32.

    The mean of the channels; where it is more than `CANCELLATION_DB` under the loudest channel (opposite phases
    cancel), that channel alone.
    """
    if samples.shape[0] == 1:
        return samples[0]
    mixed = samples.mean(axis=0, dtype=np.float32)
    power = np.square(samples, dtype=np.float64).mean(axis=1)
    if np.square(mixed, dtype=np.float64).mean() < power.max() * 10 ** (-CANCELLATION_DB / 10):
        return samples[int(power.argmax())]
    return mixed


def load_mono(path: Path, sampling_rate: int) -> np.ndarray:
    """Decode a file to one float32 channel, shape (samples,), at `sampling_rate` Hz.

    Resampled with soxr at its high quality setting. Raises `DecodeError` as `decode` does.
    """
    recording = decode(path)
    return resample(to_mono(recording.samples), recording.sampling_rate, sampling_rate)


def resample(samples: np.ndarray, from_rate: int, to_rate: int) -> np.ndarray:
    """Resample float32 `samples`, shape (samples,), between two rates in Hz."""
    import soxr

    if from_rate == to_rate:
        return samples
    return np.asarray(soxr.resample(samples, from_rate, to_rate, quality="HQ"), dtype=np.float32)
