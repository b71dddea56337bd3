"""What is wrong with a run config is found before the first step, in one sentence."""

from typing import Any

import pytest

from ser_assets.orchestration.run_config import ConfigError, require_valid_config

MODELS = ("random_forest", "neural_network", "cnn", "complex_cnn")
WRONG = {
    "a value out of its limits": ({"neural_network": {"epochs": 0}}, r"^neural_network: epochs: .*greater than.* 1$"),
    "a layer without units": ({"neural_network": {"units": [0]}}, r"^neural_network: units\.0: .*greater than.* 1$"),
    "an asset without settings": (
        {"raw_videos": {"x": 1}},
        r"^raw_videos has no settings \(x\); these assets have: ",
    ),
    "an asset that is not in the run": (
        {"champion_model": {"accept_drop": True}},
        r"^there are settings of champion_model \(accept_drop\), which is not in this run: add champion_model to ",
    ),
}


def config_of(ops: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {"ops": {name: {"config": config} for name, config in ops.items()}}


@pytest.mark.parametrize(("ops", "message"), WRONG.values(), ids=WRONG)
def test_it_is_refused_with_asset_and_setting(ops: dict[str, dict[str, Any]], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        require_valid_config(config_of(ops), [*MODELS, "raw_videos"])
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None or "\n" not in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "config", [{}, config_of({"cnn": {"epochs": 3}}), {"ops": {"features": {}}}, {"ops": {"features": {"config": {}}}}]
)
def test_a_config_that_can_be_used_passes(config: dict[str, Any]) -> None:
    require_valid_config(config, [*MODELS, "features"])
