"""The promises of every model, checked whenever it is materialized: worked out from the tables, and by poison."""

import functools
from collections.abc import Iterator

import dagster as dg

from ser_assets.assets.checks import ERROR, WARN, check_result
from ser_assets.assets.examples import load_examples
from ser_assets.assets.leaks import leaks, not_judged_once
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.settings import Settings
from ser_assets.storage.tables import PREDICTIONS
from ser_assets.storage.warehouse import Warehouse

ACTORS_POISONED = 3
TAKES_OF_EACH_EMOTION = 1


def model_checks(name: str) -> Iterator[dg.AssetChecksDefinition]:
    """Make the checks of a model that is fitted."""
    yield from prediction_checks(name)

    @dg.asset_check(asset=name, name="fitted_on_training_rows", blocking=True)
    def fitted_on_training_rows(
        settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        """Poison in every row that is not trained on changes nothing that is fitted, and no answer rests on the others.

        Only what is said too often of a calibrated speaker rests on all clips of that speaker, and is given to each.

        Tried in folds by actor, plain and calibrated, on a take of each emotion (and its copies) of three actors, with
        the model trained briefly.
        """
        found = _changed_by_poison(name, settings, warehouse)
        return check_result(found, ERROR, "fitted parts that have seen more than the training rows")

    yield fitted_on_training_rows


def prediction_checks(name: str) -> Iterator[dg.AssetChecksDefinition]:
    """Make the checks of whatever has predictions."""

    @dg.asset_check(asset=name, name="no_leak", blocking=True)
    def no_leak(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """No take, copy, recording or actor that a fold judges was given to it to learn from or to weigh by.

        In random_split actors may be, in random_split_leaky everything.
        """
        with warehouse.reading() as connection:
            found = leaks(connection, name)
        return check_result(found.to_dict("records"), ERROR, "judged takes that were trained on")

    @dg.asset_check(asset=name, name="judged_once", blocking=True)
    def judged_once(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Every usable take is judged exactly once in folds by actor, no take twice, and none that is not usable."""
        with warehouse.reading() as connection:
            found = not_judged_once(connection, name)
        return check_result(found.to_dict("records"), ERROR, "takes not judged exactly once")

    @dg.asset_check(asset=name, name="better_than_chance")
    def better_than_chance(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Under each protocol more takes are recognised than by always naming the most frequent emotion."""
        worse = "protocol != 'permuted_labels' AND accuracy <= chance"
        found = warehouse.query(f"FROM ({_ACCURACIES}) WHERE {worse}", [name])
        return check_result(found.to_dict("records"), WARN, "protocols under which guessing is as good")

    @dg.asset_check(asset=name, name="permuted_labels_at_chance", blocking=True)
    def permuted_labels_at_chance(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """With permuted labels no more takes are recognised than by luck, within three standard errors."""
        beyond_luck = "protocol = 'permuted_labels' AND accuracy > chance + 3 * sqrt(chance * (1 - chance) / takes)"
        found = warehouse.query(f"FROM ({_ACCURACIES}) WHERE {beyond_luck}", [name])
        return check_result(found.to_dict("records"), ERROR, "fold schemes with permuted labels beyond chance")

    yield from (no_leak, judged_once, better_than_chance, permuted_labels_at_chance)


_PROBABILITIES = ", ".join(f"p_{emotion}" for emotion in EMOTIONS)
_RECOGNISED = f"{list(EMOTIONS)}[list_position([{_PROBABILITIES}], greatest({_PROBABILITIES}))]"
_ACCURACIES = f"""
    WITH judged AS (
        SELECT protocol, folds, emotion, {_RECOGNISED} AS recognised FROM {PREDICTIONS} WHERE model = ?
    ), emotions AS (SELECT protocol, folds, emotion, count(*) AS takes FROM judged GROUP BY ALL)
    SELECT protocol, folds, avg((judged.emotion = recognised)::INT) AS accuracy, any_value(chance) AS chance,
        count(*) AS takes
    FROM judged JOIN (SELECT protocol, folds, max(takes) / sum(takes) AS chance FROM emotions GROUP BY ALL)
    USING (protocol, folds) GROUP BY protocol, folds
"""


def _changed_by_poison(name: str, settings: Settings, warehouse: Warehouse) -> list[dict[str, str]]:
    import numpy as np

    from ser_assets.learning.models import MODELS
    from ser_assets.learning.poison import changed_by_poison
    from ser_assets.learning.protocols import speaker_calibrated, speaker_independent

    examples = load_examples(warehouse, settings)
    originals = examples.rows[examples.rows["variant"] == 0]
    few = originals[originals["actor"].isin(examples.actors[:ACTORS_POISONED])]
    takes = few.groupby(["actor", "emotion"]).head(TAKES_OF_EACH_EMOTION)["take_id"]
    part = examples.subset(np.flatnonzero(examples.rows["take_id"].isin(takes)))
    factory = functools.partial(MODELS[name].brief, settings.seed)
    found = []
    for protocol in (speaker_independent, speaker_calibrated):
        split = protocol(part.rows, "loso")[0]
        changed = changed_by_poison(factory, part, split)
        found += [{"protocol": split.protocol, "changed": what} for what in changed]
    return found
