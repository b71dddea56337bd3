"""What every command needs: the settings, and bars that show how far it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ser_assets.corpus.entries import Corpus
    from ser_assets.progress import Listener
    from ser_assets.settings import Settings


def read_settings() -> "Settings":
    """Read the settings; what is wrong with them is said in a line for each."""
    from pydantic import ValidationError

    from ser_assets.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        wrong = [
            f"{'SER_' + str(item['loc'][0]).upper() if item['loc'] else 'settings'}: {item['msg']}"
            for item in error.errors()
        ]
        raise click.ClickException("\n".join(wrong)) from error


def read_corpus(settings: "Settings") -> "Corpus":
    """Open the corpus that the settings name, and see that its speakers and emotions can be told."""
    from ser_assets.corpus.corpora import corpus_of
    from ser_assets.corpus.entries import CorpusError

    try:
        corpus = corpus_of(settings)
        _ = corpus.actors, corpus.emotions
    except CorpusError as error:
        raise click.ClickException(str(error)) from error
    return corpus


@contextmanager
def progress_bars(*, to_stderr: bool = False) -> Iterator["Listener"]:
    """Show a progress bar for each name that the listener is told of; away from a terminal a line when it is done."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

    console = Console(stderr=to_stderr)
    columns = (TextColumn("{task.description:<16}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bars:

        def listen(name: str, done: int, total: int) -> None:
            if name not in tasks or bars.tasks[tasks[name]].total != total:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)
            if done == total and not console.is_terminal:
                click.echo(f"{name}: {done} of {total} done", err=to_stderr)

        yield listen
