"""Validation of the config of a run, before its first step."""

from collections.abc import Collection, Mapping
from typing import Any

from ser_assets.assets.training.model_config import refuse_wrong_settings
from ser_assets.learning.models.catalog import settings_types

CHAMPION = "champion_model"
DOWNLOAD = "download"


class ConfigError(ValueError):
    """A run config is invalid; the message gives the reason."""


def require_valid_config(run_config: Mapping[str, Any], steps: Collection[str]) -> None:
    """Reject settings that no asset of the run uses, and settings of a model outside their limits.

    Dagster checks names and types of the settings of assets that have any; it accepts all others.

    Args:
        run_config: config of the run, as Dagster takes it.
        steps: keys of the steps of the run; the key of an asset is its name.

    Raises:
        ConfigError: the message names the asset and the setting in one sentence.
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
                f"there are settings of {name} ({given}), which is not in this run: add {name} to the run, or "
                "remove them"
            )
    try:
        refuse_wrong_settings(run_config, types)
    except ValueError as error:
        raise ConfigError(str(error)) from error
