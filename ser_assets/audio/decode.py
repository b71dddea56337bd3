"""From any container that ffmpeg reads to one float32 channel at a chosen sampling rate, inside this process."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_assets.problems import Problem

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

# What the sound is, the first packets tell: ffmpeg would decode video, and read a WAV to its end, to know more.
PROBE = {"skip_frame": "all", "probesize": "32768"}
LONGEST_SECONDS = 120.0
CANCELLATION_DB = 20.0
MOST_OFFSET = 0.05
SHORT_OF_DECLARED = 0.98
LENGTH_IS_A_GUESS = frozenset({"aac"})
# What writes to a pipe cannot know the length, and writes 0, or as much as fits: 0x7ffff000, 0x80000000, 0xffffffff.
UNKNOWN_FROM_BYTES = 0x7FFFF000


class DecodeError(ValueError):
    """A recording that cannot be turned into sound; the message says why, without the path, `problem` of what kind."""

    def __init__(self, message: str, problem: Problem = Problem.DAMAGED) -> None:
        super().__init__(message)
        self.problem = problem


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

    A recording is given up as soon as it is longer than an utterance can be, so that memory does not grow with it.

    Raises:
        DecodeError: it cannot be read, has no audio stream, is damaged, cut short, empty or longer than
            `LONGEST_SECONDS`, or holds samples that are not finite.
    """
    import av

    try:
        if path.stat().st_size == 0:
            raise DecodeError("is empty (0 bytes)", Problem.EMPTY)
        with av.open(str(path), metadata_errors="replace", options=PROBE) as container:
            if not container.streams.audio:
                raise DecodeError(f"has no audio stream (it is {container.format.name})", Problem.NO_AUDIO)
            stream = container.streams.audio[0]
            _hear_only(stream, container)
            frames = _frames(stream, container)
            recording = Recording(
                samples=_full_scale_one(_joined(frames)),
                sampling_rate=stream.codec_context.sample_rate,
                container=container.format.name,
                codec=stream.codec_context.name,
                comment=container.metadata.get("comment", ""),
            )
            declared = _declared_seconds(path, stream, container)
    except DecodeError:
        raise
    except Exception as error:  # What a damaged file makes of a decoder is beyond listing.
        raise _as_decode_error(error) from error
    _refuse_damage(recording, declared)
    return recording


def _as_decode_error(error: Exception) -> DecodeError:
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return DecodeError(f"cannot be read ({reason})", Problem.UNREADABLE)
    return DecodeError(f"cannot be decoded ({reason})")


def _frames(stream: "AudioStream", container: "InputContainer") -> list[tuple[int, np.ndarray]]:
    """Sampling rate in Hz and samples, shape (channels, samples), of all frames."""
    import av

    frames, seconds = [], 0.0
    try:
        for frame in container.decode(stream):
            frames.append((frame.sample_rate, _planes(frame)))
            seconds += frame.samples / frame.sample_rate if frame.sample_rate else 0.0
            if seconds > LONGEST_SECONDS:
                told = f"is longer than {LONGEST_SECONDS:.0f} s, the most for one utterance"
                raise DecodeError(told, Problem.TOO_LONG)
    except av.FFmpegError as error:
        if not frames:
            raise
        told = f"is damaged or cut short after {seconds:.2f} s ({error.strerror})"
        raise DecodeError(told, Problem.CUT_SHORT) from error
    return frames


def _declared_seconds(path: Path, stream: "AudioStream", container: "InputContainer") -> float:
    """How long the container says the sound is; 0 where it does not say, or only guesses."""
    import av

    if container.format.name in LENGTH_IS_A_GUESS:
        return 0.0
    if not (stream.duration and stream.time_base):
        # Matroska tells the length of the whole, which a picture may outlast.
        alone = len(container.streams) == 1
        return container.duration / av.time_base if alone and container.duration else 0.0
    seconds = float(stream.duration * stream.time_base)
    if container.format.name == "wav":
        # ffmpeg takes the length of what is there for that which is declared.
        seconds *= _declared_over_there(path)
    return seconds


def _declared_over_there(path: Path) -> float:
    """How many times as long as it is the header of a RIFF file declares the sound to be; 1 where it does not say."""
    with path.open("rb") as file:
        size = path.stat().st_size
        file.seek(12)
        while len(header := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", header)
            if name == b"data":
                there = size - file.tell()
                known = 0 < length < UNKNOWN_FROM_BYTES
                return max(1.0, length / max(there, 1)) if known else 1.0
            file.seek(length + length % 2, 1)
    return 1.0


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
    if not frames:
        raise DecodeError("holds no samples")
    return np.concatenate([samples for _, samples in frames], axis=1)


def _full_scale_one(samples: np.ndarray) -> np.ndarray:
    """Integers by their full scale, floats as they are, as float32."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / np.float32(-np.iinfo(samples.dtype).min)
    return np.ascontiguousarray(samples, np.float32)


def _refuse_damage(recording: Recording, declared_seconds: float) -> None:
    if recording.samples.shape[1] == 0 or recording.sampling_rate <= 0:
        raise DecodeError("holds no samples")
    if not np.isfinite(recording.samples).all():
        raise DecodeError("holds samples that are not finite (NaN or infinity)", Problem.NOT_FINITE)
    if recording.seconds < SHORT_OF_DECLARED * declared_seconds:
        raise DecodeError(
            f"is cut short: {recording.seconds:.2f} s of {declared_seconds:.2f} s can be decoded", Problem.CUT_SHORT
        )


def to_mono(samples: np.ndarray) -> np.ndarray:
    """Mix channels, shape (channels, samples), to one, shape (samples,), both float32.

    The mean of the channels; where it is more than `CANCELLATION_DB` under the loudest channel (opposite phases
    cancel), that channel alone. A constant offset is taken away where it is over 5 % of the effective amplitude: no
    recording of RAVDESS has one of 2 %.
    """
    mono = samples[0] if samples.shape[0] == 1 else _mixed(samples)
    offset = float(mono.mean(dtype=np.float64))
    if abs(offset) > MOST_OFFSET * float(mono.std(dtype=np.float64)):
        return mono - np.float32(offset)
    return mono


def _mixed(samples: np.ndarray) -> np.ndarray:
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
