"""WAV files that ffmpeg reads in part or as noise, put into a form that it reads right.

These are big-endian ones (RIFX), those with several pieces of sound (`data` chunks), and integers of 32 bits of which
fewer count (ffmpeg takes those for floats).
"""

import io
import struct
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

from ser_assets.audio.decoding.errors import DecodeError
from ser_assets.audio.decoding.stated_length import KEPT_BYTES, MOST_CHUNKS, UNKNOWN_FROM_BYTES
from ser_assets.audio.decoding.timeline import LONGEST_SECONDS
from ser_assets.rejections import Problem

# Programs add tags of their own behind the sound.
LEAST_LEFT_SECONDS: Final = 0.05
TAGS: Final = (b"TAG", b"ID3", b"APETAGEX", b"LYRICSBEGIN")
INTEGERS, FLOATS, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE


class _Format(NamedTuple):
    """What the chunk `fmt ` says: coding of the samples, channels, rate in Hz, bits of a sample, and how many count."""

    coding: int
    channels: int
    sampling_rate: int
    bits: int
    valid_bits: int

    @property
    def bytes_a_second(self) -> int:
        return self.channels * self.sampling_rate * self.bits // 8


class _Wav(NamedTuple):
    """Its format, where its pieces of sound lie, as first byte and length, and where its last chunk ends."""

    big_endian: bool
    format: _Format
    sound: list[tuple[int, int]]
    end: int


def readable(path: Path) -> BinaryIO | None:
    """The same sound as a plain WAV in memory; None where ffmpeg reads the file right, or it is no WAV.

    Raises:
        DecodeError: it is too long, cut short, coded in a way that cannot be turned round, or its header speaks of
            less sound than there is.
    """
    with path.open("rb") as file:
        there = path.stat().st_size
        wav = _read(file, there)
        if wav is None or not wav.sound:
            return None
        _refuse_more_sound(file, wav, there)
        has_fewer_bits = wav.format.coding == INTEGERS and wav.format.bits == 32 > wav.format.valid_bits > 0
        if not (wav.big_endian or len(wav.sound) > 1 or has_fewer_bits):
            return None
        return io.BytesIO(_plain(file, wav, there))


def _read(file: BinaryIO, there: int) -> _Wav | None:
    """Walk through the chunks of a RIFF or RIFX file; None where it is no WAV of whole samples."""
    head = file.read(12)
    if head[:4] not in {b"RIFF", b"RIFX"} or head[8:] != b"WAVE":
        return None
    order = ">" if head[:4] == b"RIFX" else "<"
    form, sound, at, end = None, [], 12, 12
    for _ in range(MOST_CHUNKS):
        name, length = _chunk(file, at, order)
        start = at + 8
        if name == b"fmt ":
            form = form or _format(file.read(min(length, 64)), order)
        elif name == b"data" and form:
            known = 0 < length < UNKNOWN_FROM_BYTES
            sound.append((start, length if known else there - start))
        elif not _is_name(name) or start + length > there:
            break
        end = start + length if name != b"data" or not sound else sum(sound[-1])
        at = end + end % 2
        if end % 2 and not _is_name(_chunk(file, at, order)[0]) and _is_name(_chunk(file, end, order)[0]):
            at = end  # Some programs do not pad chunks of odd length.
    return _Wav(order == ">", form, sound, min(end, there)) if form else None


def _chunk(file: BinaryIO, at: int, order: str) -> tuple[bytes, int]:
    """Name and length of the chunk at a place; no name where the file ends."""
    file.seek(at)
    head = file.read(8)
    return struct.unpack(f"{order}4sI", head) if len(head) == 8 else (b"", 0)


def _is_name(name: bytes) -> bool:
    return len(name) == 4 and all(32 <= byte < 127 for byte in name) and name not in {b"RIFF", b"RIFX"}


def _format(chunk: bytes, order: str) -> _Format | None:
    if len(chunk) < 16:
        return None
    coding, channels, rate, _, _, bits = struct.unpack(f"{order}HHIIHH", chunk[:16])
    valid_bits = bits
    if coding == EXTENSIBLE and len(chunk) >= 26:
        valid_bits, _, coding = struct.unpack(f"{order}HIH", chunk[18:26])
    return _Format(coding, channels, rate, bits, valid_bits)


def _refuse_more_sound(file: BinaryIO, wav: _Wav, there: int) -> None:
    """Let through what ends where its header says, but for padding and tags."""
    form, left = wav.format, there - wav.end
    second = form.bytes_a_second
    if form.coding not in {INTEGERS, FLOATS, ALAW, MULAW} or left < max(64, LEAST_LEFT_SECONDS * second) or not second:
        return
    file.seek(wav.end)
    rest = file.read(min(left, int(LONGEST_SECONDS * second)))
    if rest.startswith(TAGS) or not rest.strip(b"\0"):
        return
    declared = sum(length for _, length in wav.sound) / second
    if rest.removeprefix(b"\0").startswith((b"RIFF", b"RIFX")):
        detail = f"ends after {declared:.2f} s by its header, and another WAV follows in the same file"
    else:
        detail = f"holds {declared:.2f} s by its header, but {declared + left / second:.2f} s are there"
    raise DecodeError(detail, Problem.HEADER)


def _plain(file: BinaryIO, wav: _Wav, there: int) -> bytes:
    """A little-endian WAV of one piece, in which all bits count."""
    form = wav.format
    if form.coding not in {INTEGERS, FLOATS, ALAW, MULAW} or form.bits not in {8, 16, 24, 32, 64}:
        what = "a big-endian WAV (RIFX)" if wav.big_endian else f"a WAV of {len(wav.sound)} pieces"
        raise DecodeError(f"is {what} with samples coded in a way that is not read here", Problem.NO_DECODER)
    wanted = sum(length for _, length in wav.sound)
    if wanted > LONGEST_SECONDS * form.bytes_a_second > 0:
        raise DecodeError(f"is longer than {LONGEST_SECONDS:.0f} s, the most for one utterance", Problem.TOO_LONG)
    pieces = []
    for start, length in wav.sound:
        file.seek(start)
        pieces.append(file.read(length))
    content, width = b"".join(pieces), form.bits // 8
    if len(content) < KEPT_BYTES * wanted:
        raise DecodeError(f"is cut short: {there:,} of {sum(wav.sound[-1]):,} bytes are there", Problem.CUT_SHORT)
    if wav.big_endian:
        content = _turned_round(content[: len(content) // width * width], width)
    block = form.channels * width
    fmt = struct.pack(
        "<HHIIHH", form.coding, form.channels, form.sampling_rate, form.sampling_rate * block, block, form.bits
    )
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _turned_round(content: bytes, width: int) -> bytes:
    """Samples of so many bytes, each with its bytes in the opposite order."""
    turned = bytearray(len(content))
    for place in range(width):
        turned[place::width] = content[width - 1 - place :: width]
    return bytes(turned)
