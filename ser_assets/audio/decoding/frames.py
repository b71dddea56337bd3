"""The decoded frames of one audio track."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np

from ser_assets.audio.decoding.errors import DecodeError
from ser_assets.audio.decoding.timeline import LONGEST_SECONDS, Frame
from ser_assets.rejections import Problem

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

# ffmpeg's own decoders of AMR know neither comfort noise nor frames without data, which phones write in pauses.
OTHER_DECODERS = {"amrnb": "libopencore_amrnb", "amrwb": "libopencore_amrwb"}


def frames_of(
    container: "InputContainer", track: int, opened_again: Callable[[], AbstractContextManager["InputContainer"]]
) -> list[Frame]:
    """Decode all frames of a track, by another decoder if ffmpeg's own lacks what the track needs.

    Args:
        container: just opened.
        track: number among the audio tracks, counted from 0.
        opened_again: opens the same file once more.

    Raises:
        DecodeError: it is damaged midway, longer than `LONGEST_SECONDS`, or nothing here can decode it.
    """
    import av

    stream = container.streams.audio[track]
    codec = stream.codec_context.name
    try:
        return _collected(container.decode(stream), stream)
    except (av.FFmpegError, DecodeError) as error:
        if OTHER_DECODERS.get(codec) not in av.codecs_available or _is_too_long(error):
            if isinstance(error, av.PatchWelcomeError):
                detail = f"holds {codec} with what no decoder here knows (in AMR: comfort noise in pauses)"
                raise DecodeError(detail, Problem.NO_DECODER) from error
            raise
    with opened_again() as again:
        stream = again.streams.audio[track]
        return _collected(_by_other_decoder(again, stream), stream)


def _is_too_long(error: Exception) -> bool:
    return isinstance(error, DecodeError) and error.problem == Problem.TOO_LONG


def _by_other_decoder(container: "InputContainer", stream: "AudioStream") -> Iterator["AudioFrame"]:
    import av

    decoder = av.Codec(OTHER_DECODERS[stream.codec_context.name], "r").create("audio")
    decoder.layout, decoder.sample_rate = stream.codec_context.layout, stream.codec_context.sample_rate
    for packet in container.demux(stream):
        yield from decoder.decode(packet)


def _collected(decoded: Iterable["AudioFrame"], stream: "AudioStream") -> list[Frame]:
    """Frames as they are coded, and when they start."""
    import av

    frames, seconds = [], 0.0
    unit = float(stream.time_base or 0)
    try:
        for frame in decoded:
            start = float("nan") if frame.pts is None else frame.pts * unit
            frames.append(Frame(_planes(frame), frame.sample_rate, start))
            seconds += frame.samples / frame.sample_rate if frame.sample_rate else 0.0
            if seconds > LONGEST_SECONDS:
                detail = f"is longer than {LONGEST_SECONDS:.0f} s, the most for one utterance"
                raise DecodeError(detail, Problem.TOO_LONG)
    except av.PatchWelcomeError:
        raise
    except av.FFmpegError as error:
        if not frames:
            raise
        detail = f"is damaged or cut short after {seconds:.2f} s ({error.strerror})"
        raise DecodeError(detail, Problem.CUT_SHORT) from error
    return frames


def _planes(frame: "AudioFrame") -> np.ndarray:
    """Samples of a frame as they are coded, shape (channels, samples)."""
    values = frame.to_ndarray()
    return values if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels).T
