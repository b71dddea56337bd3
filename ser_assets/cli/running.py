"""Commands that materialize assets and print scores: `run`, `scores`, `reproduce-notebook`."""

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from ser_assets.cli.parameters import ActorRange, JsonObject, chosen_actors
from ser_assets.cli.terminal import progress_bars, read_corpus, read_settings

if TYPE_CHECKING:
    from ser_assets.corpus.interface import Listing
    from ser_assets.settings import Settings
    from ser_assets.storage.warehouse import Warehouse


@click.command()
@click.option(
    "--actors", "only", default=None, help="Only these actors, such as 1-20, Ann,Bob or Ann...Carl.  [default: all]"
)
@click.option(
    "--config-json",
    type=JsonObject(),
    default=None,
    help='Settings of models, as in the launchpad: {"ops": {"cnn": {"config": {"epochs": 5}}}}.',
)
def run(only: str | None, config_json: dict[str, Any] | None) -> None:
    """Materialize everything for the actors on disk: clips, features, models, report, champion."""
    settings = read_settings()
    materialize(settings, None if only is None else chosen_actors(read_corpus(settings), only), config_json)


def materialize(
    settings: "Settings", chosen: tuple[str, ...] | None = None, config_json: dict[str, Any] | None = None
) -> None:
    """Materialize everything and print the scores.

    Args:
        settings: of the platform.
        chosen: actors to prepare; None for all on disk.
        config_json: run config of the models.

    Raises:
        click.ClickException: there are no recordings, or an asset failed; the message says which.
    """
    from ser_assets.corpus.interface import CorpusError, require_unique_takes

    corpus = read_corpus(settings)
    listing = corpus.listing()
    on_disk = tuple(listing.entries)
    if not on_disk:
        raise click.ClickException(corpus.missing_recordings_message())
    try:
        require_unique_takes(corpus.name, listing)
    except CorpusError as error:
        raise click.ClickException(str(error)) from error
    for note in listing.notes:
        click.echo(f"Warning: {note}", err=True)
    from ser_assets.definitions import build_definitions
    from ser_assets.history import open_history
    from ser_assets.orchestration.run_config import ConfigError
    from ser_assets.orchestration.runner import refresh
    from ser_assets.runtime.progress import listening
    from ser_assets.storage.files import files_set_aside
    from ser_assets.storage.tables import RAW_VIDEOS, actors_with_takes, records
    from ser_assets.storage.warehouse import Warehouse
    from ser_assets.withdrawal.withdraw import remove_withdrawn

    warehouse = Warehouse(settings.corpus_dir)
    with open_history() as instance:
        if removed := remove_withdrawn(settings, corpus, instance, listing):
            click.echo(removed.sentence)
    actors = _with_changed_actors(settings, listing, chosen) if chosen else on_disk
    try:
        with progress_bars() as listener, listening(listener):
            definitions, damaged = build_definitions(settings), files_set_aside(settings.data_dir)
            outcome = refresh(definitions, actors, lambda: actors_with_takes(warehouse), config_json)
            if found := [path for path in files_set_aside(settings.data_dir) if path not in damaged]:
                click.echo("\n".join(f"damaged, set aside and now made again: {path}" for path in found))
                outcome = refresh(definitions, actors, lambda: actors_with_takes(warehouse), config_json)
    except ConfigError as error:
        raise click.BadParameter(str(error), param_hint="--config-json") from error
    if rejected := len(records(warehouse, RAW_VIDEOS, "status = 'rejected'", columns=["path"])):
        click.echo(f"{rejected} files rejected: `ser-assets doctor` lists them with the remedy")
    if listing.unassigned_files:
        click.echo(
            f"{len(listing.unassigned_files)} files without an actor left out: "
            "`ser-assets doctor` lists them with the remedy"
        )
    if outcome.finished:
        _show_scores(settings)
    if outcome.failures:
        raise click.ClickException("\n".join(outcome.failures))


def _with_changed_actors(settings: "Settings", listing: "Listing", chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Add the actors whose recordings or labels have changed: models train on all actors with features."""
    from ser_assets.assets.by_actor.current_corpus import changes_since_features
    from ser_assets.storage.warehouse import Warehouse, WarehouseDamagedError

    with suppress(WarehouseDamagedError):
        changed = {change.actor for change in changes_since_features(settings, Warehouse(settings.corpus_dir), listing)}
        if others := sorted(changed - set(chosen)):
            click.echo(f"also prepared, because their recordings or labels have changed: {', '.join(others)}")
            return (*chosen, *others)
    return chosen


@click.command()
def scores() -> None:
    """Print the score table of the last report and the path of the report."""
    _show_scores(read_settings())


@click.command("reproduce-notebook")
@click.option(
    "--actors", type=ActorRange(), default=None, help="Only these actors, such as 1-20.  [default: all with clips]"
)
@click.option("--markdown", is_flag=True, help="Print the table as Markdown, and everything else to standard error.")
def reproduce_notebook(actors: tuple[str, ...] | None, markdown: bool) -> None:
    """Evaluate the notebook's four models by its own split and on unseen actors, beside its claims (takes minutes)."""
    from ser_assets.baseline.reproduce import ReproductionError, reproduction_for_terminal, reproduction_markdown
    from ser_assets.baseline.reproduce import reproduce_notebook as reproduce
    from ser_assets.runtime.progress import listening
    from ser_assets.storage.actor_files import ClipsMissingError
    from ser_assets.storage.warehouse import WarehouseBusyError, WarehouseDamagedError

    settings = read_settings()
    try:
        with progress_bars(to_stderr=markdown) as listener, listening(listener):
            table = reproduce(settings, actors)
    except (ReproductionError, ClipsMissingError, WarehouseBusyError, WarehouseDamagedError) as error:
        raise click.ClickException(str(error)) from error
    from rich.console import Console

    from ser_assets.reporting.baseline_table import reproduced_models, reproduction_gap

    if markdown:
        click.echo(reproduction_markdown(table))
    else:
        Console().print(reproduction_for_terminal(table))
    click.echo(
        f"{reproduction_gap(reproduced_models(table))}\n"
        "The notebook's split has every actor, and copies of test takes, on both sides; the score for a new speaker is "
        "the column of unseen actors.\n"
        "the next metrics_report shows this: `.venv/bin/dagster asset materialize --select metrics_report -m "
        "ser_assets.definitions`",
        err=markdown,
    )


def _show_scores(settings: "Settings") -> None:
    from rich.console import Console

    from ser_assets.storage.tables import SCORES, notice_of_demo
    from ser_assets.storage.warehouse import Warehouse, WarehouseBusyError, WarehouseDamagedError

    warehouse = Warehouse(settings.corpus_dir)
    try:
        if not warehouse.has_table(SCORES):
            raise click.ClickException(f"no scores in {warehouse.path} yet: `ser-assets run` computes them")
    except (WarehouseBusyError, WarehouseDamagedError) as error:
        raise click.ClickException(str(error)) from error
    from ser_assets.reporting.summary import score_table_for_terminal
    from ser_assets.serving.bundle import BundleError, champion_folder, open_bundle

    Console().print(score_table_for_terminal(warehouse.query(f"FROM {SCORES}")))
    if notice := notice_of_demo(warehouse):
        click.echo(notice)
    click.echo(f"report: {settings.corpus_dir / 'report' / 'index.html'}")
    with suppress(BundleError):
        click.echo(f"champion, which `predict` uses: {open_bundle(champion_folder(settings.corpus_dir)).facts['why']}")
    _print_skipped(warehouse)


def _print_skipped(warehouse: "Warehouse") -> None:
    """Print what was requested and left out."""
    from ser_assets.storage.skipped import all_skipped

    if skipped := all_skipped(warehouse):
        click.echo("\n".join(["requested and left out:", *(f"  {each.line}" for each in skipped)]))
