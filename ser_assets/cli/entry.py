"""How every command begins and ends: streams that show what they can, and errors in plain lines."""

import io
import sys
from importlib.util import find_spec
from typing import Any

import click

from ser_assets.plain_words import in_plain_words

CORE_COMMANDS = frozenset({"predict", "enrol-speaker"})
"""Commands that need no extra: the model of a bundle is enough."""


class Commands(click.Group):
    """A group of commands that ends with one clear line where the surroundings are wrong, not with a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command, as `click.Group.main` does, with streams that cannot fail over a character."""
        from ser_assets.runtime.caches import provide_caches

        show_what_streams_can()
        provide_caches()
        return super().main(*args, **kwargs)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; refuse one that needs the platform where only the core is installed."""
        name, command, rest = super().resolve_command(ctx, args)
        if name not in CORE_COMMANDS and find_spec("dagster") is None:
            raise click.ClickException(
                f"`ser-assets {name}` needs the platform, which is not installed: pip install 'ser-assets[platform]'"
            )
        return name, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; what the user can put right ends it with exit code 1 and the reason."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.Abort, BrokenPipeError):
            # A reader that went away, as `head` does, is no error: click ends quietly.
            raise
        except Exception as error:
            if reason := in_plain_words(error):
                raise click.ClickException(reason) from error
            raise


def show_what_streams_can() -> None:
    """Have standard output and error write what their encoding lacks as an escape of their code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
