"""What is wrong with the config of a run, found before its first step."""

from collections.abc import Collection, Mapping
from typing import Any

from ser_assets.assets.training.model_config import refuse_wrong_settings
from ser_assets.learning.models.catalog import settings_types

CHAMPION = "champion_model"
DOWNLOAD = "download"


class ConfigError(ValueError):
    """A run config cannot be used; the message says why."""


def refuse_wrong_config(run_config: Mapping[str, Any], steps: Collection[str]) -> None:
    """Refuse settings that no asset of the run uses, and settings of a model outside their limits.

    Dagster checks names and types of the settings of assets that have any; it accepts all others.

    steps: keys of the steps of the run; an asset's is its name.

    Raises:
        ConfigError: names the asset and the setting in one sentence.
    """
    types = settings_types()
    configurable = (*types, CHAMPION)
    for name, op in run_config.get("ops", {}).items():
        if not (op or {}).get("config"):
            continue
        given = ", ".join(op["config"])
        if name not in (*configurable, DOWNLOAD):
            raise ConfigError(f"{name} has no settings ({given}); these assets have: {', '.join(configurable)}")
        if name not in steps:
            raise ConfigError(
                f"there are settings of {name} ({given}), which this run does not make: add {name} to the run, or "
                "remove them"
            )
    try:
        refuse_wrong_settings(run_config, types)
    except ValueError as error:
        raise ConfigError(str(error)) from error
