"""Takes of one actor that go through a step together, and which of them have to be made."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TAKES_AT_ONCE = 15


@dataclass(frozen=True)
class Batch:
    """Takes of one actor, in their order, that go through a step together.

    `input_fingerprint` is what each take is made from; those in `kept` are stored already, made from the
    same. `about` holds what the step wants to know of each take.
    """

    actor: str
    input_fingerprint: Mapping[str, str]
    kept: frozenset[str]
    about: Mapping[str, Any]

    @property
    def to_make(self) -> list[str]:
        """The takes that have to be made."""
        return [take_id for take_id in self.input_fingerprint if take_id not in self.kept]


def batches_of(
    actor: str, wanted: Mapping[str, str], stored: Mapping[str, str], about: Mapping[str, Any]
) -> list[Batch]:
    """Divide an actor's takes into batches, always the same for the same takes; none where nothing has changed.

    Args:
        actor: whose takes they are.
        wanted: what each take should be made from.
        stored: what the stored ones were made from.
        about: what the step needs to know of each take.
    """
    if wanted == stored:
        return []
    takes = sorted(wanted)
    parts = (takes[start : start + TAKES_AT_ONCE] for start in range(0, len(takes), TAKES_AT_ONCE))
    return [
        Batch(
            actor,
            {take_id: wanted[take_id] for take_id in part},
            frozenset(take_id for take_id in part if stored.get(take_id) == wanted[take_id]),
            {take_id: about[take_id] for take_id in part if take_id in about},
        )
        for part in parts
    ]
