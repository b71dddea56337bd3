"""What every command needs: the settings, the corpus, and progress bars."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from ser_assets.corpus.interface import Corpus
    from ser_assets.runtime.progress import Listener
    from ser_assets.settings import Settings


def read_settings() -> "Settings":
    """Read the settings. Each fault is one line of the error, each setting without effect one warning."""
    from ser_assets import environment

    try:
        settings = environment.read_settings()
        warnings = environment.settings_warnings(settings)
    except environment.SettingsError as error:
        raise click.ClickException(str(error)) from error
    environment.mark_as_shown(warnings)
    for warning in warnings:
        click.echo(f"Warning: {warning}", err=True)
    return settings


def read_corpus(settings: "Settings") -> "Corpus":
    """Open the corpus that the settings name, and check that its speakers and emotions can be read."""
    from ser_assets.chosen_corpus import corpus_of
    from ser_assets.corpus.interface import CorpusError

    try:
        corpus = corpus_of(settings)
        _ = corpus.actors, corpus.emotions
    except CorpusError as error:
        raise click.ClickException(str(error)) from error
    return corpus


@contextmanager
def progress_bars(*, to_stderr: bool = False, of_bytes: bool = False) -> Iterator["Listener"]:
    """Show a progress bar per name; without a terminal, a line when it is complete.

    Args:
        to_stderr: write to standard error.
        of_bytes: count bytes and show the transfer rate; a complete bar is replaced by a line.

    Yields:
        A listener, called with name, done and total.
    """
    from rich.console import Console
    from rich.filesize import decimal
    from rich.progress import Progress, TaskID

    console = Console(stderr=to_stderr)
    tasks: dict[str, TaskID] = {}
    with Progress(*_columns(of_bytes), console=console, disable=not console.is_terminal) as bars:

        def listen(name: str, done: int, total: int) -> None:
            if name not in tasks or bars.tasks[tasks[name]].total != total:
                # Starts at the present count, so that earlier bytes do not raise the transfer rate.
                tasks[name] = bars.add_task(name, total=total, completed=done)
            # Complete downloads are hidden, which leaves room for those in progress.
            bars.update(tasks[name], completed=done, total=total, visible=done < total or not of_bytes)
            if done == total and (of_bytes or not console.is_terminal):
                message = f"{decimal(done)} done" if of_bytes else f"{done} of {total} done"
                click.echo(f"{name}: {message}", err=to_stderr)

        yield listen


def _columns(of_bytes: bool) -> "list[ProgressColumn]":
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    name = TextColumn("{task.description:<16}")
    if of_bytes:
        return [name, BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]
    return [name, BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
