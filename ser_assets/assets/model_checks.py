"""The promises of every model, checked whenever it is materialised: worked out from the tables, not from its code."""

import functools
from collections.abc import Iterator

import dagster as dg

from ser_assets.assets.checks import ERROR, WARN, check_result
from ser_assets.assets.examples import load_examples
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.settings import Settings
from ser_assets.storage.tables import FEATURES, PREDICTIONS, TRAINING_ROWS, USABLE_CLIPS
from ser_assets.storage.warehouse import Warehouse

ACTORS_POISONED = 3
CLIPS_OF_EACH = 24


def model_checks(name: str) -> Iterator[dg.AssetChecksDefinition]:
    """Make the checks that every model has."""

    @dg.asset_check(asset=name, name="no_leak", blocking=True)
    def no_leak(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """No take, copy, recording or actor that a fold judges was given to it to learn from.

        In random_split actors may be, in random_split_leaky everything.
        """
        found = warehouse.query(_LEAKS, [name, name])
        return check_result(found.to_dict("records"), ERROR, "judged takes that were trained on")

    @dg.asset_check(asset=name, name="fitted_on_training_rows", blocking=True)
    def fitted_on_training_rows(
        settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.AssetCheckResult:
        """Poison in every row that is not trained on changes nothing that is fitted; tried on clips of a few actors."""
        found = _changed_by_poison(name, settings, warehouse)
        return check_result(found, ERROR, "fitted parts that have seen more than the training rows")

    @dg.asset_check(asset=name, name="judged_once", blocking=True)
    def judged_once(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Every original take in `features` is judged exactly once in folds by actor, and no take twice anywhere."""
        found = warehouse.query(_NOT_JUDGED_ONCE, [name])
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

    yield from (no_leak, fitted_on_training_rows, judged_once, better_than_chance, permuted_labels_at_chance)


_LEAKS = f"""
    WITH training AS (
        SELECT protocol, folds, fold, take_id, actor, recording
        FROM {TRAINING_ROWS} LEFT JOIN {FEATURES} USING (take_id, variant) WHERE model = ?
    ), judged AS (
        SELECT protocol, folds, fold, take_id, predictions.actor, recording
        FROM {PREDICTIONS} JOIN {FEATURES} USING (take_id) WHERE model = ? AND variant = 0
    )
    SELECT DISTINCT protocol, folds, fold, judged.take_id, 'trained on' AS found
    FROM judged JOIN training USING (protocol, folds, fold)
    WHERE protocol != 'random_split_leaky' AND (
        judged.take_id = training.take_id OR judged.recording = training.recording
        OR (judged.actor = training.actor AND protocol != 'random_split')
    )
    UNION ALL
    SELECT protocol, folds, fold, take_id, 'no record of the training rows' AS found
    FROM judged ANTI JOIN training USING (protocol, folds, fold)
"""
_NOT_JUDGED_ONCE = f"""
    WITH judged AS (SELECT protocol, folds, take_id, count(*) AS times FROM {PREDICTIONS} WHERE model = ? GROUP BY ALL),
    wanted AS (
        SELECT protocol, folds, take_id
        FROM ({USABLE_CLIPS}) CROSS JOIN (SELECT DISTINCT protocol, folds FROM judged) WHERE variant = 0
    )
    SELECT protocol, folds, take_id, coalesce(times, 0) AS times
    FROM wanted FULL JOIN judged USING (protocol, folds, take_id)
    WHERE times > 1 OR (times IS NULL AND protocol NOT LIKE 'random_split%') LIMIT 100
"""
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
    from ser_assets.learning.models import MODELS
    from ser_assets.learning.poison import changed_by_poison
    from ser_assets.learning.protocols import speaker_calibrated, speaker_independent

    examples = load_examples(warehouse, settings)
    few = examples.rows.groupby("actor").head(CLIPS_OF_EACH)
    few = few[few["actor"].isin(examples.actors[:ACTORS_POISONED])]
    part = examples.subset(few.index.to_numpy())
    splits = [protocol(part.rows, "loso")[0] for protocol in (speaker_independent, speaker_calibrated)]
    factory = functools.partial(MODELS[name].brief, settings.seed)
    return [
        {"protocol": split.protocol, "changed": file}
        for split in splits
        for file in changed_by_poison(factory, part, split)
    ]
