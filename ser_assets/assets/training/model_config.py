"""The settings of a model as Dagster shows them in the launchpad: each typed, described and with its default."""

import typing
from collections.abc import Mapping
from typing import Any

import dagster as dg
from pydantic import Field, ValidationError, create_model


def config_of(settings_type: type[Any], defaults: Any) -> type[dg.Config]:
    """Make the config of the settings of a model, a pydantic dataclass; what is a tuple there is a list here.

    Args:
        settings_type: dataclass of the settings.
        defaults: an instance of it, whose values the launchpad shows.
    """
    fields = {}
    for name, field in settings_type.__pydantic_fields__.items():
        annotation, default = field.annotation, getattr(defaults, name)
        if typing.get_origin(annotation) is tuple:
            annotation, default = list[_type_of_elements(annotation)], list(default)  # type: ignore[misc]
        limits = {
            limit: getattr(constraint, limit)
            for constraint in field.metadata
            for limit in ("ge", "gt", "le", "lt", "min_length")
            if hasattr(constraint, limit)
        }
        fields[name] = (annotation, Field(default, description=field.description, **limits))
    config: type[dg.Config] = create_model(  # type: ignore[call-overload]
        settings_type.__name__.replace("Settings", "Config"),
        __base__=dg.Config,
        __doc__=settings_type.__doc__,
        **fields,
    )
    return config


def _type_of_elements(annotation: Any) -> type:
    """`int` or `float`, from `tuple[Annotated[float, …], ...]`."""
    element = typing.get_args(annotation)[0]
    kind: type = typing.get_args(element)[0] if typing.get_origin(element) is typing.Annotated else element
    return kind


def settings_from(config: dg.Config, settings_type: type[Any]) -> Any:
    """Turn a config that was filled in into the settings that it is the config of."""
    return settings_type(**config.model_dump())


def refuse_wrong_settings(run_config: Mapping[str, Any], settings_types: Mapping[str, type[Any]]) -> None:
    """Raise ValueError, naming the setting, where a run config has a value outside the limits of a model's settings.

    Args:
        run_config: as a run was given it.
        settings_types: of each model by name. Dagster checks names and types alone.
    """
    for name, settings_type in settings_types.items():
        values = run_config.get("ops", {}).get(name, {}).get("config", {})
        try:
            settings_type(**values)
        except ValidationError as error:
            wrong = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        else:
            continue
        raise ValueError(f"{name}: {wrong}")
