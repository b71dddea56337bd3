"""Every knob of the platform: typed, with its unit and its default. Set one with an environment variable `SER_…`."""

import os
from pathlib import Path
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

FoldScheme = Literal["luna5", "emobox6", "loso", "groups5"]
ENV_FILE = ".env"
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
Protocol = Literal["speaker_independent", "speaker_normalised", "random_split", "random_split_leaky", "permuted_labels"]


class DataFolder(BaseSettings):
    """The one setting that also Dagster's own commands need; read like all others, whatever is wrong with those."""

    model_config = SettingsConfigDict(
        env_prefix="SER_",
        env_file=ENV_FILE,
        env_file_encoding="utf-8-sig",
        extra="ignore",
        frozen=True,
        allow_inf_nan=False,
    )

    data_dir: Path = Field(Path("data"), description="Folder of recordings, tables, models, report and history.")

    @field_validator("data_dir")
    @classmethod
    def _named_folder(cls, folder: Path) -> Path:
        if folder == Path():
            raise ValueError("names no folder; leave it out for 'data'")
        folder = _expanded(folder)
        # DuckDB follows links first, and takes what comes after a question mark for parameters.
        if wrong := {"?", "\\"} & set(os.path.realpath(folder)):
            raise ValueError(
                f"{os.path.realpath(folder)} has {' and '.join(sorted(wrong))} in it, which DuckDB cannot open"
            )
        return folder


class Settings(DataFolder):
    """All settings of a run, read from the environment (prefix `SER_`) or a `.env` file."""

    corpus: Literal["ravdess", "table"] = Field(
        "ravdess", description="Where recordings come from: RAVDESS under `data/raw`, or a table of your own."
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
        description="Speeds at which every take is also heard, as if by other speakers; with commas, or none.",
    )

    protocols: Annotated[tuple[Protocol, ...], NoDecode] = Field(
        ("speaker_independent", "speaker_normalised", "random_split", "random_split_leaky"),
        description="Protocols under which the models are evaluated, with commas; speaker_independent always. "
        "There is also permuted_labels, which must fall to chance.",
    )
    fold_schemes: Annotated[tuple[FoldScheme, ...], NoDecode] = Field(
        default_factory=lambda given: ("luna5",) if given.get("corpus") == "ravdess" else ("groups5",),
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
        False, description="Write learning curves for TensorBoard, under `data/tensorboard` (extra `tensorboard`)."
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
    def _honest_one_first(cls, protocols: tuple[Protocol, ...]) -> tuple[Protocol, ...]:
        if "speaker_independent" not in protocols:
            raise ValueError("speaker_independent must be among them: the report begins with it")
        return tuple(name for name in get_args(Protocol) if name in protocols)

    @field_validator("fold_schemes")
    @classmethod
    def _folds_in_order(cls, fold_schemes: tuple[FoldScheme, ...]) -> tuple[FoldScheme, ...]:
        return tuple(name for name in get_args(FoldScheme) if name in fold_schemes)

    @field_validator("corpus_table", "model_settings")
    @classmethod
    def _from_home(cls, table: Path | None) -> Path | None:
        return table and _expanded(table)

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

    @model_validator(mode="after")
    def _folds_for_the_corpus(self) -> Self:
        if self.corpus == "table" and (strange := sorted({"luna5", "emobox6"} & set(self.fold_schemes))):
            raise ValueError(f"folds {', '.join(strange)} are of RAVDESS's actors: for a table, groups5 or loso")
        return self

    def as_text(self, name: str) -> str:
        """Write a knob as its environment variable has it: `luna5,emobox6`, `0.92,1.09`, and `none` for no voices."""
        value = getattr(self, name)
        return (",".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)

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


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path} begins with ~, and there is no such home folder: write the whole path") from error
