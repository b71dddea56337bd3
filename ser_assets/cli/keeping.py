"""Commands for operators: `prune`, `backup`, `restore`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from ser_assets.cli.parameters import NewFile
from ser_assets.cli.terminal import read_settings

MEGABYTE = 1e6


@click.command()
@click.option(
    "--older-than",
    "days",
    type=click.IntRange(min=1),
    default=None,
    help="Remove runs that ended more than this many days ago; SER_HISTORY_DAYS (90) by default.",
)
@click.option("--dry-run", is_flag=True, help="Only print what would be removed.")
def prune(days: int | None, dry_run: bool) -> None:
    """Remove old runs from Dagster's history: their events, captured output and files, and old ticks of schedules.

    Materializations and checks stay, so that asset pages, plots over runs and the state of partitions do not change.
    Unfinished runs, the last run of each job and the runs that asset pages refer to stay too. `dagster dev` may be
    running.
    """
    from ser_assets.history import open_history
    from ser_assets.history.pruning import prune

    settings = read_settings()
    days = days or settings.history_days
    before = datetime.now(UTC) - timedelta(days=days)
    with open_history() as instance:
        pruned = prune(instance, before, dry_run=dry_run)
    sizes = f"{pruned.size_before / MEGABYTE:.1f} MB → {pruned.size_after / MEGABYTE:.1f} MB"
    click.echo(
        f"{'would remove' if dry_run else 'removed'} {pruned.runs} runs that ended more than {days} days ago, and "
        f"{pruned.ticks} ticks: {sizes} in {pruned.folder}"
    )
    if pruned.kept:
        click.echo(f"{pruned.kept} older runs stay, because asset pages refer to them")
    for note in pruned.notes:
        click.echo(f"Warning: {note}", err=True)


@click.command()
@click.argument("file", type=NewFile())
def backup(file: Path) -> None:
    """Write tables, clips, features, models, report and history into the new tar file FILE.

    Recordings (`raw`) and downloads are not in it. Dagster may be running, but no run may be in progress.
    """
    from ser_assets.history import open_history
    from ser_assets.history.activity import runs_changed_since, runs_that_write
    from ser_assets.history.backup import back_up

    settings = read_settings()
    started = datetime.now(UTC)
    with open_history() as instance:
        _refuse_beside_runs(runs_that_write(instance), "wait until it has ended, or cancel it")
        number = back_up(settings.data_dir, file)
        try:
            _refuse_beside_runs(runs_changed_since(instance, started), "the backup is removed; make it again")
        except BaseException:
            file.unlink()
            raise
        history = Path(instance.root_directory)
        is_included = instance.is_ephemeral or history.resolve().is_relative_to(settings.data_dir.resolve())
    if not is_included:
        click.echo(
            f"Warning: Dagster's history is in {history}, outside the data folder, and not in the backup", err=True
        )
    size = file.stat().st_size / MEGABYTE
    click.echo(f"{number} files of {settings.data_dir.absolute()} in {file}, {size:.1f} MB; recordings are not in it")


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def restore(file: Path) -> None:
    """Restore FILE, written by `ser-assets backup`, into an empty data folder or one that contains only recordings."""
    from ser_assets.history.backup import restore

    settings = read_settings()
    number = restore(file, settings.data_dir)
    click.echo(f"{number} files restored into {settings.data_dir.absolute()}; recordings go under {settings.raw_dir}")


def _refuse_beside_runs(runs: list[str], remedy: str) -> None:
    if runs:
        raise click.ClickException(
            f"run {', '.join(runs)} writes to the data folder, and old and new files would be mixed: {remedy}"
        )
