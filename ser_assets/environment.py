"""Reads the settings from the environment and `.env`, and tells in plain lines what is wrong or changes nothing."""

import difflib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from ser_assets.settings import ENV_FILE, DataFolder, Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

PREFIX = "SER_"
READ_BY_OTHERS = frozenset({"SER_RAVDESS"})
"""Variables with the prefix that are no settings: the tests read them."""

_Settings = TypeVar("_Settings", bound=DataFolder)

_shown: set[str] = set()


class SettingsError(ValueError):
    """The settings cannot be used; the message has a line for each fault, with the name of the setting or the file."""


def read_settings() -> Settings:
    """Read the settings from the environment and from `.env` in this folder.

    Raises:
        SettingsError: `.env` cannot be read, or a setting has a value that cannot be used.
    """
    return _read(Settings)


def read_data_dir() -> Path:
    """Read the data folder alone, also where another setting cannot be used.

    Raises:
        SettingsError: `.env` cannot be read, or there cannot be such a folder.
    """
    return _read(DataFolder).data_dir


def read_variable(name: str) -> str | None:
    """Read a variable of another program from the environment, or else from `.env` in this folder, as Dagster does.

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
        wrong = [_told(item) for item in error.errors() if item["type"] != "default_factory_not_called"]
    # Outside the handler, so that a log that shows causes ends with these lines.
    raise SettingsError("\n".join(wrong))


def _told(fault: "ErrorDetails") -> str:
    name = PREFIX + str(fault["loc"][0]).upper() if fault["loc"] else "settings"
    return f"{name}: {fault['msg'].removeprefix('Value error, ')}"


def settings_warnings(settings: Settings) -> list[str]:
    """Tell which variables change nothing: those without effect beside the others, and those that are no setting."""
    warnings = []
    if settings.corpus_table is not None and settings.corpus != "table":
        warnings.append(
            f"SER_CORPUS_TABLE={settings.corpus_table} is not used, as SER_CORPUS is {settings.corpus}: set "
            "SER_CORPUS=table to learn from it, or unset SER_CORPUS_TABLE"
        )
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    names = {**dict.fromkeys(os.environ, ""), **dict.fromkeys(_env_file_names(), f" (in {ENV_FILE})")}
    for name, place in sorted(names.items()):
        if name.upper().startswith(PREFIX) and name.upper() not in known | READ_BY_OTHERS:
            close = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else "README.md lists the settings"
            warnings.append(f"{name}{place} is no setting and changes nothing: {hint}")
    return warnings


def mark_as_shown(warnings: Iterable[str]) -> None:
    """Remember that a person has seen these: definitions that a command loads do not repeat them."""
    _shown.update(warnings)


def not_yet_shown(warnings: Iterable[str]) -> list[str]:
    """Those of the warnings that this process has not shown."""
    return [warning for warning in warnings if warning not in _shown]


def _env_file_names() -> list[str]:
    """Names of the variables in `.env`; none where there is no such file (a folder `.env` is often Python's).

    Raises:
        SettingsError: it cannot be read as UTF-8, or a line that seems to be a setting is no assignment.
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
            raise SettingsError(f"{path.absolute()}, line {number}: no assignment: write NAME=value, not {line!r}")
        if binding.key and not unfinished:
            names.append(binding.key)
    return names


def _empty_lines(text: str) -> int:
    return text[: len(text) - len(text.lstrip())].count("\n")


def _text_of(path: Path) -> str:
    """The text of a file in UTF-8, with or without a byte order mark."""
    remedy = "save it as UTF-8"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"{path.absolute()} cannot be read ({error.strerror}): allow it, or remove it") from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        guess = "UTF-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "another encoding, such as Windows-1252"
        number = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{path.absolute()}, line {number}: is no UTF-8 but {guess}: {remedy}") from None
    if "\0" in text:
        raise SettingsError(f"{path.absolute()}: holds NUL characters, perhaps as UTF-16 or UTF-32: {remedy}")
    return text
