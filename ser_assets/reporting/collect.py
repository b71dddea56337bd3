"""What the report is made of, read from tables, clips and models: one function for each part of `ReportData`."""

import json
import platform
import shlex
from collections.abc import Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING, Final

from ser_assets.corpus.registry import CORPORA
from ser_assets.learning.data.final_models import RAW
from ser_assets.learning.models.catalog import MODELS
from ser_assets.learning.protocols.fold_schemes import known_fold_schemes
from ser_assets.learning.protocols.names import PROTOCOL_NAMES
from ser_assets.model_settings import as_dictionary
from ser_assets.settings import WITHOUT_EFFECT_ON_RESULTS, Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.leakage_audit import leaks, not_evaluated_once
from ser_assets.storage.tables import (
    LEAKAGE_AUDIT,
    MODEL_SETTINGS,
    NOTEBOOK_REPRODUCTION,
    PREDICTIONS,
    RAW_VIDEOS,
    TRAINING_ROWS,
    USABLE_TAKES,
    notice_of_demo,
    records,
)
from ser_assets.storage.training_inputs import final_model_folder
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.reporting.report_data import ExampleClip, MissedTake

LIBRARIES: Final = ("ser-assets", "dagster", "duckdb", "librosa", "numpy", "scikit-learn", "tensorflow", "keras")
MISSED_SHOWN: Final = 8


class PredictionsMissingError(LookupError):
    """No model has been evaluated yet, or only on other takes; the message names the remedy."""


class LeakFoundError(ValueError):
    """A model has evaluated what it was trained on, so that its scores are worth nothing."""


def rejected_files(warehouse: Warehouse) -> "pd.DataFrame":
    """Rejected files and why. Where the label stands goes with the file, for files are listed under their reason."""
    import pandas as pd

    rows = records(warehouse, RAW_VIDEOS, "status = 'rejected' ORDER BY path")
    places = [f" ({row['place']})" if row.get("place") else "" for row in rows]
    listed = [(row["path"] + place, row["reason"]) for row, place in zip(rows, places, strict=True)]
    return pd.DataFrame(listed, columns=["path", "reason"])


def sound_predictions(warehouse: Warehouse, models: Sequence[str]) -> "tuple[pd.DataFrame, list[str]]":
    """Read the predictions of models that may be compared, and name those evaluated on other takes than there are now.

    Verified again here, because a check only stops the run that it is part of.

    Raises:
        PredictionsMissingError: no model has been evaluated on the takes that there are now.
        LeakFoundError: a model has evaluated what it was trained on.
    """
    if not (warehouse.has_table(PREDICTIONS) and warehouse.has_table(TRAINING_ROWS)):
        raise PredictionsMissingError(f"no predictions in {warehouse.path}: materialize at least one model first")
    predictions = warehouse.query(
        f"FROM {PREDICTIONS} WHERE list_contains(?, model) ORDER BY model, protocol, fold_scheme, take_id",
        [list(models)],
    )
    left_out = []
    with warehouse.reading() as connection:
        for model in predictions["model"].unique():
            if not not_evaluated_once(connection, model).empty:
                left_out.append(model)
            elif not (found := leaks(connection, model)).empty:
                worst = ", ".join(found.iloc[0].astype(str))
                raise LeakFoundError(
                    f"{model} must not be reported ({worst}): correct its split and materialize it again"
                )
    if predictions.empty:
        raise PredictionsMissingError(f"none of {', '.join(models)} has been evaluated: materialize at least one first")
    sound = predictions[~predictions["model"].isin(left_out)]
    if sound.empty:
        raise PredictionsMissingError(
            f"{', '.join(left_out)} were evaluated on other takes than there are now: materialize the models again"
        )
    return sound, left_out


def missed_takes(missed: "pd.DataFrame", takes: "pd.DataFrame", actor_files: ActorFiles) -> "list[MissedTake]":
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
    for take_id, predictions in worst:
        take, clip = about[take_id], clips.get(str(take_id))
        if clip is None:
            continue
        predicted = zip(predictions["predicted"], predictions["probability"], strict=True)
        shown.append(
            MissedTake(
                clip=ExampleClip(clip.emotion, clip.gender or "", clip.take_id, clip.samples, clip.sampling_rate),
                actor=take["actor"],
                intensity=take["intensity"],
                statement=take["statement"],
                predicted=dict(zip(predictions["model"], predicted, strict=True)),
            )
        )
    return shown


def evaluated_takes(warehouse: Warehouse) -> "pd.DataFrame":
    """Read the accepted takes that were evaluated."""
    columns = "take_id, actor, emotion, gender, intensity, statement, seconds"
    return warehouse.query(
        f"SELECT {columns} FROM {RAW_VIDEOS} SEMI JOIN ({USABLE_TAKES}) USING (take_id, audio_hash) "
        f"WHERE status = 'accepted' AND take_id IN (SELECT take_id FROM {PREDICTIONS}) ORDER BY take_id"
    )


def example_clips(takes: "pd.DataFrame", actor_files: ActorFiles) -> "list[ExampleClip]":
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


def feature_importances(settings: Settings, predictions: "pd.DataFrame") -> "pd.DataFrame":
    """Read the feature importances of the final Random Forest; nothing where it is not reported."""
    import pandas as pd

    from ser_assets.learning.models.random_forest import RandomForest, read_importances

    folder = final_model_folder(settings, RAW, RandomForest.name)
    reported = RandomForest.name in set(predictions["model"])
    return read_importances(folder) if reported and folder.exists() else pd.DataFrame()


def rows_of_models(warehouse: Warehouse, table: str, predictions: "pd.DataFrame", order: str) -> "pd.DataFrame":
    """Read what a table has of the models that are reported; nothing where there is no such table."""
    import pandas as pd

    if not warehouse.has_table(table):
        return pd.DataFrame()
    return warehouse.query(
        f"FROM {table} WHERE list_contains(?, model) ORDER BY {order}", [predictions["model"].unique().tolist()]
    )


def leakage_audit_rows(warehouse: Warehouse, predictions: "pd.DataFrame") -> "pd.DataFrame":
    """Read the leakage audit of each fold once: models with the same rows share it."""
    audit = rows_of_models(warehouse, LEAKAGE_AUDIT, predictions, "protocol, fold_scheme, fold")
    return audit.drop(columns="model").drop_duplicates(ignore_index=True)


def reproduction_rows(warehouse: Warehouse) -> "pd.DataFrame":
    """Read the reproduction of the notebook, unless one is of synthetic speech and the other of people."""
    import pandas as pd

    if not warehouse.has_table(NOTEBOOK_REPRODUCTION):
        return pd.DataFrame()
    reproduction = warehouse.query(f"FROM {NOTEBOOK_REPRODUCTION} ORDER BY model, way, metric")
    return (
        reproduction.drop(columns="demo")
        if (reproduction["demo"] == bool(notice_of_demo(warehouse))).all()
        else pd.DataFrame()
    )


def report_facts(settings: Settings, warehouse: Warehouse, predictions: "pd.DataFrame") -> dict[str, str]:
    """List the command, actors, settings and library versions behind the report."""
    from ser_assets.corpus.spelling import names_joined, natural_order

    actors = sorted(set(predictions["actor"]), key=natural_order)
    schemes = known_fold_schemes(CORPORA[settings.corpus].fold_schemes)
    evaluated = {
        "protocols": tuple(name for name in PROTOCOL_NAMES if name in set(predictions["protocol"])),
        "fold_schemes": tuple(name for name in schemes if name in set(predictions["fold_scheme"])),
    }
    seed, config = _made_with(warehouse, predictions, settings.seed)
    settings = settings.model_copy(update={**evaluated, "seed": seed})
    names = settings.model_dump(exclude=WITHOUT_EFFECT_ON_RESULTS - {"tensorboard"})
    changed = [
        f"SER_{name.upper()}={settings.as_text(name)}"
        for name, value in names.items()
        if value != Settings.model_fields[name].default
    ]
    return {
        "Command": " ".join([*changed, "ser-assets run --actors", shlex.quote(names_joined(actors)), *config]),
        "Actors evaluated": ", ".join(actors),
        **{name: settings.as_text(name) for name in names},
        "Python": platform.python_version(),
        **{library: version(library) for library in LIBRARIES},
    }


def _made_with(warehouse: Warehouse, predictions: "pd.DataFrame", seed: int) -> tuple[int, list[str]]:
    """Read the seed of the models, and the option of `ser-assets run` for settings that are not defaults.

    Args:
        warehouse: tables of the corpus.
        predictions: as `evaluate.Evaluation.predictions`.
        seed: of now, where no model says or they disagree.
    """
    made = rows_of_models(warehouse, MODEL_SETTINGS, predictions, "model")
    if made.empty:
        return seed, []
    seeds = made["seed"].unique()
    config = {}
    for model, text in zip(made["model"], made["settings"], strict=True):
        if model not in MODELS:
            continue
        defaults = as_dictionary(MODELS[model].settings())
        changed = {name: value for name, value in json.loads(text).items() if value != defaults.get(name)}
        if changed:
            config[model] = {"config": changed}
    return int(seeds[0]) if len(seeds) == 1 else seed, [
        f"--config-json '{json.dumps({'ops': config})}'"
    ] if config else []
