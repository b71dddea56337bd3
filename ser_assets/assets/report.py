"""`metrics_report`: the scores of all models, and one page that tells them."""

import functools
import json
import platform
import shlex
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, get_args

import dagster as dg

from ser_assets.assets.by_actor.current_corpus import drop_withdrawn, require_current
from ser_assets.assets.by_actor.partitions import SINGLE_RUN
from ser_assets.assets.ensemble import ensemble
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.metadata.describe import report_metadata, skipped_metadata
from ser_assets.assets.models import MODEL_NAMES
from ser_assets.assets.training.left_out import skipped_by_report
from ser_assets.assets.training.turn import POOL, in_training_turn
from ser_assets.learning.data.final_models import RAW
from ser_assets.learning.models.settings import SETTINGS_OF_MODELS
from ser_assets.learning.models.settings_file import as_dictionary
from ser_assets.settings import WITHOUT_EFFECT_ON_RESULTS, FoldScheme, Protocol, Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.leakage_audit import leaks, not_judged_once
from ser_assets.storage.skipped import Skipped, skipped_by, skipped_table
from ser_assets.storage.tables import (
    LEAKAGE_AUDIT,
    LEARNING_CURVES,
    MODEL_SETTINGS,
    NOTEBOOK_REPRODUCTION,
    PREDICTIONS,
    RAW_VIDEOS,
    SCORE_DIFFERENCES,
    SCORES,
    SCORES_BY_GROUP,
    SKIPPED,
    TRAINING_ROWS,
    USABLE_CLIPS,
    USABLE_TAKES,
    notice_of_demo,
    records,
)
from ser_assets.storage.training_inputs import final_model_folder
from ser_assets.storage.versions import content_version, rows_version
from ser_assets.storage.warehouse import Warehouse, replace_rows

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.reporting.report_data import ExampleClip, MissedTake

REPORT = "metrics_report"
MODELS = (*MODEL_NAMES, ensemble.key.to_user_string())
LIBRARIES = ("ser-assets", "dagster", "duckdb", "librosa", "numpy", "scikit-learn", "tensorflow", "keras")
MISSED_SHOWN = 8


class PredictionsMissingError(LookupError):
    """No model has been evaluated yet, or only on other takes; the message names the remedy."""


class LeakFoundError(ValueError):
    """A model has evaluated what it was trained on, so that its scores are worth nothing."""


@dg.asset(deps=[*MODEL_NAMES, ensemble], backfill_policy=SINGLE_RUN, pool=POOL, kinds={"seaborn", "duckdb"})
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
    from ser_assets.reporting.page import write_report
    from ser_assets.reporting.report_data import ReportData
    from ser_assets.reporting.summary import leaderboards

    require_current(settings, warehouse, drop_withdrawn(context, settings), kinds=("content", "label"))
    predictions, left_out = _sound_predictions(warehouse)
    told = skipped_by(warehouse, [model for model in MODELS if model not in left_out])
    skipped = skipped_by_report(settings, warehouse, predictions, left_out, MODELS, told)
    for each in skipped:
        context.log.warning(f"left out: {each.told}")
    takes = _judged_takes(warehouse)
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
        predictions=predictions,
        scores=scores,
        differences=differences,
        group_scores=group_scores,
        missed=_missed_takes(missed, takes, actor_files),
        missed_count=missed["take_id"].nunique(),
        replay=_replay(warehouse, predictions),
        takes=takes,
        rejected=_rejected(warehouse),
        clips=warehouse.query(f"{USABLE_CLIPS} ORDER BY take_id, variant"),
        examples=_example_clips(takes, actor_files),
        importances=_importances(settings, predictions),
        learning_curves=_of_models(warehouse, LEARNING_CURVES, predictions, "model, fold, epoch, subset"),
        leakage_audit=_leak_proof(warehouse, predictions),
        facts=_facts(settings, warehouse, predictions),
        skipped=[each.told for each in (*told, *skipped)],
        notice=notice_of_demo(warehouse),
    )
    page = write_report(data, settings.data_dir / "report", functools.partial(_store, warehouse, tables, skipped))
    context.log.info(f"report at {page}")
    made_with = _of_models(warehouse, MODEL_SETTINGS, predictions, "model")
    metadata = report_metadata(scores, page) | skipped_metadata([*told, *skipped])
    return dg.MaterializeResult(
        metadata=metadata | {"seconds of scoring": round(seconds, 2)},
        data_version=dg.DataVersion(content_version(*map(rows_version, [*tables.values(), predictions, made_with]))),
    )


def _rejected(warehouse: Warehouse) -> "pd.DataFrame":
    """Rejected files and why. Where the label stands goes with the file, for files are listed under their reason."""
    import pandas as pd

    rows = records(warehouse, RAW_VIDEOS, "status = 'rejected' ORDER BY path")
    places = [f" ({row['place']})" if row.get("place") else "" for row in rows]
    listed = [(row["path"] + place, row["reason"]) for row, place in zip(rows, places, strict=True)]
    return pd.DataFrame(listed, columns=["path", "reason"])


def _sound_predictions(warehouse: Warehouse) -> "tuple[pd.DataFrame, list[str]]":
    """Read the predictions that may be compared, and name the models whose are of other takes than there are now.

    Looked at again here, for a check only holds up the run that it is part of.

    Raises:
        PredictionsMissingError: no model has been evaluated on the takes that there are now.
        LeakFoundError: a model has evaluated what it was trained on.
    """
    if not (warehouse.has_table(PREDICTIONS) and warehouse.has_table(TRAINING_ROWS)):
        raise PredictionsMissingError(f"no predictions in {warehouse.path}: materialize at least one model first")
    predictions = warehouse.query(f"FROM {PREDICTIONS} ORDER BY model, protocol, fold_scheme, take_id")
    left_out = []
    with warehouse.reading() as connection:
        for model in predictions["model"].unique():
            if not not_judged_once(connection, model).empty:
                left_out.append(model)
            elif not (found := leaks(connection, model)).empty:
                worst = ", ".join(found.iloc[0].astype(str))
                raise LeakFoundError(f"{model} must not be reported ({worst}): mend it and materialize it again")
    sound = predictions[~predictions["model"].isin(left_out)]
    if sound.empty:
        raise PredictionsMissingError(
            f"{', '.join(left_out)} were evaluated on other takes than there are now: materialize the models again"
        )
    return sound, left_out


def _store(warehouse: Warehouse, tables: "dict[str, pd.DataFrame]", skipped: Sequence[Skipped]) -> None:
    import pyarrow as pa

    with warehouse.writing() as connection:
        replace_rows(connection, SKIPPED, skipped_table(REPORT, skipped), {"model": REPORT})
        for table, rows in tables.items():
            replace_rows(connection, table, pa.Table.from_pandas(rows, preserve_index=False), {})


def _missed_takes(missed: "pd.DataFrame", takes: "pd.DataFrame", actor_files: ActorFiles) -> "list[MissedTake]":
    """Fetch the clips of the worst of the takes that all models miss."""
    from ser_assets.reporting.report_data import ExampleClip, MissedTake
    from ser_assets.storage.clips import clips_of

    about = takes.set_index("take_id").to_dict("index")
    worst = list(missed.groupby("take_id", sort=False))[:MISSED_SHOWN]
    takes_of: dict[str, list[str]] = {}
    for take_id, _ in worst:
        takes_of.setdefault(about[take_id]["actor"], []).append(str(take_id))
    rows = [actor_files.rows("trimmed_audio", actor, takes) for actor, takes in sorted(takes_of.items())]
    clips = {clip.take_id: clip for some in rows for clip in clips_of(some)}
    shown = []
    for take_id, sayings in worst:
        take, clip = about[take_id], clips.get(str(take_id))
        if clip is None:
            continue
        predicted = zip(sayings["predicted"], sayings["probability"], strict=True)
        shown.append(
            MissedTake(
                clip=ExampleClip(clip.emotion, clip.gender or "", clip.take_id, clip.samples, clip.sampling_rate),
                actor=take["actor"],
                intensity=take["intensity"],
                statement=take["statement"],
                predicted=dict(zip(sayings["model"], predicted, strict=True)),
            )
        )
    return shown


def _judged_takes(warehouse: Warehouse) -> "pd.DataFrame":
    """Read the accepted takes that were evaluated."""
    columns = "take_id, actor, emotion, gender, intensity, statement, seconds"
    return warehouse.query(
        f"SELECT {columns} FROM {RAW_VIDEOS} SEMI JOIN ({USABLE_TAKES}) USING (take_id, audio_hash) "
        f"WHERE status = 'accepted' AND take_id IN (SELECT take_id FROM {PREDICTIONS}) ORDER BY take_id"
    )


def _example_clips(takes: "pd.DataFrame", actor_files: ActorFiles) -> "list[ExampleClip]":
    """Pick one clip of each emotion from the first speaker of each gender, where that is known, who was evaluated."""
    from ser_assets.reporting.report_data import ExampleClip
    from ser_assets.storage.clips import clips_of

    examples = []
    for _, speakers in takes.groupby(takes["gender"].fillna("")):
        clips = clips_of(actor_files.rows("trimmed_audio", speakers["actor"].min()))
        first = {clip.emotion: clip for clip in reversed(clips)}
        examples += [
            ExampleClip(clip.emotion, clip.gender or "", clip.take_id, clip.samples, clip.sampling_rate)
            for clip in first.values()
        ]
    return examples


def _importances(settings: Settings, predictions: "pd.DataFrame") -> "pd.DataFrame":
    import pandas as pd

    from ser_assets.learning.models.random_forest import RandomForest

    folder = final_model_folder(settings, RAW, RandomForest.name)
    reported = RandomForest.name in set(predictions["model"])
    return RandomForest.load(folder).importances_ if reported and folder.exists() else pd.DataFrame()


def _of_models(warehouse: Warehouse, table: str, predictions: "pd.DataFrame", order: str) -> "pd.DataFrame":
    """Read what a table has of the models that are reported; nothing where there is no such table."""
    import pandas as pd

    if not warehouse.has_table(table):
        return pd.DataFrame()
    return warehouse.query(
        f"FROM {table} WHERE list_contains(?, model) ORDER BY {order}", [predictions["model"].unique().tolist()]
    )


def _leak_proof(warehouse: Warehouse, predictions: "pd.DataFrame") -> "pd.DataFrame":
    """Read the proof of each fold once: models that were given the same rows share it."""
    proof = _of_models(warehouse, LEAKAGE_AUDIT, predictions, "protocol, fold_scheme, fold")
    return proof.drop(columns="model").drop_duplicates(ignore_index=True)


def _replay(warehouse: Warehouse, predictions: "pd.DataFrame") -> "pd.DataFrame":
    """Read the replay of the notebook, unless its voices were synthetic and these are people's, or the reverse.

    The notebook is of RAVDESS: beside another corpus it would say nothing.
    """
    import pandas as pd

    from ser_assets.learning.data.predictions import emotions_of
    from ser_assets.reporting.references import is_ravdess

    of_ravdess = is_ravdess(emotions_of(predictions), set(predictions["actor"]))
    if not (of_ravdess and warehouse.has_table(NOTEBOOK_REPRODUCTION)):
        return pd.DataFrame()
    replay = warehouse.query(f"FROM {NOTEBOOK_REPRODUCTION} ORDER BY model, way, metric")
    return replay.drop(columns="demo") if (replay["demo"] == bool(notice_of_demo(warehouse))).all() else pd.DataFrame()


def _facts(settings: Settings, warehouse: Warehouse, predictions: "pd.DataFrame") -> dict[str, str]:
    from ser_assets.corpus.spelling import names_joined

    actors = sorted(set(predictions["actor"]))
    evaluated = {
        "protocols": tuple(name for name in get_args(Protocol) if name in set(predictions["protocol"])),
        "fold_scheme": tuple(name for name in get_args(FoldScheme) if name in set(predictions["fold_scheme"])),
    }
    seed, config = _made_with(warehouse, predictions, settings.seed)
    settings = settings.model_copy(update={**evaluated, "seed": seed})
    knobs = settings.model_dump(exclude=WITHOUT_EFFECT_ON_RESULTS - {"tensorboard"})
    changed = [
        f"SER_{name.upper()}={settings.as_text(name)}"
        for name, value in knobs.items()
        if value != Settings.model_fields[name].default
    ]
    return {
        "Command": " ".join([*changed, "ser-assets run --actors", shlex.quote(names_joined(actors)), *config]),
        "Actors evaluated": ", ".join(actors),
        **{name: settings.as_text(name) for name in knobs},
        "Python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


def _made_with(warehouse: Warehouse, predictions: "pd.DataFrame", seed: int) -> tuple[int, list[str]]:
    """Read the seed that the models were made with, and the option of `ser-assets run` for knobs that are not defaults.

    seed: of now, where no model says or they disagree.
    """
    made = _of_models(warehouse, MODEL_SETTINGS, predictions, "model")
    if made.empty:
        return seed, []
    seeds = made["seed"].unique()
    config = {}
    for model, text in zip(made["model"], made["settings"], strict=True):
        defaults = as_dictionary(SETTINGS_OF_MODELS[model]())
        changed = {knob: value for knob, value in json.loads(text).items() if value != defaults.get(knob)}
        if changed:
            config[model] = {"config": changed}
    return int(seeds[0]) if len(seeds) == 1 else seed, [
        f"--config-json '{json.dumps({'ops': config})}'"
    ] if config else []
