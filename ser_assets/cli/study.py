"""Commands that ask the features at hand a question."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ser_assets.cli.parameters import ModelName
from ser_assets.cli.terminal import progress_bars, read_settings

if TYPE_CHECKING:
    from ser_assets.orchestration.studies import Study


@click.group()
def study() -> None:
    """Ask the features at hand a question: a table in Markdown, and nothing is changed."""


@study.command("ablation")
def study_ablation() -> None:
    """What each group of functionals brings on unseen actors, by a linear evaluate (takes minutes)."""
    from ser_assets.orchestration.studies import ablate, ablation_markdown

    _study(lambda opened: ablation_markdown(ablate(opened)))


@study.command("calibration")
@click.option("--model", type=ModelName(), default="neural_network", show_default=True)
def study_calibration(model: str) -> None:
    """How many unlabelled clips of a new speaker calibration needs (takes minutes)."""
    from ser_assets.orchestration.studies import curve, curve_markdown

    _study(lambda opened: curve_markdown(curve(opened, model)))


@study.command("settings")
@click.argument("model", type=ModelName())
@click.option("--trials", type=click.IntRange(2), default=12, show_default=True, help="Settings to try.")
def study_settings(model: str, trials: int) -> None:
    """Search the settings of a model inside the training actors of each fold (takes from minutes to hours)."""
    from ser_assets.orchestration.studies import find_settings, search_markdown

    _study(lambda opened: search_markdown(find_settings(opened, model, trials)))


def _study(answer: "Callable[[Study], str]") -> None:
    from ser_assets.orchestration.studies import load_study
    from ser_assets.runtime.progress import listening
    from ser_assets.storage.training_set import FeaturesMissingError
    from ser_assets.storage.warehouse import WarehouseBusyError, WarehouseDamagedError

    try:
        with progress_bars(to_stderr=True) as listener, listening(listener):
            opened = load_study(read_settings())
            table = answer(opened)
    except (FeaturesMissingError, WarehouseBusyError, WarehouseDamagedError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{opened.basis}; 95 % intervals by bootstrap over actors\n\n{table}")
