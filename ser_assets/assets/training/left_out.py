"""What was requested and is skipped: protocols and folds by the models; models and actors by the report."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ser_assets.chosen_corpus import corpus_of
from ser_assets.settings import Settings
from ser_assets.storage.skipped import Skipped
from ser_assets.storage.tables import RAW_VIDEOS, USABLE_TAKES
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.data.examples import Examples
    from ser_assets.learning.protocols.splits import Split


def splits_and_skipped(examples: "Examples", settings: Settings) -> "tuple[list[Split], list[Skipped]]":
    """Make the splits of all protocols, and list the protocols and folds that these actors do not allow."""
    from ser_assets.learning.protocols.fold_schemes import fold_schemes
    from ser_assets.learning.protocols.protocols import TooFewTakesError, dropped_folds, make_splits

    schemes = fold_schemes(settings.fold_schemes, corpus_of(settings).fold_schemes)
    splits: list[Split] = []
    skipped = []
    for protocol in settings.protocols:
        try:
            splits += make_splits(examples.rows, [protocol], schemes, settings.seed)
        except TooFewTakesError as error:
            skipped.append(Skipped(f"protocol {protocol}", str(error)))
    for scheme in schemes:
        if dropped := dropped_folds(examples.actors, scheme):
            number = "fold" if len(dropped) == 1 else "folds"
            skipped.append(Skipped(f"{number} {', '.join(dropped)} of {scheme.name}", "none of their actors is there"))
    return splits, skipped


def skipped_by_report(
    settings: Settings,
    warehouse: Warehouse,
    predictions: "pd.DataFrame",
    outdated: Sequence[str],
    models: Sequence[str],
    by_models: Sequence[Skipped],
) -> list[Skipped]:
    """Tell what a report leaves out.

    Args:
        settings: of the platform.
        warehouse: tables of the corpus.
        predictions: those that it shows.
        outdated: models that were evaluated on other takes than there are now.
        models: all that there should be.
        by_models: what the models themselves left out.
    """
    shown = set(predictions["model"])
    skipped = [
        Skipped(f"model {model}", "it was evaluated on other takes than there are now: materialize it again")
        for model in outdated
    ]
    skipped += [
        Skipped(f"model {model}", "it has not been evaluated: materialize it")
        for model in models
        if model not in shown and model not in outdated
    ]
    known = {each.what for each in by_models}
    for kind, column, wanted in (
        ("protocol", "protocol", settings.protocols),
        ("fold scheme", "fold_scheme", settings.fold_schemes),
    ):
        there = set(predictions[column])
        skipped += [
            Skipped(f"{kind} {name}", "the models were last trained without it: materialize them again")
            for name in wanted
            if name not in there and f"{kind} {name}" not in known
        ]
    return skipped + _skipped_actors(warehouse, set(predictions["actor"]))


def _skipped_actors(warehouse: Warehouse, evaluated: set[str]) -> list[Skipped]:
    rows = warehouse.query_arrow(
        f"SELECT actor, count(*) FILTER (status = 'accepted') AS accepted, count(usable.take_id) AS usable "
        f"FROM {RAW_VIDEOS} LEFT JOIN ({USABLE_TAKES}) AS usable USING (take_id, audio_hash) "
        "GROUP BY actor ORDER BY actor"
    ).to_pylist()
    skipped = []
    for row in rows:
        if row["actor"] in evaluated:
            continue
        if not row["accepted"]:
            reason = "none of the takes was accepted: `ser-assets doctor` tells why"
        elif not row["usable"]:
            reason = "the voice is a synthesiser's, which is left out where there are people"
        else:
            reason = "the takes have no features, or were not evaluated: `ser-assets run` makes them"
        skipped.append(Skipped(f"actor {row['actor']}", reason))
    return skipped
