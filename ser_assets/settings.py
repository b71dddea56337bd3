"""Every setting of the platform: typed, with its unit and its default. Set one with an environment variable `SER_…`.

Long because all settings are in one place.
"""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_settings import NoDecode

from ser_assets.corpus.registry import CORPORA, TABLE
from ser_assets.corpus.table.corpus import table_name
from ser_assets.data_folder import DataFolder, expanded
from ser_assets.encoders.names import EMBEDDED, NONE
from ser_assets.learning.protocols.fold_schemes import known_fold_schemes
from ser_assets.learning.protocols.names import PROTOCOL_NAMES

if TYPE_CHECKING:
    from ser_assets.audio.pipeline import Preprocessing
    from ser_assets.encoders.choice import EncoderChoice

WITHOUT_EFFECT_ON_RESULTS = {
    "data_dir",
    "workers",
    "tensorboard",
    "model_settings",
    "retrain_cron",
    "retrain_timezone",
    "history_days",
    "fresh_days",
}
"""Settings that change neither data nor scores; those of models are recorded by themselves."""


class Settings(DataFolder):
    """All settings of a run, read from the environment (prefix `SER_`) or a `.env` file."""

    corpus: str = Field(
        "ravdess",
        description="A registered corpus: `ravdess`, `table` for a table of your own, or one that was added to "
        "`ser_assets/corpus/registry.py`; recordings are under `data/raw`, those of a table where it says.",
    )
    corpus_table: Path | None = Field(
        None, description="CSV, Excel or Parquet file of your own recordings: path, speaker, emotion[, take_id, …]."
    )
    distinct_speakers: bool = Field(
        False,
        description="Speakers of a table whose names differ only by case, leading zeros, `.0` or spaces are different "
        "people; else such a table is refused.",
    )
    max_rejected_share: Annotated[float, Field(ge=0, le=1)] = Field(
        0.5, description="Share of an actor's files that may be rejected before the check `rejected_files` fails."
    )
    workers: Annotated[int, Field(ge=0)] = Field(0, description="Worker processes; 0 is one for each core.")
    sampling_rate: Annotated[int, Field(ge=8000, le=48000)] = Field(
        22050, description="Sampling rate of every clip after decoding, in Hz."
    )

    trim_mode: Literal["ends", "everywhere"] = Field(
        "ends", description="Cut silence at the ends only, or everywhere in the clip (the notebook's way)."
    )
    trim_top_db: Annotated[float, Field(gt=0)] = Field(
        30.0,
        description="A frame this many dB under the loudest of its clip (a beep, a click or a door aside) is silence.",
    )
    minimum_clip_seconds: Annotated[float, Field(ge=0)] = Field(
        0.3, description="A clip that trimming would make shorter than this many seconds is kept whole and marked."
    )

    extra_copies: Annotated[int, Field(ge=0)] = Field(
        0, description="Augmented copies of every clip, on top of those that balance the emotions of an actor."
    )
    noise_min_snr_db: float = Field(15.0, description="Noisiest augmented copy: signal-to-noise ratio in dB.")
    noise_max_snr_db: float = Field(30.0, description="Cleanest noisy copy: signal-to-noise ratio in dB.")

    speed_perturbation: Annotated[tuple[Annotated[float, Field(ge=0.5, le=2)], ...], NoDecode] = Field(
        (0.92, 1.09),
        description="Speeds of additional copies of every take, as if by other speakers; with commas, or none.",
    )

    encoder: str = Field(
        EMBEDDED.name,
        description="Pretrained speech encoder: the one in the package, an ONNX file, a folder with a Whisper model, a "
        "model of a hub (extra `encoders`), or `none` (docs/encoders.md).",
    )

    protocols: Annotated[tuple[str, ...], NoDecode] = Field(
        PROTOCOL_NAMES[:4],
        description="Protocols under which the models are evaluated, with commas; speaker_independent always. "
        "There is also permuted_labels, which must fall to chance.",
    )
    fold_schemes: Annotated[tuple[str, ...], NoDecode] = Field(
        default_factory=lambda given: (next(iter(CORPORA[given.get("corpus", TABLE)].fold_schemes), "groups5"),),
        description="Folds by actor on which the models are evaluated: luna5, emobox6, loso, groups5, or several; "
        "groups5 for a table of your own.",
    )
    seed: Annotated[int, Field(ge=0, lt=2**31)] = Field(42, description="Seed of models, splits and bootstrap.")

    model_settings: Path | None = Field(
        None,
        description="TOML file with settings of the models, such as `[cnn]` and below it `epochs = 20`; without it, "
        "`models.toml` in the data folder, if it is there.",
    )

    tensorboard: bool = Field(
        False,
        description="Write learning curves for TensorBoard, `data/CORPUS/tensorboard` (extra `tensorboard`).",
    )

    zenodo_url: Annotated[str, Field(pattern=r"^https?://[^/\s?#]+[^\s?#]*$")] = Field(
        "https://zenodo.org", description="Where `ser-assets download` asks for RAVDESS: Zenodo or a mirror of it."
    )

    retrain_cron: Annotated[str, Field(pattern=r"^[\w*/,-]+( [\w*/,-]+){4}$")] = Field(
        "0 3 * * 1", description="When the models are trained again, in cron's notation."
    )
    retrain_timezone: str = Field("UTC", description="Time zone of `retrain_cron`.")
    fresh_days: Annotated[int, Field(ge=1)] = Field(
        31,
        description="Models, report and champion older than this many days are marked in the Dagster UI: a warning, "
        "and a failure after three times as many.",
    )

    history_days: Annotated[int, Field(ge=1)] = Field(
        90, description="Age in days from which `ser-assets prune` removes runs from Dagster's history."
    )

    @field_validator("protocols", "fold_schemes", mode="before")
    @classmethod
    def _listed(cls, names: object) -> object:
        if not isinstance(names, str):
            return names
        listed = tuple(name.strip() for name in names.split(",") if name.strip())
        if not listed:
            raise ValueError("names none; leave it out for the default")
        return listed

    @field_validator("corpus")
    @classmethod
    def _known_corpus(cls, name: str) -> str:
        _require_known("corpus", (name,), tuple(CORPORA))
        return name

    @field_validator("speed_perturbation", mode="before")
    @classmethod
    def _listed_or_none(cls, speeds: object) -> object:
        return () if speeds == "none" else cls._listed(speeds)

    @field_validator("speed_perturbation")
    @classmethod
    def _other_voices(cls, speeds: tuple[float, ...]) -> tuple[float, ...]:
        if 1 in speeds:
            raise ValueError("1 is the speed of the take itself")
        if len(set(speeds)) < len(speeds):
            raise ValueError("a speed is there twice")
        return speeds

    @field_validator("protocols")
    @classmethod
    def _honest_one_first(cls, protocols: tuple[str, ...]) -> tuple[str, ...]:
        _require_known("protocol", protocols, PROTOCOL_NAMES)
        if "speaker_independent" not in protocols:
            raise ValueError("speaker_independent must be among them: the report begins with it")
        return tuple(name for name in PROTOCOL_NAMES if name in protocols)

    @field_validator("fold_schemes")
    @classmethod
    def _folds_of_the_corpus(cls, fold_schemes: tuple[str, ...], given: ValidationInfo) -> tuple[str, ...]:
        known = known_fold_schemes(CORPORA[given.data.get("corpus", TABLE)].fold_schemes)
        _require_known("fold scheme of this corpus", fold_schemes, known)
        return tuple(name for name in known if name in fold_schemes)

    @field_validator("encoder")
    @classmethod
    def _absolute(cls, source: str) -> str:
        """A file or a folder is found from any working directory; names of models stay."""
        path = Path(source).expanduser()
        return str(path.absolute()) if path.exists() or path.suffix == ".onnx" else source

    @field_validator("corpus_table", "model_settings")
    @classmethod
    def _from_home(cls, table: Path | None) -> Path | None:
        return table and expanded(table)

    @field_validator("zenodo_url")
    @classmethod
    def _without_slash(cls, url: str) -> str:
        return url.rstrip("/")

    @field_validator("retrain_timezone")
    @classmethod
    def _known_timezone(cls, name: str) -> str:
        if name != "UTC" and name not in available_timezones():
            raise ValueError(f"{name!r} is no time zone; try 'UTC' or 'Europe/Berlin'")
        ZoneInfo(name)
        return name

    @model_validator(mode="after")
    def _low_before_high(self) -> Self:
        if self.noise_min_snr_db > self.noise_max_snr_db:
            raise ValueError("noise_min_snr_db lies above noise_max_snr_db")
        return self

    def as_text(self, name: str) -> str:
        """Write a setting as its environment variable has it: `luna5,emobox6`, `0.92,1.09`; `none` for no voices."""
        value = getattr(self, name)
        return (",".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)

    @property
    def corpus_name(self) -> str:
        """Name of the corpus in tables, bundles and folders."""
        return table_name(self.corpus_table) if self.corpus == TABLE and self.corpus_table else self.corpus

    @property
    def corpus_dir(self) -> Path:
        """Folder of all that is made from the corpus: clips, database, models, report and champion."""
        return self.data_dir / self.corpus_name

    @property
    def preprocessing(self) -> "Preprocessing":
        """How recordings are prepared."""
        from ser_assets.audio.pipeline import Preprocessing

        return Preprocessing(self.sampling_rate, self.trim_mode, self.trim_top_db, self.minimum_clip_seconds)

    @property
    def encoder_choice(self) -> "EncoderChoice":
        """The encoder and where it is kept."""
        from ser_assets.encoders.choice import EncoderChoice

        return EncoderChoice(self.encoder, self.data_dir / "encoders")

    @property
    def has_encoder(self) -> bool:
        """Whether clips are embedded, and the model on embeddings is trained."""
        return self.encoder != NONE

    @property
    def raw_dir(self) -> Path:
        """Folder of the recordings."""
        return self.data_dir / "raw"

    @property
    def downloads_dir(self) -> Path:
        """Folder of what is being downloaded."""
        return self.data_dir / "downloads"

    @property
    def worker_count(self) -> int:
        """Number of worker processes."""
        return self.workers or os.cpu_count() or 1


def _require_known(kind: str, names: tuple[str, ...], known: tuple[str, ...]) -> None:
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{', '.join(map(repr, unknown))} is no {kind}; there are {', '.join(known)}")
