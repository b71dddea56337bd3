"""Commands about recordings: where they come from."""

from pathlib import Path

import click

from ser_assets.cli.parameters import ActorRange
from ser_assets.cli.terminal import progress_bars, read_settings


@click.command("demo-corpus")
@click.argument("destination", type=click.Path(file_okay=False, path_type=Path))
@click.option("--actors", type=ActorRange(), default="1-6", show_default=True, help="Actors to speak, such as 1-6.")
def demo_corpus(destination: Path, actors: tuple[str, ...]) -> None:
    """Make spoken recordings in the shape of RAVDESS under DESTINATION; what is there already is left alone."""
    from ser_assets.corpus.demo import make_demo_corpus

    settings = read_settings()
    with progress_bars() as listener:
        written = make_demo_corpus(
            destination, actors, settings.worker_count, lambda done, total: listener("demo corpus", done, total)
        )
    click.echo(f"{written} recordings written, {60 * len(actors) - written} were there, under {destination}")
