"""From any container that ffmpeg reads to float32 channels at the sampling rate of the file, inside this process."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ser_assets.audio.decoding import flac, wav
from ser_assets.audio.decoding.errors import DecodeError
from ser_assets.audio.decoding.frames import frames_of
from ser_assets.audio.decoding.stated_length import broken_duration, broken_promise
from ser_assets.audio.decoding.timeline import Frame, joined
from ser_assets.audio.silence import is_silent
from ser_assets.rejections import Problem

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

# What the sound is, the first packets tell: ffmpeg would decode video, and read a WAV to its end, to know more.
# No file may have others opened: what plays is what was hashed.
PROBE = {"skip_frame": "all", "probesize": "32768", "protocol_whitelist": "file"}
# MPEG streams have no header: a track is known once its first packet is found, which may be far behind the picture.
PROBE_FURTHER = PROBE | {"probesize": "5000000"}
PLAYLISTS = frozenset({"concat", "dash", "hls", "image2", "imf"})
# With these, another track of the file may be better off.
OF_ONE_TRACK = frozenset({Problem.DAMAGED, Problem.NO_DECODER, Problem.NOT_FINITE})
# What repositories and servers put in the place of a file.
PLACEHOLDER_BYTES = 100
PLACEHOLDERS = (
    ((b"version https://git-lfs", b"version https://hawser"), "is a git-lfs pointer", Problem.POINTER),
    ((b"/annex/objects/", b"../.git/annex/", b".git/annex/"), "is a git-annex pointer", Problem.POINTER),
    ((b"<!doctype html", b"<html"), "is a web page, perhaps the error of a download", Problem.DAMAGED),
    ((b"<?xml", b"<error"), "is a page of XML, perhaps the error of a download", Problem.DAMAGED),
)


@dataclass(frozen=True)
class Recording:
    """The sound of one file: float32 `samples` of shape (channels, samples), and what the container says of them.

    `tracks` is how many audio tracks there are, `track` which of them this is, counted from 1.
    """

    samples: np.ndarray
    sampling_rate: int
    container: str
    codec: str
    comment: str
    tracks: int = 1
    track: int = 1

    @property
    def channels(self) -> int:
        """Number of channels in the file."""
        return self.samples.shape[0]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sampling_rate


def decode(path: Path) -> Recording:
    """Decode an audio track of a file, at its own sampling rate and with all its channels.

    It is the track that is marked as the default, else the first; where that cannot be decoded, or holds nothing but
    silence, the next that holds sound. Gaps in the timestamps become silence of that length, but what precedes the
    first frame is left out. A recording is given up as soon as it is longer than an utterance can be, so that memory
    does not grow with it.

    Raises:
        DecodeError: it cannot be read, has no audio stream, is damaged, cut short, empty or longer than
            two minutes, or holds samples that are not finite.
    """
    try:
        if path.stat().st_size == 0:
            raise DecodeError("is empty (0 bytes)", Problem.EMPTY)
        _refuse_placeholder(path)
        return _decode_best(path)
    except DecodeError:
        raise
    except Exception as error:  # What a damaged file makes of a decoder is beyond listing.
        raise _as_decode_error(error) from error


def _refuse_placeholder(path: Path) -> None:
    """Let through what does not say of itself that it is no recording."""
    with path.open("rb") as file:
        start = file.read(PLACEHOLDER_BYTES).lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for beginnings, reason, problem in PLACEHOLDERS:
        if start.startswith(beginnings):
            raise DecodeError(reason, problem)


def _decode_best(path: Path) -> Recording:
    """Decode the track that counts."""
    silent: Recording | None = None
    failure: DecodeError | None = None
    order: list[int] | None = None
    while order is None or order:
        with _opened(path) as container:
            order = _in_order(container) if order is None else order
            track = order.pop(0)
            try:
                recording = _decode_track(path, container, track)
            except Exception as error:
                detail = error if isinstance(error, DecodeError) else _as_decode_error(error)
                if detail.problem not in OF_ONE_TRACK:
                    raise
                failure = failure or detail
                continue
        if recording.tracks == 1 or not is_silent(recording.samples, recording.sampling_rate):
            return recording
        silent = silent or recording
    if silent is None:
        raise failure or DecodeError("holds no samples")
    return silent


@contextmanager
def _opened(path: Path) -> Iterator["InputContainer"]:
    """Open a file that has an audio track, whatever its name: a colon or a percent sign in it means nothing."""
    import av

    for options in (PROBE, PROBE_FURTHER):
        source = wav.readable(path) or f"file:{path}"
        with av.open(source, mode="r", metadata_errors="replace", options=options) as container:
            if container.format.name in PLAYLISTS:
                raise DecodeError(f"is a list of other files ({container.format.name})", Problem.NO_AUDIO)
            if container.streams.audio and all(_is_known(stream) for stream in container.streams.audio):
                yield container
                return
            if options is PROBE_FURTHER and container.streams.audio:
                yield container
                return
    raise DecodeError(f"has no audio stream (it is {container.format.name})", Problem.NO_AUDIO)


def _in_order(container: "InputContainer") -> list[int]:
    """Numbers of the audio tracks, counted from 0, in the order in which they are tried."""
    from av.stream import Disposition

    marked = [bool(stream.disposition & Disposition.default) for stream in container.streams.audio]
    return sorted(range(len(marked)), key=lambda track: not marked[track])


def _is_known(stream: "AudioStream") -> bool:
    """Whether the first packets show what the sound of a track is."""
    return stream.codec_context is not None and stream.codec_context.sample_rate > 0


def _decode_track(path: Path, container: "InputContainer", track: int) -> Recording:
    stream = container.streams.audio[track]
    if stream.codec_context is None:
        raise DecodeError("is coded in a way for which there is no decoder here", Problem.NO_DECODER)
    _leave_out_others(stream, container)
    frames = frames_of(container, track, lambda: _opened(path))
    recording = Recording(
        samples=_full_scale_one(joined(frames)),
        sampling_rate=frames[0].sampling_rate,
        container=container.format.name,
        codec=stream.codec_context.name,
        comment=container.metadata.get("comment", ""),
        tracks=len(container.streams.audio),
        track=track + 1,
    )
    decoded_seconds = sum(frame.samples.shape[1] for frame in frames) / max(recording.sampling_rate, 1)
    missing = broken_promise(path, container.format.name, stream, decoded_seconds)
    _refuse_damage(recording, missing or broken_duration(container, stream, recording.seconds))
    _refuse_other_sound(container, stream, frames)
    return recording


def _as_decode_error(error: Exception) -> DecodeError:
    reason = getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"
    if isinstance(error, FileNotFoundError | PermissionError | IsADirectoryError):
        return DecodeError(f"cannot be read ({reason})", Problem.UNREADABLE)
    return DecodeError(f"cannot be decoded ({reason})")


def _leave_out_others(stream: "AudioStream", container: "InputContainer") -> None:
    """Have the demuxer pass over all other streams: a film is 50 times as large as its sound."""
    from av.stream import Discard

    for other in container.streams:
        if other is not stream:
            other.discard = Discard.all


def _full_scale_one(samples: np.ndarray) -> np.ndarray:
    """Integers by their full scale, floats as they are, as float32."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - 128) / 128
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / np.float32(-np.iinfo(samples.dtype).min)
    return np.ascontiguousarray(samples, np.float32)


def _refuse_damage(recording: Recording, missing: str) -> None:
    if recording.samples.shape[1] == 0 or recording.sampling_rate <= 0:
        raise DecodeError("holds no samples")
    if not np.isfinite(recording.samples).all():
        raise DecodeError("holds samples that are not finite (NaN or infinity)", Problem.NOT_FINITE)
    if missing:
        raise DecodeError(f"is cut short: {missing}", Problem.CUT_SHORT)


def _refuse_other_sound(container: "InputContainer", stream: "AudioStream", frames: Sequence[Frame]) -> None:
    """Let through what is the sound that its encoder took the checksum of."""
    if stream.codec_context.name != "flac":
        return
    if info := flac.stream_info(stream.codec_context.extradata or b""):
        samples = [frame.samples for frame in frames]
        if damage := flac.broken_word(info, samples, counts=container.format.name == "flac"):
            raise DecodeError(damage, Problem.DAMAGED)
