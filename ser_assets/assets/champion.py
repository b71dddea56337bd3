"""`champion_model`: the best model by the rule of `evaluation.champion` as one portable bundle, and its check."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import Field

from ser_assets.assets.by_actor.current_corpus import drop_withdrawn, require_current
from ser_assets.assets.by_actor.partitions import SINGLE_RUN
from ser_assets.assets.corpus_checks import ERROR
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.metadata.describe import rows_metadata, score_metadata
from ser_assets.assets.models import drop_other_emotions
from ser_assets.assets.report import REPORT
from ser_assets.assets.training.turn import POOL, in_training_turn
from ser_assets.serving.promotion import bundle_contents, find_candidate
from ser_assets.settings import Settings
from ser_assets.storage.files import atomic_folder, remove_leftovers
from ser_assets.storage.tables import (
    CHAMPION_PREDICTIONS,
)
from ser_assets.storage.versions import content_version
from ser_assets.storage.warehouse import Warehouse, replace_rows

if TYPE_CHECKING:
    import pandas as pd


HOW_TO_ACCEPT = (
    "to put the new one in its place all the same, materialize champion_model with `accept_drop: true`: "
    "dagster asset materialize --select champion_model -m ser_assets.definitions --config-json "
    '\'{"ops": {"champion_model": {"config": {"accept_drop": true}}}}\''
)


class ChampionConfig(dg.Config):
    """What a person may decide."""

    accept_drop: bool = Field(
        default=False,
        description="Replace the champion even by one that is worse on unseen actors, beyond the 95 % interval.",
    )


@dg.asset(deps=[REPORT], backfill_policy=SINGLE_RUN, pool=POOL, kinds={"onnx"})
@foreseen_failures
@in_training_turn
def champion_model(
    context: dg.AssetExecutionContext,
    config: ChampionConfig,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
) -> dg.MaterializeResult:
    """The best model on unseen actors, as one bundle under `models/champion/` that `ser-assets predict` opens.

    Not by a lead that may be luck: among those that the best does not beat beyond the 95 % interval, the smallest. One
    that is worse than the last champion, beyond the interval, does not take its place (check `no_regression`).
    """
    from ser_assets.serving.bundle import champion_folder, open_bundle
    from ser_assets.serving.write_bundle import write_bundle

    remove_leftovers(settings.data_dir)
    require_current(settings, warehouse, drop_withdrawn(context, settings), kinds=("content", "label"))
    candidate = find_candidate(settings, warehouse)
    folder = champion_folder(settings.corpus_dir)
    if candidate.drop.blocked and not config.accept_drop:
        context.log.warning(f"{folder} is left as it was: {candidate.drop.sentence}")
        return _result(folder, {"left as it was": candidate.drop.sentence})
    contents = bundle_contents(candidate, settings, warehouse)
    with atomic_folder(folder) as part:
        write_bundle(part, contents, replaces=folder)
        bundle = open_bundle(part)
        for speaker_normalised in {False, bundle.has_speaker_normalised}:
            bundle.load(speaker_normalised=speaker_normalised)
    _keep_predictions(warehouse, candidate.predictions)
    context.log.info(f"{candidate.choice.reason}; bundle at {folder}")
    return _result(
        folder, {"against the last champion": candidate.drop.sentence} | rows_metadata(candidate.predictions)
    )


@dg.asset_check(asset=champion_model, blocking=True)
@foreseen_failures
def no_regression(settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
    """The model that would be champion by the scores of now is not worse than the champion, beyond the 95 % interval.

    By paired bootstrap over actors of the difference of UAR, on the takes that both evaluated.
    """
    candidate = find_candidate(settings, warehouse)
    drop, sentence = candidate.drop, f"{candidate.choice.model}, the best by the scores of now"
    sentence = f"{sentence}, is the champion" if candidate.in_place else f"{sentence}: {drop.sentence}"
    if drop.blocked:
        sentence = f"{sentence}; the last champion stays in use; {HOW_TO_ACCEPT}"
    return dg.AssetCheckResult(passed=not drop.blocked, severity=ERROR, description=sentence)


def _keep_predictions(warehouse: Warehouse, predictions: "pd.DataFrame") -> None:
    import pyarrow as pa

    with warehouse.writing() as connection:
        drop_other_emotions(connection, CHAMPION_PREDICTIONS, predictions)
        replace_rows(connection, CHAMPION_PREDICTIONS, pa.Table.from_pandas(predictions, preserve_index=False), {})


def _result(folder: Path, besides: dict[str, Any]) -> dg.MaterializeResult:
    """What is in the bundle that is in place: which, why, how large, how good, and its card."""
    import pandas as pd

    from ser_assets.reporting.model_card import without_header
    from ser_assets.reporting.summary import leaderboards, score_markdown
    from ser_assets.serving.bundle import CARD_FILE, open_bundle

    facts = open_bundle(folder).facts
    scores = pd.DataFrame(facts["scores"]).assign(model=facts["model"]).astype({"low": float, "high": float})
    [values] = leaderboards(scores)[0].rows.values()
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    metadata = {
        "champion": facts["model"],
        "why": facts["why"],
        **score_metadata("uar", values["uar"]),
        "megabytes": round(size / 1e6, 2),
        "scores": dg.MetadataValue.md(score_markdown(scores)),
        "model card": dg.MetadataValue.md(without_header((folder / CARD_FILE).read_text(encoding="utf-8"))),
        "bundle": dg.MetadataValue.path(str(folder)),
    }
    # The date would make a new version of the same bundle.
    version = content_version({**facts, "date": None})
    return dg.MaterializeResult(metadata=metadata | besides, data_version=dg.DataVersion(version))
