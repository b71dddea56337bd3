"""The file in which settings of the models stay: obeyed by the UI, the schedule and the shell alike."""

import dataclasses
import difflib
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from ser_assets.environment import SettingsError
from ser_assets.learning.data.set_names import EMBEDDINGS
from ser_assets.learning.models.catalog import MODELS, ModelSpec
from ser_assets.settings import Settings

FILE_NAME: Final = "models.toml"


def models_in_use(settings: Settings) -> dict[str, ModelSpec]:
    """The models of the catalogue by name; without an encoder, those that need none."""
    return {name: spec for name, spec in MODELS.items() if settings.has_encoder or spec.reads != EMBEDDINGS}


def model_settings(settings: Settings) -> dict[str, Any]:
    """Read the settings of every model in use: defaults, and what the file changes.

    The file is the one that `SER_MODEL_SETTINGS` names, else `models.toml` in the data folder, if it is there. It has a
    section for each model, such as `[cnn]` with the line `epochs = 20`.

    Returns: an instance of each model's settings, by the name of the model.

    Raises:
        SettingsError: the file cannot be read, or it has a model, a setting or a value that cannot be used.
    """
    path = settings.model_settings or settings.data_dir / FILE_NAME
    types = {name: spec.settings for name, spec in models_in_use(settings).items()}
    if settings.model_settings is None and not path.exists():
        return {name: settings_type() for name, settings_type in types.items()}
    sections = _sections(path)
    for name in sections:
        _require_known(path, "model", name, types)
    return {
        name: _with_changes(path, name, settings_type, sections.get(name, {})) for name, settings_type in types.items()
    }


def as_dictionary(of_model: Any) -> dict[str, Any]:
    """Settings of a model as a dictionary, its tuples as lists: as JSON, TOML and Dagster have them."""
    values = dataclasses.asdict(of_model)
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _sections(path: Path) -> dict[str, dict[str, Any]]:
    place = path.absolute()
    try:
        sections = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"SER_MODEL_SETTINGS: {place} cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{place} is not UTF-8: save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{place} is not TOML ({error}): write [cnn] and below it epochs = 20") from None
    for name, section in sections.items():
        if not isinstance(section, dict):
            raise SettingsError(f"{place}: {name} stands outside a section: write it below the name of a model, [cnn]")
    return sections


def _with_changes(path: Path, name: str, settings_type: type[Any], changes: dict[str, Any]) -> Any:
    known = {field.name for field in dataclasses.fields(settings_type)}
    for setting in changes:
        _require_known(path, f"setting of {name}", setting, known)
    try:
        return settings_type(**changes)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
    raise SettingsError(f"{path.absolute()}: {name}: {wrong}")


def _require_known(path: Path, kind: str, name: str, known: "dict[str, Any] | set[str]") -> None:
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
        raise SettingsError(f"{path.absolute()}: there is no {kind} {name}: {hint}")
