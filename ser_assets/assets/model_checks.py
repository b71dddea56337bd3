"""The checks of every model, run whenever it is materialized: from the tables, and by the leakage probe."""

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets.assets.corpus_checks import ERROR, WARN, check_result
from ser_assets.assets.failures import foreseen_failures
from ser_assets.settings import Settings
from ser_assets.storage.leakage_audit import leaks, not_evaluated_once
from ser_assets.storage.tables import PREDICTIONS
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.data.examples import Examples
    from ser_assets.learning.evaluation.chance import AgainstGuessing
    from ser_assets.learning.protocols.fold_schemes import FoldScheme
    from ser_assets.learning.protocols.splits import Split

ACTORS_POISONED = 3
TAKES_OF_EACH_EMOTION = 1


def model_checks(name: str) -> Iterator[dg.AssetChecksDefinition]:
    """Make the checks of a model that is fitted."""
    yield from prediction_checks(name)

    @dg.asset_check(asset=name, name="fitted_on_training_rows", blocking=True)
    @foreseen_failures
    def fitted_on_training_rows(
        settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        """Poison in every row that is not trained on changes nothing that is fitted, and no answer rests on the others.

        Only the class bias of a normalised speaker is estimated from all clips of that speaker, and is given to each.

        In folds by actor, raw and speaker-normalised, on a take of each emotion (and its copies) of three actors, with
        the model trained briefly.
        """
        found = _parts_that_saw_test_rows(name, settings, warehouse)
        return check_result(found, ERROR, "fitted parts that have seen more than the training rows")

    yield fitted_on_training_rows


def prediction_checks(name: str) -> Iterator[dg.AssetChecksDefinition]:
    """Make the checks of whatever has predictions."""

    @dg.asset_check(asset=name, name="no_leak", blocking=True)
    @foreseen_failures
    def no_leak(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """No take, copy, recording or actor that a fold evaluates was given to it to learn from or to weigh by.

        In random_split actors may be, in random_split_leaky everything.
        """
        with warehouse.reading() as connection:
            found = leaks(connection, name)
        return check_result(found.to_dict("records"), ERROR, "evaluated takes that were trained on")

    @dg.asset_check(asset=name, name="evaluated_once", blocking=True)
    @foreseen_failures
    def evaluated_once(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Every usable take is evaluated exactly once in folds by actor, no take twice, and none that is not usable."""
        with warehouse.reading() as connection:
            found = not_evaluated_once(connection, name)
        return check_result(found.to_dict("records"), ERROR, "takes not evaluated exactly once")

    @dg.asset_check(asset=name, name="better_than_chance")
    @foreseen_failures
    def better_than_chance(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Under each protocol more takes are recognised than by always naming the most frequent emotion."""
        compared = _against_guessing(warehouse, name)
        found = [row for row, each in compared if row["protocol"] != "permuted_labels" and not each.beats_guessing]
        return check_result(found, WARN, "protocols under which guessing is as good")

    @dg.asset_check(asset=name, name="permuted_labels_at_chance", blocking=True)
    @foreseen_failures
    def permuted_labels_at_chance(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """With permuted labels no more takes are recognised than by luck, within three standard errors."""
        compared = _against_guessing(warehouse, name)
        found = [row for row, each in compared if row["protocol"] == "permuted_labels" and each.is_beyond_luck]
        return check_result(found, ERROR, "fold schemes with permuted labels beyond chance")

    yield from (no_leak, evaluated_once, better_than_chance, permuted_labels_at_chance)


def _against_guessing(warehouse: Warehouse, model: str) -> "list[tuple[dict[str, Any], AgainstGuessing]]":
    """What the model does beside guessing under each protocol and fold scheme, and the row that a check shows of it."""
    from ser_assets.learning.evaluation.chance import against_guessing

    predictions = warehouse.query(f"FROM {PREDICTIONS} WHERE model = ?", [model])
    found = []
    for (protocol, fold_scheme), evaluated in predictions.groupby(["protocol", "fold_scheme"]):
        compared = against_guessing(evaluated)
        found.append(({"protocol": protocol, "fold_scheme": fold_scheme, **compared._asdict()}, compared))
    return found


def _parts_that_saw_test_rows(name: str, settings: Settings, warehouse: Warehouse) -> list[dict[str, str]]:
    from ser_assets.learning.evaluation.leakage_probe import parts_that_saw_test_rows
    from ser_assets.learning.models.catalog import MODELS
    from ser_assets.learning.protocols.protocols import speaker_independent, speaker_normalised

    model = MODELS[name].load_class()
    examples = load_examples(warehouse, settings, [model.reads])
    factory = functools.partial(model.brief, settings.seed)
    found = []
    for protocol in (speaker_independent, speaker_normalised):
        part, split = _little_fold(examples, protocol)
        changed = parts_that_saw_test_rows(factory, part, split)
        found += [{"protocol": split.protocol, "changed": what} for what in changed]
    return found


def _little_fold(
    examples: "Examples", protocol: "Callable[[pd.DataFrame, FoldScheme], list[Split]]"
) -> "tuple[Examples, Split]":
    """A take of each emotion of few actors, of all if need be, and a fold that leaves emotions to tell apart."""
    import numpy as np

    from ser_assets.learning.protocols.fold_schemes import LOSO

    originals = examples.rows[examples.rows["variant"] == 0]
    emotions = originals.groupby("actor")["emotion"].nunique()
    most_emotions_first = emotions.sort_values(ascending=False, kind="stable").index
    for few in (most_emotions_first[:ACTORS_POISONED], most_emotions_first):
        takes = originals[originals["actor"].isin(few)].groupby(["actor", "emotion"]).head(TAKES_OF_EACH_EMOTION)
        part = examples.subset(np.flatnonzero(examples.rows["take_id"].isin(takes["take_id"])))
        for split in protocol(part.rows, LOSO):
            if part.rows["emotion"].iloc[split.training].nunique() > 1:
                return part, split
    raise ValueError("every fold by actor leaves one emotion to learn from")
