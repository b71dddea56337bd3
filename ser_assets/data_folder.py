"""The data folder: the one setting that Dagster's own commands need, too."""

import os
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

ENV_FILE = ".env"


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
        folder = expanded(folder)
        # DuckDB follows links first, and takes what comes after a question mark for parameters.
        if wrong := {"?", "\\"} & set(os.path.realpath(folder)):
            raise ValueError(
                f"{os.path.realpath(folder)} has {' and '.join(sorted(wrong))} in it, which DuckDB cannot open"
            )
        return folder


def expanded(path: Path) -> Path:
    """A path with the home folder in place of `~`. Raises ValueError if there is no such home folder."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{path} begins with ~, and there is no such home folder: write the whole path") from error
