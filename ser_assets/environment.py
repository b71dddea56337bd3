"""Reads the settings from the environment and `.env`, and lists faults and variables without effect."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ser_assets.data_folder import ENV_FILE, DataFolder
from ser_assets.settings import Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PREFIX = "SER_"
OLD_DATABASE = "ser.duckdb"
"""A database in the data folder itself is of an earlier version."""
READ_BY_OTHERS = frozenset({"SER_RAVDESS"})
"""Variables with the prefix that are not settings: the tests read them."""

_Settings = TypeVar("_Settings", bound=DataFolder)

_shown: set[str] = set()


class SettingsError(ValueError):
    """The settings are invalid; the message has a line per fault, with the name of the setting or the file."""


def read_settings() -> Settings:
    """Read the settings from the environment and from `.env` in this folder.

    Raises:
        SettingsError: `.env` cannot be read, a setting is invalid, or an earlier version made the data folder.
    """
    settings = _read(Settings)
    if (settings.data_dir / OLD_DATABASE).exists():
        raise SettingsError(
            f"SER_DATA_DIR: {settings.data_dir.absolute()} was made by an earlier version, without a folder for each "
            "corpus: move everything but the folder of recordings (raw) out of it, then give `ser-assets run`"
        )
    return settings


def read_data_dir() -> Path:
    """Read only the data folder, even if another setting is invalid.

    Raises:
        SettingsError: `.env` cannot be read, or the folder name is invalid.
    """
    return _read(DataFolder).data_dir


def read_variable(name: str) -> str | None:
    """Read a variable of another program from the environment, otherwise from `.env` in this folder, as Dagster does.

    Raises:
        SettingsError: `.env` cannot be read.
    """
    from io import StringIO

    from dotenv import dotenv_values

    if name in os.environ or name not in _env_file_names():
        return os.environ.get(name)
    return dotenv_values(stream=StringIO(_text_of(Path(ENV_FILE)))).get(name)


def _read(kind: type[_Settings]) -> _Settings:
    from pydantic import ValidationError

    _env_file_names()
    try:
        return kind()
    except ValidationError as error:
        faults = [_fault_message(item) for item in error.errors() if item["type"] != "default_factory_not_called"]
    # Raised outside the handler, so that a log with causes ends with these lines.
    raise SettingsError("\n".join(faults))


def _fault_message(fault: "ErrorDetails") -> str:
    name = PREFIX + str(fault["loc"][0]).upper() if fault["loc"] else "settings"
    return f"{name}: {fault['msg'].removeprefix('Value error, ')}"


def settings_warnings(settings: Settings) -> list[str]:
    """List variables without effect: those that others override, and those that are not settings."""
    warnings = []
    if settings.corpus_table is not None and settings.corpus != "table":
        warnings.append(
            f"SER_CORPUS_TABLE={settings.corpus_table} is not used, because SER_CORPUS is {settings.corpus}: set "
            "SER_CORPUS=table to train on it, or unset SER_CORPUS_TABLE"
        )
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    names = {**dict.fromkeys(os.environ, ""), **dict.fromkeys(_env_file_names(), f" (in {ENV_FILE})")}
    for name, place in sorted(names.items()):
        if name.upper().startswith(PREFIX) and name.upper() not in known | READ_BY_OTHERS:
            close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else "docs/settings.md lists the settings"
            warnings.append(f"{name}{place} is not a setting and has no effect: {hint}")
    return warnings


def mark_as_shown(warnings: Iterable[str]) -> None:
    """Remember warnings that were printed: definitions that a command loads do not repeat them."""
    _shown.update(warnings)


def not_yet_shown(warnings: Iterable[str]) -> list[str]:
    """Return the warnings that this process has not printed."""
    return [warning for warning in warnings if warning not in _shown]


def _env_file_names() -> list[str]:
    """List the variables in `.env`; none without such a file (a folder `.env` is often a virtual environment).

    Raises:
        SettingsError: it cannot be read as UTF-8, or a line with the prefix of settings is not an assignment.
    """
    from io import StringIO

    from dotenv.parser import parse_stream

    path = Path(ENV_FILE)
    if not path.exists() or path.is_dir():
        return []
    names = []
    for binding in parse_stream(StringIO(_text_of(path))):
        line = binding.original.string.strip()
        unfinished = binding.error or binding.value is None
        if unfinished and line.removeprefix("export ").upper().startswith(PREFIX):
            number = binding.original.line + _empty_lines(binding.original.string)
            raise SettingsError(
                f"{path.absolute()}, line {number}: not an assignment: write NAME=value instead of {line!r}"
            )
        if binding.key and not unfinished:
            names.append(binding.key)
    return names


def _empty_lines(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")


def _text_of(path: Path) -> str:
    """Read a file as UTF-8, with or without a byte order mark."""
    remedy = "save it as UTF-8"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(
            f"{path.absolute()} cannot be read ({error.strerror}): make it readable, or remove it"
        ) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        guess = "UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "another encoding, such as Windows-1252"
        number = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path.absolute()}, line {number}: is {guess} instead of UTF-8: {remedy}") from None
    if "\0" in text:
        raise SettingsError(
            f"{path.absolute()}: contains NUL characters, perhaps because it is UTF-16 or UTF-32: {remedy}"
        )
    return text
