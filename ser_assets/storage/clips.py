"""Stored clips: rows of a Parquet file that DuckDB, pandas and Hugging Face `datasets` read as they are."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

TAKE_LABELS = ("emotion", "intensity", "statement", "repetition", "gender", "audio_hash")
LABELS = ("take_id", "variant", "actor", "voice", *TAKE_LABELS)
# Types as both Arrow and Hugging Face name them; the sound comes after these columns.
CLIP_COLUMNS = {
    "take_id": "string",
    "variant": "int32",
    "actor": "string",
    "voice": "string",
    "emotion": "string",
    "intensity": "string",
    "statement": "string",
    "repetition": "int32",
    "gender": "string",
    "audio_hash": "string",
    "input_fingerprint": "string",
    "seconds": "float64",
    "peak": "float64",
    "sampling_rate": "int32",
    "trim_skipped": "bool",
    "loud_event": "bool",
    "transform": "string",
    "parameters": "string",
    "seed": "int64",
}


@dataclass(frozen=True)
class Clip:
    """Audio of a take with its labels; `samples` is float32, shape (samples,), at `sampling_rate` Hz.

    `variant` 0 is the take itself, 1… its augmented copies, with what made them. `voice` names the speaker who is
    heard: the actor, or "07 at 0.92" where a copy sounds like another; it is a name, not to be parsed. `audio_hash` is
    that of the decoded recording that the clip comes from. `trim_skipped` marks a clip that trimming would have
    made too short, `loud_event` one in which a beep, a click or a door is far louder than the voice.
    """

    take_id: str
    variant: int
    actor: str
    voice: str
    emotion: str
    intensity: str
    statement: str
    repetition: int
    gender: str
    audio_hash: str
    samples: "np.ndarray"
    sampling_rate: int
    trim_skipped: bool = False
    loud_event: bool = False
    transform: str | None = None
    parameters: str | None = None
    seed: int | None = None

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sampling_rate

    @property
    def peak(self) -> float:
        """Largest absolute sample; 1 is full scale."""
        return float(abs(self.samples).max(initial=0.0))

    @property
    def labels(self) -> dict[str, Any]:
        """What identifies and describes the clip, without its sound."""
        return {name: getattr(self, name) for name in LABELS}


def table_of(clips: Sequence[Clip], input_fingerprint: Mapping[str, str]) -> "pa.Table":
    """Rows of some clips, at least one; `input_fingerprint` tells of each take what it was made from."""
    import pyarrow as pa

    rows = [
        {
            **clip.labels,
            "input_fingerprint": input_fingerprint[clip.take_id],
            "seconds": clip.seconds,
            "peak": clip.peak,
            "sampling_rate": clip.sampling_rate,
            "trim_skipped": clip.trim_skipped,
            "loud_event": clip.loud_event,
            "transform": clip.transform,
            "parameters": clip.parameters,
            "seed": clip.seed,
            "audio": {"bytes": _wav(clip), "path": f"{clip.take_id}_{clip.variant}.wav"},
        }
        for clip in clips
    ]
    return pa.Table.from_pylist(rows, schema=clip_schema(clips[0].sampling_rate))


def clips_of(rows: "pa.Table") -> list[Clip]:
    """The clips that rows hold, in their order."""
    return [_clip(row) for row in rows.to_pylist()]


@cache
def clip_schema(sampling_rate: int) -> "pa.Schema":
    """Columns of clips at one sampling rate in Hz, with what Hugging Face wants to know of them."""
    import pyarrow as pa

    features: dict[str, Any] = {name: {"dtype": kind, "_type": "Value"} for name, kind in CLIP_COLUMNS.items()}
    features["audio"] = {"sampling_rate": sampling_rate, "mono": True, "_type": "Audio"}
    fields = [pa.field(name, pa.type_for_alias(kind)) for name, kind in CLIP_COLUMNS.items()]
    fields.append(pa.field("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])))
    return pa.schema(fields, metadata={"huggingface": json.dumps({"info": {"features": features}})})


def _clip(row: dict[str, Any]) -> Clip:
    import soundfile

    samples, sampling_rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="float32")
    rest = {name: row[name] for name in (*LABELS, "trim_skipped", "loud_event", "transform", "parameters", "seed")}
    return Clip(**rest, samples=samples, sampling_rate=sampling_rate)


def _wav(clip: Clip) -> bytes:
    """Pack the samples as 32-bit float WAV: nothing is lost, every reader knows it, and it carries no date."""
    import scipy.io.wavfile

    buffer = io.BytesIO()
    scipy.io.wavfile.write(buffer, clip.sampling_rate, clip.samples)
    return buffer.getvalue()
