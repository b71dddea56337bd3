"""Rows of a table that cannot all be right: two of one file, or two of one take."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import NamedTuple

from ser_assets.corpus.interface import Rejection, Take
from ser_assets.corpus.spelling import name_key
from ser_assets.rejections import Problem


class Claim(NamedTuple):
    """What a row says: where it stands, the name of its file, its take, and the take_id as written, if there is one."""

    place: str
    name: str
    take: Take
    written: str


def conflicts(claims: Sequence[Claim]) -> dict[str, Rejection]:
    """Why rows cannot be used beside others, by place.

    Where two rows contradict each other, it is unknown which is right: both are rejected, and each names the other. Of
    rows that say the same of one file the first counts.
    """
    found: dict[str, Rejection] = {}
    for group in _groups(claims, lambda claim: claim.name):
        for claim in group:
            if other := next((each for each in group if each.take != claim.take), None):
                reason = f"is listed on {other.place} too, with {_difference(claim.take, other.take)}"
                found[claim.place] = Rejection(Problem.CONTRADICTION, reason)
            elif claim is not group[0]:
                found[claim.place] = Rejection(Problem.ROW, f"is listed twice: on {group[0].place} too")
    with_take = [claim for claim in claims if claim.written]
    for group in _groups(with_take, lambda claim: (claim.take.actor, name_key(claim.written))):
        for claim in group:
            if reason := _why_not_one_take(claim, group):
                found.setdefault(claim.place, Rejection(Problem.ROW, reason))
    return found


def _why_not_one_take(claim: Claim, group: Sequence[Claim]) -> str:
    for other in group:
        if other.written != claim.written:
            return (
                f"is take {claim.written!r} of {claim.take.actor}, and {other.place} has take {other.written!r}: write "
                "one performance in one way, and two so that they differ by more than case, zeros and spaces"
            )
        if other.take.emotion != claim.take.emotion:
            return (
                f"is take {claim.written} of {claim.take.actor} as on {other.place}, but {claim.take.emotion} and not "
                f"{other.take.emotion}: give every performance a take_id of its own"
            )
    return ""


def _groups(claims: Sequence[Claim], key: Callable[[Claim], Hashable]) -> Iterator[list[Claim]]:
    """Claims that have a key in common, in the order of the table."""
    alike: dict[Hashable, list[Claim]] = defaultdict(list)
    for claim in claims:
        alike[key(claim)].append(claim)
    return (group for group in alike.values() if len(group) > 1)


def _difference(own: Take, other: Take) -> str:
    """What the other take says otherwise."""
    for name, title in (("actor", "speaker"), ("emotion", "emotion"), ("intensity", "intensity"), ("gender", "gender")):
        if getattr(own, name) != getattr(other, name):
            return f"{title} {getattr(other, name) or 'missing'} and not {getattr(own, name) or 'missing'}"
    return "another take_id"
