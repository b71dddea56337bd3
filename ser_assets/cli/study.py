"""Commands that study the stored features: `study ablation`, `study profile-size`, `study settings`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from ser_assets.cli.parameters import ModelName
from ser_assets.cli.terminal import progress_bars, read_settings

if TYPE_CHECKING:
    from ser_assets.orchestration.studies import Study


@click.group()
def study() -> None:
    """Study the stored features. Prints a Markdown table and changes nothing."""


@study.command("ablation")
def study_ablation() -> None:
    """Measure what each group of functionals contributes on unseen actors, by a linear model (takes minutes)."""
    from ser_assets.orchestration.studies import ablation_markdown, ablation_study

    _print_study(lambda study: ablation_markdown(ablation_study(study)))


@study.command("profile-size")
@click.option("--model", type=ModelName(), default="neural_network", show_default=True)
def study_profile_size(model: str) -> None:
    """Measure UAR against the number of unlabelled clips in a speaker profile (takes minutes)."""
    from ser_assets.orchestration.studies import profile_size_markdown, profile_size_study

    _print_study(lambda study: profile_size_markdown(profile_size_study(study, model)), model)


@study.command("settings")
@click.argument("model", type=ModelName())
@click.option("--trials", type=click.IntRange(2), default=12, show_default=True, help="Number of settings to try.")
def study_settings(model: str, trials: int) -> None:
    """Search the settings of a model inside the training actors of each fold (takes minutes to hours)."""
    from ser_assets.orchestration.studies import search_markdown, settings_study

    _print_study(lambda study: search_markdown(settings_study(study, model, trials)), model)


def _print_study(table_of: "Callable[[Study], str]", model: str | None = None) -> None:
    from ser_assets.orchestration.studies import load_study
    from ser_assets.runtime.progress import listening
    from ser_assets.storage.training_set import FeaturesMissingError
    from ser_assets.storage.warehouse import WarehouseBusyError, WarehouseDamagedError

    try:
        with progress_bars(to_stderr=True) as listener, listening(listener):
            loaded = load_study(read_settings(), model)
            table = table_of(loaded)
    except (FeaturesMissingError, WarehouseBusyError, WarehouseDamagedError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{loaded.basis}; 95 % bootstrap intervals over actors\n\n{table}")
