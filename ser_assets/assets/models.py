"""The four models: each judged under every protocol, and fitted on all actors to be kept in a folder."""

import contextlib
import dataclasses
import functools
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets import progress
from ser_assets.assets.actors import SINGLE_RUN
from ser_assets.assets.current_corpus import drop_withdrawn, require_current
from ser_assets.assets.describe import model_metadata, skipped_metadata
from ser_assets.assets.examples import load_examples
from ser_assets.assets.features import features
from ser_assets.assets.leaks import leak_proof
from ser_assets.assets.left_out import splits_and_skipped
from ser_assets.assets.model_config import config_of, settings_from
from ser_assets.corpus.forgotten import refuse_forgotten
from ser_assets.learning.kept import CALIBRATED, RAW
from ser_assets.learning.model_settings import (
    ComplexConvolutionSettings,
    ConvolutionSettings,
    DenseSettings,
    ForestSettings,
)
from ser_assets.settings import Settings
from ser_assets.storage.files import sweep, whole_folder
from ser_assets.storage.skipped import skipped_table
from ser_assets.storage.tables import (
    HELD_OUT,
    LEAK_PROOF,
    LEARNING_CURVES,
    MODEL_SETTINGS,
    PREDICTIONS,
    SKIPPED,
    TRAINING_ROWS,
)
from ser_assets.storage.versions import content_version, folder_version, rows_version
from ser_assets.storage.warehouse import Warehouse, replace_rows

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


DESCRIPTIONS = {
    "random_forest": "A random forest on discriminant directions of the functionals.",
    "neural_network": "Dense networks on the standardised functionals.",
    "cnn": "Networks that convolve over time on log-mel and pitch sequences.",
    "complex_cnn": "Wider networks that convolve over time on log-mel and pitch sequences, trained for longer.",
}
SETTINGS = {
    "random_forest": ForestSettings,
    "neural_network": DenseSettings,
    "cnn": ConvolutionSettings,
    "complex_cnn": ComplexConvolutionSettings,
}
KINDS = {"random_forest": {"scikitlearn", "onnx"}}
NETWORK_KINDS = {"tensorflow", "keras", "onnx"}


def model_asset(name: str) -> dg.AssetsDefinition:
    """Make the asset of one of the models in `learning.models.MODELS`."""
    config_type = config_of(SETTINGS[name])

    @dg.asset(
        name=name,
        description=f"{DESCRIPTIONS[name]} Judged on actors that it has not heard, and under the other protocols "
        "(tables `predictions`, `training_rows`, `held_out`, `leak_proof`), and fitted on all actors that are "
        "materialized (kept under `models/`).",
        deps=[features],
        backfill_policy=SINGLE_RUN,
        kinds=KINDS.get(name, NETWORK_KINDS),
    )
    def model(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]
        settings: dg.ResourceParam[Settings],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.MaterializeResult:
        from ser_assets.learning.judging import Kept, judge
        from ser_assets.learning.models import MODELS
        from ser_assets.learning.tensorboard_logs import require_tensorboard, write_logs

        if settings.tensorboard:
            require_tensorboard()
        sweep(settings.data_dir)
        require_current(settings, warehouse, drop_withdrawn(context, settings))
        examples = load_examples(warehouse, settings)
        splits, skipped = splits_and_skipped(examples, settings)
        for each in skipped:
            context.log.warning(f"left out: {each.told}")
        model_settings = settings_from(config, SETTINGS[name])
        factory = functools.partial(MODELS[name], model_settings, settings.seed)

        def tell(done: int, total: int) -> None:
            progress.report(name, done, total)
            context.log.info(f"{name}: {done} of {total} fits done")

        kinds = [RAW, CALIBRATED] if "speaker_calibrated" in settings.protocols else [RAW]
        with contextlib.ExitStack() as folders:
            parts = {kind: folders.enter_context(whole_folder(kept_folder(settings, kind, name))) for kind in kinds}
            kept = [Kept(part, calibrated=kind == CALIBRATED) for kind, part in parts.items()]
            judgement = judge(factory, examples, splits, kept, settings.worker_count, tell)
            tables = {
                PREDICTIONS: with_origin(judgement.predictions, examples.rows),
                LEARNING_CURVES: judgement.learning_curves,
                TRAINING_ROWS: judgement.training_rows,
                HELD_OUT: judgement.held_out,
                MODEL_SETTINGS: _settings_row(name, factory),
                SKIPPED: skipped_table(name, skipped).to_pandas(),
            }
            refuse_forgotten(settings.data_dir, examples.actors)
            # Inside, so that a database that is busy keeps the old models in place, too.
            lost = store(warehouse, name, tables, {split.protocol: ", ".join(split.kept_apart) for split in splits})
        if lost:
            context.log.warning(f"predictions of other emotions are gone, materialize again: {', '.join(lost)}")
        if CALIBRATED not in kinds:
            shutil.rmtree(kept_folder(settings, CALIBRATED, name), ignore_errors=True)
        if settings.tensorboard:
            with whole_folder(settings.data_dir / "tensorboard" / name) as part:
                write_logs(judgement.learning_curves, part)
        folder = kept_folder(settings, RAW, name)
        metadata = model_metadata(tables[PREDICTIONS], examples, splits, folder, factory)
        kept_models = [folder_version(kept_folder(settings, kind, name)) for kind in kinds]
        version = content_version(*map(repr, factory.args), kept_models, rows_version(tables[PREDICTIONS]))
        return dg.MaterializeResult(metadata=metadata | skipped_metadata(skipped), data_version=dg.DataVersion(version))

    return model


def kept_folder(settings: Settings, kind: str, name: str) -> Path:
    """Where a kept model rests: `kind` is `RAW` or `CALIBRATED`, which is the evidence that it takes."""
    return settings.data_dir / "models" / kind / name


def with_origin(predictions: "pd.DataFrame", rows: "pd.DataFrame") -> "pd.DataFrame":
    """Say of which features each take was judged, so that a change of recording or recipe shows later."""
    originals = rows[rows["variant"] == 0]
    return predictions.assign(made_from=predictions["take_id"].map(originals.set_index("take_id")["made_from"]))


def store(warehouse: Warehouse, name: str, tables: "dict[str, pd.DataFrame]", kept_apart: dict[str, str]) -> list[str]:
    """Put the tables of a model in the place of the old ones, and the leak proof that they give.

    Returns: the other models whose predictions are lost by that, for they tell other emotions apart.
    """
    import pyarrow as pa

    lost: set[str] = set()
    with warehouse.writing() as connection:
        for table, rows in tables.items():
            lost |= drop_other_emotions(connection, table, rows)
        tables_there = {row[0] for row in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
        for table, rows in tables.items():
            if len(rows):
                replace_rows(connection, table, pa.Table.from_pandas(rows, preserve_index=False), {"model": name})
            elif table in tables_there:
                connection.execute(f"DELETE FROM {table} WHERE model = ?", [name])
        proof = leak_proof(connection, name).assign(model=name)
        proof["kept_apart"] = proof["protocol"].map(kept_apart)
        replace_rows(connection, LEAK_PROOF, pa.Table.from_pandas(proof, preserve_index=False), {"model": name})
    return sorted(lost - {name})


def drop_other_emotions(connection: "duckdb.DuckDBPyConnection", table: str, rows: "pd.DataFrame") -> set[str]:
    """Drop a table of what models said where it has probabilities of other emotions, or in another order, than `rows`.

    A column is an emotion, so that no table holds what was said of two corpora.

    Returns: the models that were in it.
    """
    from ser_assets.learning.said import emotions_in

    if not connection.execute("FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall():
        return set()
    if emotions_in(connection.sql(f"FROM {table} LIMIT 0").df()) == emotions_in(rows):
        return set()
    models = {row[0] for row in connection.execute(f"SELECT DISTINCT model FROM {table}").fetchall()}
    connection.execute(f"DROP TABLE {table}")
    return models


def _settings_row(name: str, factory: functools.partial[Any]) -> "pd.DataFrame":
    import pandas as pd

    model_settings, seed = factory.args
    return pd.DataFrame([{"model": name, "settings": json.dumps(dataclasses.asdict(model_settings)), "seed": seed}])


MODEL_ASSETS = tuple(model_asset(name) for name in DESCRIPTIONS)
