"""The promises of the corpus and of its features, checked whenever it is materialized, and shown in the UI."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets.assets.corpus import augmented_set, mono_audio, raw_videos, trimmed_audio
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.features import features
from ser_assets.audio.features.names import functional_names
from ser_assets.corpus.interface import Corpus
from ser_assets.rejections import Problem
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.tables import FEATURES, RAW_VIDEOS
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import numpy as np

FULL_SCALE = 0.999

WARN, ERROR = dg.AssetCheckSeverity.WARN, dg.AssetCheckSeverity.ERROR


@dg.asset_check(asset=raw_videos)
@foreseen_failures
def takes_per_actor(warehouse: dg.ResourceParam[Warehouse], corpus: dg.ResourceParam[Corpus]) -> dg.AssetCheckResult:
    """Every actor has as many takes as the corpus records, 60 in RAVDESS; one at least, where that is not known."""
    wanted = corpus.takes_of_an_actor
    short = warehouse.query(
        f"SELECT actor, count_if(status = 'accepted') AS takes FROM {RAW_VIDEOS} GROUP BY actor "
        f"HAVING {'takes = 0' if wanted is None else f'takes != {wanted}'} ORDER BY actor"
    )
    return check_result(short.to_dict("records"), WARN, f"actors without {wanted or 'any'} takes")


@dg.asset_check(asset=raw_videos)
@foreseen_failures
def rejected_files(warehouse: dg.ResourceParam[Warehouse], settings: dg.ResourceParam[Settings]) -> dg.AssetCheckResult:
    """No file is rejected but those that a sound corpus has too; an error over SER_MAX_REJECTED_SHARE of an actor's."""
    expected = [problem.value for problem in Problem if problem.is_expected]
    rejected = warehouse.query(
        "SELECT actor, count_if(bad) AS rejected, count_if(status = 'accepted') AS accepted, "
        "array_to_string(list_sort(list_distinct(list(problem) FILTER (bad))), ', ') AS problems FROM "
        f"(SELECT *, status = 'rejected' AND NOT list_contains(?, problem) AS bad FROM {RAW_VIDEOS}) "
        "GROUP BY actor HAVING rejected > 0 ORDER BY actor",
        [expected],
    )
    worst = (rejected["rejected"] / (rejected["rejected"] + rejected["accepted"])).max() if len(rejected) else 0.0
    severity = ERROR if worst > settings.max_rejected_share else WARN
    return check_result(rejected.to_dict("records"), severity, "actors with rejected files; `ser-assets doctor` helps")


@dg.asset_check(asset=mono_audio)
@foreseen_failures
def nothing_clipped(corpus: dg.ResourceParam[Corpus], actor_files: dg.ResourceParam[ActorFiles]) -> dg.AssetCheckResult:
    """No clip reaches full scale, where the recorder may have cut its peaks off."""
    at_full_scale = "SELECT actor, take_id, peak FROM clips WHERE peak >= ?"
    found = actor_files.query("mono_audio", at_full_scale, [FULL_SCALE], actors=corpus.actors)
    return check_result(found, WARN, "clips at full scale")


@dg.asset_check(asset=trimmed_audio, blocking=True)
@foreseen_failures
def nothing_silent(corpus: dg.ResourceParam[Corpus], actor_files: dg.ResourceParam[ActorFiles]) -> dg.AssetCheckResult:
    """No clip is silent."""
    from ser_assets.audio.silence import SILENT_PEAK

    silent = "SELECT actor, take_id, peak FROM clips WHERE peak < ?"
    found = actor_files.query("trimmed_audio", silent, [SILENT_PEAK], actors=corpus.actors)
    return check_result(found, ERROR, "silent clips")


@dg.asset_check(asset=augmented_set, blocking=True)
@foreseen_failures
def emotions_balanced(
    context: dg.AssetCheckExecutionContext,
    corpus: dg.ResourceParam[Corpus],
    actor_files: dg.ResourceParam[ActorFiles],
) -> dg.AssetCheckResult:
    """The emotions of an actor have the same number of clips, and those that the corpus promises are there.

    Only actors of the run count: another whose takes have left the corpus is balanced when it is made again.
    """
    promised = len(corpus.emotions_of_an_actor)
    found = actor_files.query(
        "augmented_set",
        "SELECT actor, count(*) AS emotions, min(n) AS fewest, max(n) AS most FROM "
        "(SELECT actor, emotion, count(*) AS n FROM clips GROUP BY ALL) "
        f"GROUP BY actor HAVING fewest < most OR emotions < {promised}",
        actors=_actors_of_run(context, corpus),
    )
    return check_result(found, ERROR, "actors whose emotions do not count alike")


def _actors_of_run(context: dg.AssetCheckExecutionContext, corpus: Corpus) -> Sequence[str]:
    """The actors that the run makes; all where it only checks."""
    if context.has_partition_key:
        return [context.partition_key]
    if context.has_partition_key_range:
        first, last = (corpus.actors.index(name) for name in context.partition_key_range)
        return corpus.actors[first : last + 1]
    return corpus.actors


@dg.asset_check(asset=features, blocking=True)
@foreseen_failures
def no_missing_value(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """Every functional of every clip is a finite number."""
    import numpy as np

    clips, functionals = _functionals(warehouse)
    missing = np.flatnonzero(~np.isfinite(functionals).all(axis=1))
    return check_result([clips[index] for index in missing], ERROR, "clips with a missing value")


@dg.asset_check(asset=features)
@foreseen_failures
def no_constant_functional(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """No functional has the same value in all clips."""
    import numpy as np

    _, functionals = _functionals(warehouse)
    varies = np.nanmax(functionals, axis=0, initial=-np.inf) > np.nanmin(functionals, axis=0, initial=np.inf)
    constant = [{"functional": name} for name, does in zip(functional_names(), varies, strict=True) if not does]
    return check_result(constant, WARN, "functionals that never vary")


def _functionals(warehouse: Warehouse) -> "tuple[list[dict[str, Any]], np.ndarray]":
    """Which clips there are, and their functionals: a query that names 1685 columns twice takes DuckDB longer."""
    import numpy as np

    rows = warehouse.query_arrow(f"FROM {FEATURES} ORDER BY actor, take_id, variant")
    functionals = np.stack([rows[name].to_numpy() for name in functional_names()], axis=1)
    return rows.select(["actor", "take_id", "variant"]).to_pylist(), functionals


def check_result(offenders: Sequence[dict], severity: dg.AssetCheckSeverity, what: str) -> dg.AssetCheckResult:
    """Pass without offenders; else fail with this severity and show the first of them, under the name `what`."""
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
