"""`metrics_report`: the scores of all models, and one page that tells them."""

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

import dagster as dg

from ser_assets.assets.actors import SINGLE_RUN
from ser_assets.assets.describe import report_metadata
from ser_assets.assets.models import MODEL_ASSETS
from ser_assets.settings import Settings
from ser_assets.storage.clips import ClipStore
from ser_assets.storage.tables import (
    LEAK_PROOF,
    LEARNING_CURVES,
    PREDICTIONS,
    RAW_VIDEOS,
    SCORES,
    USABLE_CLIPS,
    USABLE_TAKES,
)
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.reporting.data import ExampleClip

LIBRARIES = ("ser-assets", "dagster", "duckdb", "librosa", "numpy", "scikit-learn", "tensorflow", "keras")


class PredictionsMissingError(LookupError):
    """No model has been judged yet; the message names the remedy."""


@dg.asset(deps=list(MODEL_ASSETS), backfill_policy=SINGLE_RUN, kinds={"seaborn", "duckdb"})
def metrics_report(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    warehouse: dg.ResourceParam[Warehouse],
    clip_store: dg.ResourceParam[ClipStore],
) -> dg.MaterializeResult:
    """Scores with their intervals (table `scores`), and the report under `report/`: HTML, Markdown, pictures, JSON."""
    import pyarrow as pa

    from ser_assets.learning.scores import score_table
    from ser_assets.reporting.data import ReportData
    from ser_assets.reporting.page import write_report

    if not warehouse.has_table(PREDICTIONS):
        raise PredictionsMissingError(f"no predictions in {warehouse.path}: materialize at least one model first")
    predictions = warehouse.query(f"FROM {PREDICTIONS} ORDER BY model, protocol, folds, take_id")
    scores = score_table(predictions, seed=settings.seed)
    warehouse.replace_rows(SCORES, pa.Table.from_pandas(scores, preserve_index=False), {})
    data = ReportData(
        predictions=predictions,
        scores=scores,
        takes=_judged_takes(warehouse),
        rejected=warehouse.query(f"SELECT path, reason FROM {RAW_VIDEOS} WHERE status = 'rejected' ORDER BY path"),
        clips=warehouse.query(f"{USABLE_CLIPS} ORDER BY take_id, variant"),
        examples=_example_clips(warehouse, clip_store),
        importances=_importances(settings),
        learning_curves=_all_of(warehouse, LEARNING_CURVES, "model, fold, epoch, part"),
        leak_proof=_leak_proof(warehouse),
        facts=_facts(settings, predictions),
        notice=_notice(warehouse),
    )
    page = write_report(data, settings.data_dir / "report")
    context.log.info(f"report at {page}")
    return dg.MaterializeResult(metadata=report_metadata(scores, page))


def _judged_takes(warehouse: Warehouse) -> "pd.DataFrame":
    """Read the accepted takes that were judged."""
    columns = "take_id, actor, emotion, gender, intensity, statement, seconds"
    return warehouse.query(
        f"SELECT {columns} FROM {RAW_VIDEOS} SEMI JOIN ({USABLE_TAKES}) USING (take_id, recording) "
        f"WHERE status = 'accepted' AND take_id IN (SELECT take_id FROM {PREDICTIONS}) ORDER BY take_id"
    )


def _example_clips(warehouse: Warehouse, clip_store: ClipStore) -> "list[ExampleClip]":
    """Pick one clip of each emotion from the first man and the first woman who were judged."""
    from ser_assets.reporting.data import ExampleClip

    takes = _judged_takes(warehouse)
    examples = []
    for _, speakers in takes.groupby("gender"):
        clips = clip_store.read("trimmed_audio", speakers["actor"].min())
        first = {clip.emotion: clip for clip in reversed(clips)}
        examples += [
            ExampleClip(clip.emotion, clip.gender, clip.take_id, clip.samples, clip.sampling_rate)
            for clip in first.values()
        ]
    return examples


def _importances(settings: Settings) -> "pd.DataFrame":
    import pandas as pd

    from ser_assets.learning.random_forest import RandomForest

    folder = settings.data_dir / "models" / RandomForest.name
    return RandomForest.load(folder).importances_ if folder.exists() else pd.DataFrame()


def _all_of(warehouse: Warehouse, table: str, order: str) -> "pd.DataFrame":
    import pandas as pd

    return warehouse.query(f"FROM {table} ORDER BY {order}") if warehouse.has_table(table) else pd.DataFrame()


def _leak_proof(warehouse: Warehouse) -> "pd.DataFrame":
    """Read the proof of each fold once: models that were judged on the same split share it."""
    return warehouse.query(f"SELECT DISTINCT * EXCLUDE (model) FROM {LEAK_PROOF} ORDER BY protocol, folds, fold")


def _notice(warehouse: Warehouse) -> str:
    """Say so where the judged voices are not people's."""
    judged = f"take_id IN (SELECT take_id FROM {PREDICTIONS})"
    if warehouse.query(f"FROM ({USABLE_TAKES}) WHERE demo AND {judged} LIMIT 1").empty:
        return ""
    return "These voices are the demo corpus, spoken by a synthesiser: the figures say nothing about people."


def _facts(settings: Settings, predictions: "pd.DataFrame") -> dict[str, str]:
    actors = sorted(set(predictions["actor"]))
    knobs = settings.model_dump(exclude={"workers", "data_dir", "retrain_cron", "retrain_timezone"})
    changed = [
        f"SER_{name.upper()}={value}" for name, value in knobs.items() if value != Settings.model_fields[name].default
    ]
    return {
        "Command": " ".join([*changed, "ser-assets run --actors", ",".join(actors)]),
        "Actors judged": ", ".join(actors),
        **{name: str(value) for name, value in knobs.items()},
        "Python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }
