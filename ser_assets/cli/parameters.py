"""Values as people write them on a command line."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ser_assets.corpus.ravdess import ACTORS

if TYPE_CHECKING:
    from ser_assets.corpus.interface import Corpus

MOST_ACTORS = 999
SHOWN = 10


class ActorRange(click.ParamType):
    """Actors as people write them: `1-6`, `1,3,5` or `7`."""

    name = "actors"

    def convert(
        self, value: str | tuple[str, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """Turn the text into actor codes, `01` to `24`, sorted."""
        if isinstance(value, tuple):
            return value
        chosen: set[int] = set()
        for part in value.split(","):
            first, dash, last = part.strip().partition("-")
            if not first.isdecimal() or (dash and not last.isdecimal()):
                self.fail(f"{value!r} names no actors; write 1-6, or 1,3,5", param, ctx)
            chosen.update(range(int(first), min(int(last or first), MOST_ACTORS) + 1))
        actors = tuple(f"{number:02d}" for number in sorted(chosen))
        if strangers := [actor for actor in actors if actor not in ACTORS]:
            self.fail(f"there is no actor {', '.join(strangers)}; RAVDESS has 1 to 24", param, ctx)
        if not actors:
            self.fail(f"{value!r} names no actors; write 1-6, or 1,3,5", param, ctx)
        return actors


def chosen_actors(corpus: "Corpus", text: str) -> tuple[str, ...]:
    """Turn what follows `--actors` into actors of a corpus.

    Numbers in RAVDESS. Else names with commas between, one with a comma of its own in double quotes, and ranges such as
    `1-10` or `Ann...Carl` in the order of the partitions.
    """
    if corpus.name == "ravdess":
        try:
            return ActorRange().convert(text, None, None)
        except click.BadParameter as error:
            error.param_hint = "'--actors'"
            raise
    from ser_assets.corpus.spelling import names_in

    parts = [text] if text in corpus.actors else names_in(text)
    ranges = {part: _range(corpus.actors, part) for part in parts}
    if unknown := sorted(part for part, found in ranges.items() if not found):
        some = ", ".join(map(repr, corpus.actors[:SHOWN])) + (" …" if len(corpus.actors) > SHOWN else "")
        detail = f"there is no {', '.join(map(repr, unknown))}; there are {some}"
        raise click.BadParameter(detail, param_hint="--actors")
    if not ranges:
        raise click.BadParameter(f"{text!r} names no actors; write Ann,Bob, or 1-10", param_hint="--actors")
    chosen = set().union(*ranges.values())
    return tuple(actor for actor in corpus.actors if actor in chosen)


def _range(actors: tuple[str, ...], part: str) -> tuple[str, ...]:
    """The actor of this name, else those from the first to the last of a range; none where there is no such."""
    if part in actors:
        return (part,)
    for dash in ("...", "-"):
        first, found, last = part.partition(dash)
        if found and first.strip() in actors and last.strip() in actors:
            return actors[actors.index(first.strip()) : actors.index(last.strip()) + 1]
    return ()


class NewFile(click.Path):
    """A file to write, in a folder that exists: a misspelt folder is not made."""

    name = "file"

    def __init__(self) -> None:
        super().__init__(dir_okay=False, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Turn the text into a path."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not path.parent.is_dir():
            self.fail(f"{path.parent} is no folder: make it, or name another", param, ctx)
        return path


class ModelName(click.ParamType):
    """The name of a model of the catalogue."""

    name = "model"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the name; refuse one that the catalogue lacks."""
        from ser_assets.learning.models.catalog import MODELS

        if value not in MODELS:
            self.fail(f"there is no model {value!r}; there are {', '.join(MODELS)}", param, ctx)
        return value


class JsonObject(click.ParamType):
    """A JSON object."""

    name = "json"

    def convert(
        self, value: str | dict[str, Any], param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Turn the text into a dictionary."""
        if isinstance(value, dict):
            return value
        try:
            parsed = json.loads(value)
        except ValueError as error:
            self.fail(f"is not JSON: {error}", param, ctx)
        if not isinstance(parsed, dict):
            self.fail('is no JSON object such as {"ops": {}}', param, ctx)
        return parsed
