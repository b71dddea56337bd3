"""The promises of each asset, checked whenever it is materialised, and shown in the UI."""

from collections.abc import Iterator, Sequence

import dagster as dg

from ser_assets.assets import corpus
from ser_assets.assets.features import features
from ser_assets.audio.features import functional_names
from ser_assets.audio.silence import SILENT_PEAK
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.storage.clips import ClipStore
from ser_assets.storage.tables import FEATURES, LEAK_PROOF, PREDICTIONS, RAW_VIDEOS, USABLE_CLIPS
from ser_assets.storage.warehouse import Warehouse

TAKES_OF_AN_ACTOR = 60
MOST_REJECTED = 0.5
FULL_SCALE = 0.999

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


@dg.asset_check(asset=corpus.raw_videos)
def takes_per_actor(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Every actor has the 60 speech takes that RAVDESS records."""
    short = warehouse.query(
        f"SELECT actor, count_if(status = 'accepted') AS takes FROM {RAW_VIDEOS} GROUP BY actor "
        f"HAVING takes != {TAKES_OF_AN_ACTOR} ORDER BY actor"
    )
    return _result(short.to_dict("records"), WARN, f"actors without {TAKES_OF_AN_ACTOR} takes")


@dg.asset_check(asset=corpus.raw_videos)
def rejected_files(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Files are rejected for no other reason than being a second file of a take; an error when most of an actor is."""
    rejected = warehouse.query(
        f"SELECT actor, count_if(status = 'rejected' AND duplicate_of IS NULL) AS rejected, "
        f"count(DISTINCT take_id) FILTER (status = 'accepted') AS accepted FROM {RAW_VIDEOS} "
        "GROUP BY actor HAVING rejected > 0 ORDER BY actor"
    )
    worst = (rejected["rejected"] / (rejected["rejected"] + rejected["accepted"])).max() if len(rejected) else 0.0
    return _result(rejected.to_dict("records"), ERROR if worst > MOST_REJECTED else WARN, "actors with rejected files")


@dg.asset_check(asset=corpus.mono_audio)
def nothing_clipped(clip_store: dg.ResourceParam[ClipStore]) -> dg.AssetCheckResult:
    """No clip reaches full scale, where the recorder may have cut its peaks off."""
    found = clip_store.query("mono_audio", "SELECT actor, take_id, peak FROM clips WHERE peak >= ?", [FULL_SCALE])
    return _result(found, WARN, "clips at full scale")


@dg.asset_check(asset=corpus.trimmed_audio, blocking=True)
def nothing_silent(clip_store: dg.ResourceParam[ClipStore]) -> dg.AssetCheckResult:
    """Every clip holds something to hear."""
    found = clip_store.query("trimmed_audio", "SELECT actor, take_id, peak FROM clips WHERE peak < ?", [SILENT_PEAK])
    return _result(found, ERROR, "silent clips")


@dg.asset_check(asset=corpus.augmented_set, blocking=True)
def emotions_balanced(clip_store: dg.ResourceParam[ClipStore]) -> dg.AssetCheckResult:
    """All emotions of an actor are there, with the same number of clips."""
    found = clip_store.query(
        "augmented_set",
        "SELECT actor, count(*) AS emotions, min(n) AS fewest, max(n) AS most FROM "
        "(SELECT actor, emotion, count(*) AS n FROM clips GROUP BY ALL) "
        f"GROUP BY actor HAVING fewest < most OR emotions < {len(EMOTIONS)}",
    )
    return _result(found, ERROR, "actors whose emotions do not count alike")


@dg.asset_check(asset=features, blocking=True)
def no_missing_value(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Every functional of every clip is a finite number."""
    finite = " AND ".join(f"coalesce(isfinite({name}), false)" for name in functional_names())
    found = warehouse.query(
        f"SELECT actor, take_id, variant FROM {FEATURES} WHERE NOT ({finite}) ORDER BY actor, take_id LIMIT 100"
    )
    return _result(found.to_dict("records"), ERROR, "clips with a missing value")


@dg.asset_check(asset=features)
def no_constant_functional(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """No functional has the same value in all clips."""
    spans = ", ".join(f"max({name}) > min({name}) AS {name}" for name in functional_names())
    [varies] = warehouse.query_arrow(f"SELECT {spans} FROM {FEATURES}").to_pylist()
    constant = [{"functional": name} for name, does in varies.items() if not does]
    return _result(constant, WARN, "functionals that never vary")


def model_checks(name: str) -> Iterator[dg.AssetChecksDefinition]:
    """Make the checks that every model has: nothing leaks, every take is judged once, better than chance."""

    @dg.asset_check(asset=name, name="no_leak", blocking=True)
    def no_leak(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """No take, recording or actor that is judged belongs to an actor trained on; worked out from the tables."""
        found = warehouse.query(_LEAKS, [name, name])
        return _result(found.to_dict("records"), ERROR, "judged takes that were trained on")

    @dg.asset_check(asset=name, name="judged_once", blocking=True)
    def judged_once(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Every original take in `features` is judged exactly once under each protocol."""
        found = warehouse.query(_NOT_JUDGED_ONCE, [name])
        return _result(found.to_dict("records"), ERROR, "takes not judged exactly once")

    @dg.asset_check(asset=name, name="better_than_chance")
    def better_than_chance(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Under each protocol more takes are recognised than by always naming the most frequent emotion."""
        found = warehouse.query(_NO_BETTER_THAN_CHANCE, [name])
        return _result(found.to_dict("records"), WARN, "protocols under which guessing is as good")

    yield from (no_leak, judged_once, better_than_chance)


_LEAKS = f"""
    WITH training AS (
        SELECT protocol, folds, fold, features.actor, take_id, recording
        FROM {LEAK_PROOF} JOIN {FEATURES} ON list_contains(string_split(training_actors, ' '), features.actor)
        WHERE model = ?
    ), judged AS (
        SELECT protocol, folds, fold, predictions.actor, take_id, recording
        FROM {PREDICTIONS} JOIN {FEATURES} USING (take_id) WHERE model = ? AND variant = 0
    )
    SELECT DISTINCT protocol, folds, fold, judged.take_id
    FROM judged JOIN training USING (protocol, folds, fold)
    WHERE judged.actor = training.actor OR judged.take_id = training.take_id OR judged.recording = training.recording
"""
_NOT_JUDGED_ONCE = f"""
    WITH judged AS (SELECT protocol, folds, take_id, count(*) AS times FROM {PREDICTIONS} WHERE model = ? GROUP BY ALL),
    wanted AS (
        SELECT protocol, folds, take_id
        FROM ({USABLE_CLIPS}) CROSS JOIN (SELECT DISTINCT protocol, folds FROM judged) WHERE variant = 0
    )
    SELECT protocol, folds, take_id, coalesce(times, 0) AS times
    FROM wanted FULL JOIN judged USING (protocol, folds, take_id) WHERE times IS DISTINCT FROM 1 LIMIT 100
"""
_PROBABILITIES = ", ".join(f"p_{emotion}" for emotion in EMOTIONS)
_RECOGNISED = f"{list(EMOTIONS)}[list_position([{_PROBABILITIES}], greatest({_PROBABILITIES}))]"
_NO_BETTER_THAN_CHANCE = f"""
    WITH judged AS (
        SELECT protocol, folds, emotion, {_RECOGNISED} AS recognised FROM {PREDICTIONS} WHERE model = ?
    ), emotions AS (SELECT protocol, folds, emotion, count(*) AS takes FROM judged GROUP BY ALL)
    SELECT protocol, folds, avg((judged.emotion = recognised)::INT) AS accuracy, any_value(chance) AS chance
    FROM judged JOIN (SELECT protocol, folds, max(takes) / sum(takes) AS chance FROM emotions GROUP BY ALL)
    USING (protocol, folds) GROUP BY protocol, folds HAVING accuracy <= chance
"""


def _result(offenders: Sequence[dict], severity: dg.AssetCheckSeverity, what: str) -> dg.AssetCheckResult:
    shown = [dg.TableRecord({key: _plain(value) for key, value in row.items()}) for row in offenders[:20]]
    return dg.AssetCheckResult(
        passed=not offenders,
        severity=severity,
        description=f"{len(offenders)} {what}",
        metadata={what: dg.MetadataValue.table(shown)} if shown else {},
    )


def _plain(value: object) -> str | int | float | bool | None:
    return value if isinstance(value, str | int | float | bool | None) else str(value)


CORPUS_CHECKS = (
    takes_per_actor,
    rejected_files,
    nothing_clipped,
    nothing_silent,
    emotions_balanced,
    no_missing_value,
    no_constant_functional,
)
