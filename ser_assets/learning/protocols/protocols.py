"""The protocols: which rows are training and test set. The only place where a split is made."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pandas as pd

from ser_assets.learning.data.examples import LeftOut
from ser_assets.learning.protocols.fold_schemes import FoldScheme
from ser_assets.learning.protocols.splits import (
    LeakyRandomSplit,
    NotebookSplit,
    PermutedLabelsSplit,
    RandomSplit,
    SpeakerIndependentSplit,
    SpeakerNormalisedSplit,
    Split,
    first_few,
)

VALIDATION_PARTS: Final = 5
"""A part of the training rows is validated on a fifth of their actors."""
MOST_LABELS: Final = 0.5
"""Share of the takes whose labels must be able to change where labels are permuted within each speaker."""
TEST_SHARE: Final = 0.2
"""Share of the clips that a random split evaluates, as the notebook has it."""


class TooFewTakesError(ValueError):
    """There are too few takes to split them at random with each emotion on both sides."""


def make_splits(rows: pd.DataFrame, protocols: Sequence[str], schemes: Sequence[FoldScheme], seed: int) -> list[Split]:
    """All folds of these protocols, protocol by protocol; those by actor once for each fold scheme.

    Args:
        rows: take_id, variant, actor, audio_hash and emotion of every clip.
        protocols: names of protocols.
        schemes: fold schemes for the protocols by actor.
        seed: of what is drawn at random.

    Raises:
        LeakError, ValueError: as the functions below, one for each protocol, do.
    """
    unknown = sorted(set(protocols) - set(PROTOCOLS))
    if unknown:
        raise ValueError(f"unknown protocol {first_few(unknown)}; there are {', '.join(PROTOCOLS)}")
    return [split for protocol in protocols for split in PROTOCOLS[protocol](rows, schemes, seed)]


def speaker_independent(rows: pd.DataFrame, fold_scheme: FoldScheme) -> list[Split]:
    """Every actor in the test set once, with a model trained without that actor.

    Args:
        rows: take_id, variant, actor and audio_hash of every clip.
        fold_scheme: published folds are restricted to the actors in the rows; a fold without any of them is dropped.

    Raises:
        LeakError: two actors share a take or a recording and stand on different sides.
        ValueError: an actor is in none of the folds, or there are less than two actors.
    """
    at_hand = sorted(set(rows["actor"]))
    _require_two(at_hand)
    folds = fold_scheme.folds(at_hand)
    unknown = sorted(set(at_hand) - {actor for fold in folds for actor in fold})
    if unknown:
        raise ValueError(
            f"{fold_scheme.name} has no fold for actor {first_few(unknown)}: it is made for the actors of another "
            "corpus; evaluate these with folds 'groups5' or 'loso' (SER_FOLD_SCHEMES=groups5)"
        )
    test_sides = [sorted(set(fold) & set(at_hand)) for fold in folds]
    if max(map(len, test_sides)) == len(at_hand):
        raise ValueError(
            f"{fold_scheme.name} evaluates all the actors at hand ({first_few(at_hand)}) in one fold and leaves "
            "none to train on; materialize another actor or evaluate with folds 'loso' (SER_FOLD_SCHEMES=loso)"
        )
    return [
        _by_actor(SpeakerIndependentSplit, rows, actors, "speaker_independent", fold_scheme.name, str(number))
        for number, actors in enumerate(test_sides, start=1)
        if actors
    ]


def speaker_normalised(rows: pd.DataFrame, fold_scheme: FoldScheme) -> list[Split]:
    """The folds of `speaker_independent`, each speaker's clips as z-scores within that speaker; raises as it does.

    `evaluate.predict_test` removes the model's class bias for each speaker, too.
    """
    return [
        SpeakerNormalisedSplit("speaker_normalised", fold_scheme.name, split.fold, split.training, split.test, rows)
        for split in speaker_independent(rows, fold_scheme)
    ]


def permuted_labels(rows: pd.DataFrame, fold_scheme: FoldScheme, seed: int = 42) -> list[Split]:
    """The folds of `speaker_independent` with nothing to learn in them: scores above chance would show a leak.

    Labels are permuted among the takes of each speaker.

    Raises:
        TooFewTakesError: most takes are of speakers who perform one emotion only, so that their labels cannot change.
    """
    originals = rows[rows["variant"] == 0]
    emotions = originals.groupby("actor")["emotion"].nunique()
    can_change = originals["actor"].map(emotions) > 1
    if can_change.mean() < MOST_LABELS:
        raise TooFewTakesError(
            f"{(~can_change).sum()} of {len(originals)} takes are of speakers who perform one emotion only: to permute "
            "labels within a speaker changes nothing there"
        )
    return [
        PermutedLabelsSplit("permuted_labels", fold_scheme.name, split.fold, split.training, split.test, rows, seed)
        for split in speaker_independent(rows, fold_scheme)
    ]


def random_split(rows: pd.DataFrame, seed: int = 42) -> list[Split]:
    """One fifth of the takes evaluated, drawn at random within each emotion; actors are on both sides.

    Copies of evaluated takes, and takes with an evaluated recording under another name, are left out of training.

    Raises:
        TooFewTakesError: an emotion could not be on both sides.
    """
    _, test = _drawn(rows, np.flatnonzero(rows["variant"] == 0), seed)
    test_rows = rows.iloc[test]
    same_take = rows["take_id"].isin(test_rows["take_id"])
    crossing = same_take | rows["audio_hash"].isin(test_rows["audio_hash"])
    return [RandomSplit("random_split", "", "1", np.flatnonzero(~crossing), test, rows)]


def random_split_leaky(rows: pd.DataFrame, seed: int = 42) -> list[Split]:
    """A random split made after augmentation, as the notebook made it: shows what the leak is worth, nothing else.

    The originals in the fifth that is drawn are the test set; its copies are on neither side. Raises as
    `random_split`.
    """
    training, drawn = _drawn(rows, np.arange(len(rows)), seed)
    test = drawn[rows["variant"].to_numpy()[drawn] == 0]
    return [LeakyRandomSplit("random_split_leaky", "", "1", training, test, rows)]


def notebook_split(rows: pd.DataFrame, seed: int = 42) -> NotebookSplit:
    """The notebook's own split, for its reproduction: as `random_split_leaky`, with copies in the test set."""
    training, test = _drawn(rows, np.arange(len(rows)), seed)
    return NotebookSplit("notebook", "", "1", training, test, rows)


PROTOCOLS: Final[dict[str, Callable[[pd.DataFrame, Sequence[FoldScheme], int], list[Split]]]] = {
    "speaker_independent": lambda rows, schemes, _: [
        split for fold_scheme in schemes for split in speaker_independent(rows, fold_scheme)
    ],
    "speaker_normalised": lambda rows, schemes, _: [
        split for fold_scheme in schemes for split in speaker_normalised(rows, fold_scheme)
    ],
    "random_split": lambda rows, _, seed: random_split(rows, seed),
    "random_split_leaky": lambda rows, _, seed: random_split_leaky(rows, seed),
    "permuted_labels": lambda rows, schemes, seed: [
        split for fold_scheme in schemes for split in permuted_labels(rows, fold_scheme, seed)
    ],
}


def dropped_folds(actors: Iterable[str], fold_scheme: FoldScheme) -> list[str]:
    """Name the folds of a scheme, by number from 1, that evaluate none of these actors and are dropped.

    Examples:
        >>> dropped_folds(["a", "b"], FoldScheme("thirds", (("a",), ("b",), ("c",))))
        ['3']
    """
    at_hand = sorted(set(actors))
    folds = fold_scheme.folds(at_hand)
    return [str(number) for number, fold in enumerate(folds, start=1) if not set(at_hand) & set(fold)]


def validation_parts(rows: pd.DataFrame, parts: int, seed: int, left_out: LeftOut = "actor") -> Iterator[Split | None]:
    """Cut training rows in up to `parts` ways, each leaving out others to watch the training by.

    Each split leaves out about a fifth (at least one) of the actors or takes, drawn without replacement until all have
    been out once; then there are no more. Same rows and seed, same splits. What there are only copies of is never left
    out. Where that leaves one or none, yields None `parts` times: no one can be left out.

    Args:
        rows: take_id, variant, actor, audio_hash and emotion of every clip.
        parts: number of splits at most.
        seed: of the draw.
        left_out: what no part shares between its sides, actors or takes: what the model was not trained on when it is
            evaluated (`examples.Examples.left_out`).
    """
    originals = rows[rows["variant"] == 0]
    there = sorted(set(originals[left_out]))
    if len(there) < 2:
        yield from [None] * parts
        return
    order = np.random.default_rng(seed).permutation(len(there))
    size = max(1, round(len(there) / VALIDATION_PARTS))
    for part, start in enumerate(range(0, min(parts * size, len(there)), size), start=1):
        chosen = [there[position] for position in order[start : start + size]]
        test = rows[left_out].isin(chosen) & (rows["variant"] == 0)
        crossing = rows[left_out].isin(chosen)
        if left_out == "take_id":
            crossing |= rows["audio_hash"].isin(rows.loc[test, "audio_hash"])
        kind = SpeakerIndependentSplit if left_out == "actor" else RandomSplit
        yield kind("validation", f"by {left_out}", str(part), np.flatnonzero(~crossing), np.flatnonzero(test), rows)


def _by_actor(
    kind: type[SpeakerIndependentSplit],
    rows: pd.DataFrame,
    actors: list[str],
    protocol: str,
    fold_scheme: str,
    fold: str,
) -> Split:
    in_test = rows["actor"].isin(actors).to_numpy()
    original = rows["variant"].to_numpy() == 0
    return kind(
        protocol,
        fold_scheme,
        fold,
        np.flatnonzero(~in_test),
        np.flatnonzero(in_test & original),
        rows,
    )


def _drawn(rows: pd.DataFrame, positions: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw a fifth of these positions, emotion by emotion, whatever the order of the rows; training, then drawn."""
    from sklearn.model_selection import train_test_split

    clips = rows.iloc[positions]
    by_take = positions[np.lexsort([clips["variant"], clips["take_id"]])]
    emotions = rows["emotion"].to_numpy()[by_take]
    _, takes_each = np.unique(emotions, return_counts=True)
    if len(takes_each) < 2 or takes_each.min() < 2 or TEST_SHARE * len(by_take) < len(takes_each):
        raise TooFewTakesError(
            f"{len(by_take)} clips of {len(takes_each)} emotions are too few for a random split with each emotion "
            "on both sides; materialize more actors"
        )
    training, drawn = train_test_split(by_take, test_size=TEST_SHARE, random_state=seed, stratify=emotions)
    return np.sort(training), np.sort(drawn)


def _require_two(actors: list[str]) -> None:
    if not actors:
        raise ValueError("needs at least two actors; none is materialized")
    if len(actors) == 1:
        raise ValueError(f"needs at least two actors; only {actors[0]} is materialized")
