"""`metrics_report`: the scores of all models as tables, and the report page."""

import functools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import dagster as dg

from ser_assets.assets.by_actor.current_corpus import drop_withdrawn, require_current
from ser_assets.assets.by_actor.partitions import SINGLE_RUN
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.metadata.describe import report_metadata, skipped_metadata
from ser_assets.assets.training.left_out import skipped_by_report
from ser_assets.assets.training.turn import POOL, in_training_turn
from ser_assets.chosen_corpus import corpus_of
from ser_assets.corpus.interface import CorpusIdentity
from ser_assets.learning.data.final_models import ENSEMBLE
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.skipped import Skipped, skipped_by, skipped_table
from ser_assets.storage.tables import (
    ENSEMBLE_CONTRIBUTIONS,
    LEARNING_CURVES,
    MODEL_SETTINGS,
    SCORE_DIFFERENCES,
    SCORES,
    SCORES_BY_GROUP,
    SKIPPED,
    USABLE_CLIPS,
    notice_of_demo,
)
from ser_assets.storage.versions import content_version, rows_version
from ser_assets.storage.warehouse import Warehouse, replace_rows

if TYPE_CHECKING:
    import pandas as pd


REPORT = "metrics_report"


def report_asset(models: Sequence[str]) -> dg.AssetsDefinition:
    """Make the asset `metrics_report` on these models and their ensemble."""
    reported = (*models, ENSEMBLE)

    @dg.asset(deps=reported, backfill_policy=SINGLE_RUN, pool=POOL, kinds={"seaborn", "duckdb"})
    @foreseen_failures
    @in_training_turn
    def metrics_report(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        warehouse: dg.ResourceParam[Warehouse],
        actor_files: dg.ResourceParam[ActorFiles],
    ) -> dg.MaterializeResult:
        """Tables `scores`, `score_differences`, `scores_by_group`; the report under `report/`: HTML, Markdown, JSON."""
        from ser_assets.learning.evaluation.hard_takes import misclassified_by_all
        from ser_assets.learning.evaluation.scores import score_differences, score_table, scores_by_group
        from ser_assets.reporting import collect
        from ser_assets.reporting.page import write_report
        from ser_assets.reporting.report_data import ReportData
        from ser_assets.reporting.summary import leaderboards

        require_current(settings, warehouse, drop_withdrawn(context, settings), kinds=("content", "label"))
        predictions, left_out = collect.sound_predictions(warehouse, reported)
        by_models = skipped_by(warehouse, [model for model in reported if model not in left_out])
        skipped = skipped_by_report(settings, warehouse, predictions, left_out, reported, by_models)
        for each in skipped:
            context.log.warning(f"left out: {each.line}")
        takes = collect.evaluated_takes(warehouse)
        started = time.perf_counter()
        scores = score_table(predictions, seed=settings.seed)
        differences = score_differences(predictions, seed=settings.seed)
        group_scores = scores_by_group(predictions, takes, seed=settings.seed)
        seconds = time.perf_counter() - started
        tables = {SCORES: scores, SCORE_DIFFERENCES: differences, SCORES_BY_GROUP: group_scores}
        best = leaderboards(scores)[0]
        of_best = (predictions["protocol"] == best.protocol) & (predictions["fold_scheme"] == best.fold_scheme)
        missed = misclassified_by_all(predictions[of_best])
        data = ReportData(
            corpus=CorpusIdentity.of(corpus_of(settings)),
            predictions=predictions,
            scores=scores,
            differences=differences,
            contributions=collect.rows_of_models(
                warehouse, ENSEMBLE_CONTRIBUTIONS, predictions, "protocol, fold_scheme, member"
            ),
            group_scores=group_scores,
            missed=collect.missed_takes(missed, takes, actor_files),
            missed_count=missed["take_id"].nunique(),
            reproduction=collect.reproduction_rows(warehouse),
            takes=takes,
            rejected=collect.rejected_files(warehouse),
            clips=warehouse.query(f"{USABLE_CLIPS} ORDER BY take_id, variant"),
            examples=collect.example_clips(takes, actor_files),
            importances=collect.feature_importances(settings, predictions),
            learning_curves=collect.rows_of_models(
                warehouse, LEARNING_CURVES, predictions, "model, fold, epoch, subset"
            ),
            leakage_audit=collect.leakage_audit_rows(warehouse, predictions),
            facts=collect.report_facts(settings, warehouse, predictions),
            skipped=[each.line for each in (*by_models, *skipped)],
            notice=notice_of_demo(warehouse),
        )
        page = write_report(data, settings.corpus_dir / "report", functools.partial(_store, warehouse, tables, skipped))
        context.log.info(f"report at {page}")
        made_with = collect.rows_of_models(warehouse, MODEL_SETTINGS, predictions, "model")
        metadata = report_metadata(scores, page) | skipped_metadata([*by_models, *skipped])
        return dg.MaterializeResult(
            metadata=metadata | {"seconds of scoring": round(seconds, 2)},
            data_version=dg.DataVersion(
                content_version(*map(rows_version, [*tables.values(), predictions, made_with]))
            ),
        )

    return metrics_report


def _store(warehouse: Warehouse, tables: "dict[str, pd.DataFrame]", skipped: Sequence[Skipped]) -> None:
    import pyarrow as pa

    with warehouse.writing() as connection:
        replace_rows(connection, SKIPPED, skipped_table(REPORT, skipped), {"model": REPORT})
        for table, rows in tables.items():
            replace_rows(connection, table, pa.Table.from_pandas(rows, preserve_index=False), {})
