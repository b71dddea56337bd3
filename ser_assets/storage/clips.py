"""Clips at rest: one Parquet file for each asset and actor, that DuckDB, pandas and Hugging Face read as it is."""

import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ser_assets.storage.files import whole_file

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

LABELS = (
    "take_id",
    "variant",
    "actor",
    "voice",
    "emotion",
    "intensity",
    "statement",
    "repetition",
    "gender",
    "recording",
)


class ClipsMissingError(FileNotFoundError):
    """The clips of an actor are not there, or cannot be read; the message names the file and the remedy."""


@dataclass(frozen=True)
class Clip:
    """Audio of a take with its labels; `samples` is float32, shape (samples,), at `sampling_rate` Hz.

    `variant` 0 is the take itself, 1… its augmented copies, with what made them. `voice` names the speaker who is
    heard: the actor, or "07 at 0.92" where a copy sounds like another; it is a name, not to be parsed. `recording` is
    the hash of the decoded recording that the clip comes from. `kept_whole` marks a clip that trimming would have made
    too short.
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
    recording: str
    samples: np.ndarray
    sampling_rate: int
    kept_whole: bool = False
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
        return float(np.abs(self.samples).max(initial=0.0))

    @property
    def labels(self) -> dict[str, Any]:
        """What identifies and describes the clip, without its sound."""
        return {name: getattr(self, name) for name in LABELS}


@dataclass(frozen=True)
class ClipStore:
    """The Parquet files of clips under one folder: `<asset>/actor_NN.parquet`."""

    data_dir: Path

    def path(self, asset: str, actor: str) -> Path:
        """File of one actor's clips."""
        return self.data_dir / asset / f"actor_{actor}.parquet"

    def write(self, asset: str, actor: str, clips: Iterable[Clip], fingerprint: str, recipe: str) -> Path:
        """Put an actor's clips in the place of those that were there.

        fingerprint: tells what they were made from. recipe: tells how, from the recordings on.
        """
        import pyarrow.parquet as pq

        path = self.path(asset, actor)
        table = _table(list(clips), fingerprint, recipe)
        with whole_file(path) as part:
            pq.write_table(table, part, compression="zstd", row_group_size=16)
        return path

    def read(self, asset: str, actor: str) -> list[Clip]:
        """Read an actor's clips.

        Raises:
            ClipsMissingError: there are none, or the file is damaged.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = self.path(asset, actor)
        if not path.exists():
            raise ClipsMissingError(f"no {asset} of actor {actor} at {path}: materialize {asset} for {actor} first")
        try:
            rows = pq.read_table(path).to_pylist()
        except (pa.ArrowException, OSError) as error:
            remedy = f"delete it and materialize {asset} for {actor} again"
            raise ClipsMissingError(f"{path} is damaged ({error}): {remedy}") from error
        return [_clip(row) for row in rows]

    def labels(self, asset: str, actor: str) -> "pd.DataFrame":
        """Read everything about an actor's clips but their sound; no rows where there are no clips."""
        import pandas as pd
        import pyarrow.parquet as pq

        path = self.path(asset, actor)
        if not path.exists():
            return pd.DataFrame()
        columns = [name for name in pq.read_schema(path).names if name != "audio"]
        return pq.read_table(path, columns=columns).to_pandas()

    def query(self, asset: str, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Ask the clips of all actors, as the table `clips`, in SQL; no rows where there are no clips."""
        import duckdb

        files = str(self.data_dir / asset / "actor_*.parquet")
        if not any((self.data_dir / asset).glob("actor_*.parquet")):
            return []
        with duckdb.connect(":memory:") as connection:
            connection.from_parquet(files).create_view("clips")
            return connection.sql(sql, params=list(parameters)).to_arrow_table().to_pylist()

    def write_picture(self, asset: str, actor: str, png: bytes) -> None:
        """Keep a picture of an actor's clips beside them."""
        with whole_file(self.picture_path(asset, actor)) as part:
            part.write_bytes(png)

    def picture_path(self, asset: str, actor: str) -> Path:
        """Picture of an actor's clips."""
        return self.path(asset, actor).with_suffix(".png")

    def fingerprint(self, asset: str, actor: str) -> str | None:
        """Tell what the stored clips were made from; None where there are none that can be read."""
        return self._metadata(asset, actor).get(b"fingerprint", b"").decode() or None

    def recipe(self, asset: str, actor: str) -> str:
        """Tell how the stored clips were made; empty where there are none that can be read."""
        return self._metadata(asset, actor).get(b"recipe", b"").decode()

    def _metadata(self, asset: str, actor: str) -> dict[bytes, bytes]:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            metadata = pq.read_schema(self.path(asset, actor)).metadata or {}
        except (FileNotFoundError, pa.ArrowException, OSError):
            return {}
        return metadata


def _table(clips: list[Clip], fingerprint: str, recipe: str) -> "pa.Table":
    import pyarrow as pa

    rows = [
        {
            **clip.labels,
            "seconds": clip.seconds,
            "peak": clip.peak,
            "sampling_rate": clip.sampling_rate,
            "kept_whole": clip.kept_whole,
            "transform": clip.transform,
            "parameters": clip.parameters,
            "seed": clip.seed,
            "audio": {"bytes": _wav(clip), "path": f"{clip.take_id}_{clip.variant}.wav"},
        }
        for clip in clips
    ]
    rate = clips[0].sampling_rate if clips else 0
    return pa.Table.from_pylist(rows, schema=_schema(fingerprint, recipe, rate))


def _schema(fingerprint: str, recipe: str, sampling_rate: int) -> "pa.Schema":
    import pyarrow as pa

    columns: dict[str, tuple[pa.DataType, str]] = {
        "take_id": (pa.string(), "string"),
        "variant": (pa.int32(), "int32"),
        "actor": (pa.string(), "string"),
        "voice": (pa.string(), "string"),
        "emotion": (pa.string(), "string"),
        "intensity": (pa.string(), "string"),
        "statement": (pa.string(), "string"),
        "repetition": (pa.int32(), "int32"),
        "gender": (pa.string(), "string"),
        "recording": (pa.string(), "string"),
        "seconds": (pa.float64(), "float64"),
        "peak": (pa.float64(), "float64"),
        "sampling_rate": (pa.int32(), "int32"),
        "kept_whole": (pa.bool_(), "bool"),
        "transform": (pa.string(), "string"),
        "parameters": (pa.string(), "string"),
        "seed": (pa.int64(), "int64"),
    }
    features: dict[str, Any] = {name: {"dtype": kind, "_type": "Value"} for name, (_, kind) in columns.items()}
    features["audio"] = {"sampling_rate": sampling_rate, "mono": True, "_type": "Audio"}
    fields = [pa.field(name, data_type) for name, (data_type, _) in columns.items()]
    fields.append(pa.field("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])))
    hugging_face = json.dumps({"info": {"features": features}})
    metadata = {"fingerprint": fingerprint, "recipe": recipe, "huggingface": hugging_face}
    return pa.schema(fields, metadata=metadata)


def _clip(row: dict[str, Any]) -> Clip:
    import soundfile

    samples, sampling_rate = soundfile.read(io.BytesIO(row["audio"]["bytes"]), dtype="float32")
    rest = {name: row[name] for name in (*LABELS, "kept_whole", "transform", "parameters", "seed")}
    return Clip(**rest, samples=samples, sampling_rate=sampling_rate)


def _wav(clip: Clip) -> bytes:
    """Pack the samples as 32-bit float WAV: nothing is lost, every reader knows it, and it carries no date."""
    import scipy.io.wavfile

    buffer = io.BytesIO()
    scipy.io.wavfile.write(buffer, clip.sampling_rate, clip.samples)
    return buffer.getvalue()
