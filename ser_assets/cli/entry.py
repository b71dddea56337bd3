"""How every command begins and ends: streams that show what they can, and errors in plain lines."""

import errno
import io
import sys
from typing import Any

import click


class Commands(click.Group):
    """A group of commands that ends with one clear line where the surroundings are wrong, not with a traceback."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a command, as `click.Group.main` does, with streams that cannot fail over a character."""
        from ser_assets.caches import provide_caches

        show_what_streams_can()
        provide_caches()
        return super().main(*args, **kwargs)

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


def in_plain_words(error: Exception) -> str:
    """What an exception means to the user; empty for one that tells of a fault in this program."""
    module = type(error).__module__
    if module.startswith("ser_assets."):
        # Our own exceptions name the file, the reason and the remedy.
        return str(error)
    if isinstance(error, UnicodeEncodeError):
        name = ascii(error.object)[1:-1]
        return f"{name} cannot be written in {error.encoding}, the encoding of this system: set PYTHONUTF8=1"
    if isinstance(error, OSError) and error.errno is not None:
        remedy = {errno.ENOSPC: ": free some space", errno.EROFS: ": choose another folder with SER_DATA_DIR"}
        what = f"{error.filename}: " if error.filename else ""
        return f"{what}{error.strerror}{remedy.get(error.errno, '')}"
    if module in ("duckdb", "_duckdb") and type(error).__name__ == "IOException":
        return str(error).partition("\n")[0]
    if isinstance(error, MemoryError):
        return "out of memory: close other programs, or try SER_WORKERS=1"
    return ""
