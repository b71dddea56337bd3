"""The command `demo`: from nothing to a report and a champion in a few minutes, on synthetic speech."""

import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ser_assets.cli.parameters import ActorRange
from ser_assets.cli.running import materialize
from ser_assets.cli.terminal import progress_bars, read_settings

if TYPE_CHECKING:
    from ser_assets.settings import Settings

PROTOCOLS: Final = ("speaker_independent", "random_split_leaky")
"""The honest score, and the one that a leaking split would show."""


@click.command()
@click.option("--actors", type=ActorRange(), default="1-6", show_default=True, help="Synthetic actors, such as 1-6.")
def demo(actors: tuple[str, ...]) -> None:
    """Make a corpus of synthetic speech, run everything on it with short training, and list what to try next.

    Only the protocols speaker_independent and random_split_leaky are evaluated. SER_PROTOCOLS and SER_MODEL_SETTINGS
    change that.
    """
    from ser_assets.corpus.demo.corpus import make_demo_corpus
    from ser_assets.corpus.ravdess import Ravdess

    with as_file(files("ser_assets.corpus.demo") / "models.toml") as models_file:
        settings = _with_short_training(read_settings(), {"protocols": PROTOCOLS, "model_settings": models_file})
        if settings.corpus != Ravdess.name:
            raise click.ClickException(
                f"`demo` makes recordings in the form of RAVDESS, and the settings name another corpus "
                f"(SER_CORPUS={settings.corpus}): unset SER_CORPUS, in the environment or in .env"
            )
        folder = settings.raw_dir / "demo"
        with progress_bars() as listener:
            make_demo_corpus(
                folder, actors, settings.worker_count, lambda done, total: listener("demo corpus", done, total)
            )
        materialize(settings, actors)
    film = min(folder.rglob("*.mp4"), default=folder)
    # As it was called: `make demo` leaves the command in `.venv/bin`, which the shell does not search.
    program = sys.argv[0] if Path(sys.argv[0]).name == "ser-assets" else "ser-assets"
    click.echo(
        f"\nEvaluated under {', '.join(settings.protocols)}, with short training: the scores show that the platform "
        "works, and mean nothing for people.\n"
        "Try next:\n"
        f"  {program} predict {film}\n"
        "  make dev: the Dagster UI, at http://localhost:3000\n"
        f"  {program} download --help: RAVDESS; or docs/recordings.md for your own recordings"
    )


def _with_short_training(settings: "Settings", short: dict[str, object]) -> "Settings":
    """Apply what the user has not set."""
    return settings.model_copy(
        update={name: value for name, value in short.items() if name not in settings.model_fields_set}
    )
