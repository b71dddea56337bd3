"""The four models: each judged under every protocol, then fitted on all actors and kept in a folder."""

import functools
from typing import TYPE_CHECKING

import dagster as dg

from ser_assets import progress
from ser_assets.assets.actors import SINGLE_RUN
from ser_assets.assets.describe import model_metadata
from ser_assets.assets.examples import load_examples
from ser_assets.assets.features import features
from ser_assets.assets.leaks import leak_proof
from ser_assets.settings import Settings
from ser_assets.storage.files import whole_folder
from ser_assets.storage.tables import LEAK_PROOF, LEARNING_CURVES, PREDICTIONS, TRAINING_ROWS
from ser_assets.storage.warehouse import Warehouse, replace_rows

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.examples import Examples
    from ser_assets.learning.splits import Split

DESCRIPTIONS = {
    "random_forest": "A random forest on the functionals.",
    "neural_network": "A dense network on the standardised functionals.",
    "cnn": "A convolutional network over time on the mel sequences.",
    "complex_cnn": "A deeper convolutional network with batch normalisation on the mel sequences.",
}
KINDS = {"random_forest": {"scikitlearn", "onnx"}}
NETWORK_KINDS = {"tensorflow", "keras"}


def model_asset(name: str) -> dg.AssetsDefinition:
    """Make the asset of one of the models in `learning.models.MODELS`."""

    @dg.asset(
        name=name,
        description=f"{DESCRIPTIONS[name]} Judged on actors that it has not heard, and under the other protocols "
        "(tables `predictions`, `training_rows`, `leak_proof`), then fitted on all actors that are materialised and "
        "kept under `models/`.",
        deps=[features],
        backfill_policy=SINGLE_RUN,
        kinds=KINDS.get(name, NETWORK_KINDS),
    )
    def model(
        context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings], warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult:
        from ser_assets.learning.judging import fit_final, judge
        from ser_assets.learning.models import MODELS

        examples = load_examples(warehouse, settings)
        splits = _splits(examples, settings, context.log)
        factory = functools.partial(MODELS[name], seed=settings.seed)

        def tell(done: int, total: int) -> None:
            progress.report(name, done, total + 1)
            context.log.info(f"{name}: {done} of {total} folds judged")

        judgement = judge(factory, examples, splits, settings.worker_count, tell)
        final = fit_final(factory, examples, judgement)
        folder = settings.data_dir / "models" / name
        with whole_folder(folder) as part:
            final.save(part)
        tables = {
            PREDICTIONS: _with_origin(judgement.predictions, examples),
            LEARNING_CURVES: judgement.learning_curves,
            TRAINING_ROWS: judgement.training_rows,
        }
        _store(warehouse, name, tables, {split.protocol: ", ".join(split.kept_apart) for split in splits})
        progress.report(name, len(splits) + 1, len(splits) + 1)
        return dg.MaterializeResult(metadata=model_metadata(judgement, examples, splits, folder, settings.seed))

    return model


def _splits(examples: "Examples", settings: Settings, log: dg.DagsterLogManager) -> "list[Split]":
    from ser_assets.learning.protocols import TooFewTakesError, dropped_folds, make_splits

    for scheme in settings.folds:
        if dropped := dropped_folds(examples.actors, scheme):
            log.info(f"{scheme}: dropped for want of actors to judge: folds {', '.join(dropped)}")
    splits = []
    for protocol in settings.protocols:
        try:
            splits += make_splits(examples.rows, [protocol], settings.folds, settings.seed)
        except TooFewTakesError as error:
            log.warning(f"{protocol} is left out: {error}")
    return splits


def _with_origin(predictions: "pd.DataFrame", examples: "Examples") -> "pd.DataFrame":
    """Say of which features each take was judged, so that a change of recording or recipe shows later."""
    originals = examples.rows[examples.rows["variant"] == 0]
    return predictions.assign(made_from=predictions["take_id"].map(originals.set_index("take_id")["made_from"]))


def _store(warehouse: Warehouse, name: str, tables: "dict[str, pd.DataFrame]", kept_apart: dict[str, str]) -> None:
    """Put the tables of a model in the place of the old ones, and the leak proof that they give."""
    import pyarrow as pa

    with warehouse.writing() as connection:
        for table, rows in tables.items():
            if len(rows):
                replace_rows(connection, table, pa.Table.from_pandas(rows, preserve_index=False), {"model": name})
        proof = leak_proof(connection, name).assign(model=name)
        proof["kept_apart"] = proof["protocol"].map(kept_apart)
        replace_rows(connection, LEAK_PROOF, pa.Table.from_pandas(proof, preserve_index=False), {"model": name})


MODEL_ASSETS = tuple(model_asset(name) for name in DESCRIPTIONS)
