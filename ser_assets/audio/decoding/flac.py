"""What a FLAC stream says of its own sound: how many samples there are, and their MD5."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

STREAMINFO_BYTES = 34


class StreamInfo(NamedTuple):
    """Bits of a sample, samples of a channel (0 where unknown) and MD5 of all samples (zeros where unknown)."""

    bits: int
    samples: int
    md5: bytes


def stream_info(header: bytes) -> StreamInfo | None:
    """Read the block STREAMINFO, as ffmpeg hands it out with a stream; None where there is none.

    20 bits of sampling rate, 3 of channels, 5 of bits and 36 of samples follow 10 bytes about blocks and frames.
    """
    if len(header) < STREAMINFO_BYTES:
        return None
    numbers = int.from_bytes(header[10:18])
    return StreamInfo((numbers >> 36 & 31) + 1, numbers & ((1 << 36) - 1), header[18:STREAMINFO_BYTES])


def broken_word(info: StreamInfo, frames: Sequence[np.ndarray], *, counts: bool) -> str:
    """What of its STREAMINFO a stream does not keep, as a sentence that goes on after its name; empty if nothing.

    ffmpeg leaves out frames whose checksum is wrong, or decodes them into another sound, without a word.

    Args:
        info: of the stream.
        frames: decoded integers, each of shape (channels, samples), in the upper bits of their type.
        counts: whether another number of samples is damage. Other containers may hold a part of a stream, with the
            STREAMINFO of the whole: there the MD5 counts only where the number is right.
    """
    there = sum(frame.shape[1] for frame in frames)
    if info.samples and there != info.samples:
        return f"is damaged: {there:,} of {info.samples:,} samples can be decoded" if counts else ""
    if not any(info.md5) or not frames or not all(np.issubdtype(frame.dtype, np.integer) for frame in frames):
        return ""
    digest, width = hashlib.md5(usedforsecurity=False), -(-info.bits // 8)
    for frame in frames:
        values = (frame >> (8 * frame.dtype.itemsize - info.bits)).T.astype("<i4")
        digest.update(np.ascontiguousarray(values).view(np.uint8).reshape(-1, 4)[:, :width].tobytes())
    if digest.digest() != info.md5:
        return "is damaged: its sound is not the one that was written (the MD5 in its header differs)"
    return ""
