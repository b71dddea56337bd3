"""The settings of a model as Dagster shows them in the launchpad: every knob typed, described and with its default."""

import typing
from typing import Any

import dagster as dg
from pydantic import Field, create_model


def config_of(settings_type: type[Any]) -> type[dg.Config]:
    """Make the config of the settings of a model, a pydantic dataclass; what is a tuple there is a list here."""
    fields = {}
    for name, field in settings_type.__pydantic_fields__.items():
        annotation, default = field.annotation, field.default
        if typing.get_origin(annotation) is tuple:
            annotation, default = list[int], list(default)
        limits = {
            limit: getattr(constraint, limit)
            for constraint in field.metadata
            for limit in ("ge", "gt", "le", "lt")
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


def settings_from(config: dg.Config, settings_type: type[Any]) -> Any:
    """Turn a config that was filled in into the settings that it is the config of."""
    return settings_type(**config.model_dump())
