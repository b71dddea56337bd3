"""The models of the catalogue: each evaluated under every protocol, then fitted on all actors and saved."""

import contextlib
import functools
import json
import shutil
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets.assets.by_actor.current_corpus import drop_withdrawn, require_current
from ser_assets.assets.by_actor.partitions import SINGLE_RUN
from ser_assets.assets.embeddings import embeddings
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.features import features
from ser_assets.assets.metadata.describe import model_metadata, skipped_metadata, stored_model_metadata
from ser_assets.assets.training.left_out import splits_and_skipped
from ser_assets.assets.training.model_config import config_of, settings_from
from ser_assets.assets.training.turn import POOL, in_training_turn
from ser_assets.corpus.forgotten import refuse_forgotten
from ser_assets.learning.data.final_models import RAW, SPEAKER_NORMALISED
from ser_assets.learning.data.set_names import EMBEDDINGS
from ser_assets.learning.models.catalog import MODELS
from ser_assets.model_settings import as_dictionary
from ser_assets.runtime import progress
from ser_assets.settings import Settings
from ser_assets.storage.files import atomic_folder, remove_leftovers
from ser_assets.storage.leakage_audit import leakage_audit
from ser_assets.storage.skipped import skipped_table
from ser_assets.storage.tables import (
    LEAKAGE_AUDIT,
    LEARNING_CURVES,
    MODEL_SETTINGS,
    PREDICTIONS,
    SKIPPED,
    TRAINING_ROWS,
    VALIDATION_PREDICTIONS,
)
from ser_assets.storage.training_inputs import final_model_folder, is_trained, training_fingerprint
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.versions import content_version, folder_version, rows_version
from ser_assets.storage.warehouse import Warehouse, replace_rows

if TYPE_CHECKING:
    import duckdb
    import pandas as pd


TRAIN_IF_CHANGED_TAG = "ser_assets/train_if_changed"
"""A run with this tag trains only models for which recordings, labels, settings, seed or code have changed."""


def model_asset(name: str, defaults: Any) -> dg.AssetsDefinition:
    """Make the asset of one of the models of the catalogue; a run config may change its default settings."""
    spec = MODELS[name]
    config_type = config_of(spec.settings, defaults)

    @dg.asset(
        name=name,
        description=f"{spec.description} Evaluated on unseen actors and under the other protocols (tables "
        "`predictions`, `training_rows`, `validation_predictions`, `leakage_audit`), then fitted on all materialized "
        "actors (final models under `models/`).",
        deps=[features, embeddings] if spec.reads == EMBEDDINGS else [features],
        backfill_policy=SINGLE_RUN,
        kinds=set(spec.kinds),
        pool=POOL,
    )
    @foreseen_failures
    @in_training_turn
    def model(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]
        settings: dg.ResourceParam[Settings],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.MaterializeResult:
        from ser_assets.learning.models.networks.tensorboard_logs import require_tensorboard

        if settings.tensorboard:
            require_tensorboard()
        remove_leftovers(settings.data_dir)
        require_current(settings, warehouse, drop_withdrawn(context, settings))
        factory = functools.partial(spec.load_class(), settings_from(config, spec.settings), settings.seed)
        trained_from = training_fingerprint(name, factory.args[0], settings, warehouse)
        if TRAIN_IF_CHANGED_TAG in context.run.tags and is_trained(name, trained_from, settings, warehouse):
            context.log.info(f"{name}: nothing in its training set has changed since it was trained, so it stays")
            metadata = stored_model_metadata(_stored_predictions(name, warehouse), factory)
        else:
            metadata = _train(context, name, factory, trained_from, settings, warehouse)
        version = dg.DataVersion(_version(name, factory, settings, warehouse))
        folder = dg.MetadataValue.path(str(final_model_folder(settings, RAW, name)))
        return dg.MaterializeResult(metadata=metadata | {"folder": folder}, data_version=version)

    return model


def _train(
    context: dg.AssetExecutionContext,
    name: str,
    factory: functools.partial[Any],
    trained_from: str,
    settings: Settings,
    warehouse: Warehouse,
) -> dict[str, Any]:
    """Evaluate a model under every protocol, fit it on all, store both, and describe it.

    Args:
        context: of the step.
        name: of the model.
        factory: makes the model, given its settings and seed.
        trained_from: hash of all that decides the result.
        settings: of the platform.
        warehouse: tables of the corpus.
    """
    from ser_assets.encoders.training_corpora import refuse_trained_on
    from ser_assets.learning.evaluation.evaluate import FinalFit, evaluate
    from ser_assets.learning.models.networks.tensorboard_logs import write_logs

    examples = load_examples(warehouse, settings, [factory().reads])
    if EMBEDDINGS in examples.sets:
        refuse_trained_on(examples[EMBEDDINGS].encoder.name, settings.corpus_name)
    splits, skipped = splits_and_skipped(examples, settings)
    for each in skipped:
        context.log.warning(f"left out: {each.line}")

    def tell(done: int, total: int) -> None:
        progress.report(name, done, total)
        context.log.info(f"{name}: {done} of {total} fits done")

    kinds = [RAW, SPEAKER_NORMALISED] if "speaker_normalised" in settings.protocols else [RAW]
    with contextlib.ExitStack() as folders:
        parts = {kind: folders.enter_context(atomic_folder(final_model_folder(settings, kind, name))) for kind in kinds}
        kept = [FinalFit(part, speaker_normalised=kind == SPEAKER_NORMALISED) for kind, part in parts.items()]
        evaluation = evaluate(factory, examples, splits, kept, settings.worker_count, tell)
        tables = {
            PREDICTIONS: with_origin(evaluation.predictions, examples.rows),
            LEARNING_CURVES: evaluation.learning_curves,
            TRAINING_ROWS: evaluation.training_rows,
            VALIDATION_PREDICTIONS: evaluation.validation_predictions,
            MODEL_SETTINGS: _settings_row(name, factory, trained_from),
            SKIPPED: skipped_table(name, skipped).to_pandas(),
        }
        refuse_forgotten(settings.corpus_dir, examples.actors)
        # Inside, so that a database that is busy keeps the old models in place, too.
        lost = store(warehouse, name, tables, {split.protocol: ", ".join(split.disjoint) for split in splits})
    if lost:
        context.log.warning(f"predictions of other emotions are gone, materialize again: {', '.join(lost)}")
    if SPEAKER_NORMALISED not in kinds:
        shutil.rmtree(final_model_folder(settings, SPEAKER_NORMALISED, name), ignore_errors=True)
    if settings.tensorboard:
        with atomic_folder(settings.corpus_dir / "tensorboard" / name) as part:
            write_logs(evaluation.learning_curves, part)
    return model_metadata(tables[PREDICTIONS], examples, splits, factory) | skipped_metadata(skipped)


def _version(name: str, factory: functools.partial[Any], settings: Settings, warehouse: Warehouse) -> str:
    """Data version of the model that is stored: of its settings and seed, its files, and its predictions."""
    files = [folder_version(final_model_folder(settings, kind, name)) for kind in (RAW, SPEAKER_NORMALISED)]
    return content_version(*map(repr, factory.args), files, rows_version(_stored_predictions(name, warehouse)))


def _stored_predictions(name: str, warehouse: Warehouse) -> "pd.DataFrame":
    return warehouse.query(f"FROM {PREDICTIONS} WHERE model = ? ORDER BY ALL", [name])


def with_origin(predictions: "pd.DataFrame", rows: "pd.DataFrame") -> "pd.DataFrame":
    """Add the fingerprint of the features of each take, so that a later change of recording or recipe shows."""
    originals = rows[rows["variant"] == 0]
    return predictions.assign(
        input_fingerprint=predictions["take_id"].map(originals.set_index("take_id")["input_fingerprint"])
    )


def store(warehouse: Warehouse, name: str, tables: "dict[str, pd.DataFrame]", disjoint: dict[str, str]) -> list[str]:
    """Put the tables of a model in the place of the old ones, and the leakage audit that they give.

    Returns: the other models whose predictions are lost by that, because they predict other emotions.
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
        proof = leakage_audit(connection, name).assign(model=name)
        proof["disjoint"] = proof["protocol"].map(disjoint)
        replace_rows(connection, LEAKAGE_AUDIT, pa.Table.from_pandas(proof, preserve_index=False), {"model": name})
    return sorted(lost - {name})


def drop_other_emotions(connection: "duckdb.DuckDBPyConnection", table: str, rows: "pd.DataFrame") -> set[str]:
    """Drop a table of predictions whose emotions, or their order, differ from those of `rows`.

    A column is an emotion, so that a table holds the predictions of one label set: labels of a corpus may change.

    Returns: the models that were in it.
    """
    from ser_assets.learning.data.predictions import emotions_of

    if not connection.execute("FROM duckdb_tables() WHERE table_name = ?", [table]).fetchall():
        return set()
    if emotions_of(connection.sql(f"FROM {table} LIMIT 0").df()) == emotions_of(rows):
        return set()
    models = {row[0] for row in connection.execute(f"SELECT DISTINCT model FROM {table}").fetchall()}
    connection.execute(f"DROP TABLE {table}")
    return models


def _settings_row(name: str, factory: functools.partial[Any], trained_from: str) -> "pd.DataFrame":
    import pandas as pd

    model_settings, seed = factory.args
    settings = json.dumps(as_dictionary(model_settings))
    return pd.DataFrame([{"model": name, "settings": settings, "seed": seed, "trained_from": trained_from}])
