"""`ensemble`: the pooled predictions of all models, with weights from takes held out of their training."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from ser_assets.assets.by_actor.current_corpus import drop_withdrawn
from ser_assets.assets.by_actor.partitions import SINGLE_RUN
from ser_assets.assets.failures import foreseen_failures
from ser_assets.assets.metadata.describe import scores_metadata
from ser_assets.assets.models import store
from ser_assets.assets.training.turn import POOL, in_training_turn
from ser_assets.learning.data.final_models import ENSEMBLE, FINAL, PROTOCOL_OF_FINAL_MODEL
from ser_assets.settings import Settings
from ser_assets.storage.files import atomic_folder
from ser_assets.storage.tables import (
    ENSEMBLE_CONTRIBUTIONS,
    ENSEMBLE_WEIGHTS,
    LEAKAGE_AUDIT,
    PREDICTIONS,
    TRAINING_ROWS,
    VALIDATION_PREDICTIONS,
)
from ser_assets.storage.training_inputs import final_model_folder
from ser_assets.storage.versions import content_version, folder_version, rows_version
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd


def ensemble_asset(members: Sequence[str]) -> dg.AssetsDefinition:
    """Make the asset `ensemble` of these models."""

    @dg.asset(deps=members, backfill_policy=SINGLE_RUN, pool=POOL, kinds={"numpy", "duckdb"})
    @foreseen_failures
    @in_training_turn
    def ensemble(
        context: dg.AssetExecutionContext,
        settings: dg.ResourceParam[Settings],
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.MaterializeResult:
        """The models together: a weighted product of their probabilities.

        In each fold the weights come from training takes that the models had held out (table
        `validation_predictions`), never from what is evaluated; table `ensemble_weights` holds them, and table
        `ensemble_contributions` what each member adds. Kept under `models/`, beside its members.
        """
        from ser_assets.learning.evaluation.contributions import member_contributions
        from ser_assets.learning.models.ensemble import evaluate_ensemble

        drop_withdrawn(context, settings)
        predicted = _of_members(warehouse, PREDICTIONS, members)
        validated = _of_members(warehouse, VALIDATION_PREDICTIONS, members)
        predictions, weights = evaluate_ensemble(ENSEMBLE, predicted, validated)
        contributions = member_contributions(predictions, predicted, validated, seed=settings.seed)
        tables = {
            PREDICTIONS: predictions,
            TRAINING_ROWS: _given_to_any(warehouse, members),
            ENSEMBLE_WEIGHTS: weights.assign(model=ENSEMBLE),
            ENSEMBLE_CONTRIBUTIONS: contributions.assign(model=ENSEMBLE),
        }
        store(warehouse, ENSEMBLE, tables, _disjoint(warehouse))
        folders = _save(settings, weights)
        shown = weights[weights["fold"] == FINAL] if (weights["fold"] == FINAL).any() else weights
        return dg.MaterializeResult(
            metadata={
                **scores_metadata(predictions, settings.seed),
                **{
                    f"weight of {member}, {protocol}": round(float(weight), 3)
                    for protocol, member, weight in shown[["protocol", "member", "weight"]].itertuples(index=False)
                },
                "folders": ", ".join(map(str, folders)),
            },
            data_version=dg.DataVersion(
                content_version(
                    [folder_version(each) for each in folders], rows_version(weights), rows_version(predictions)
                )
            ),
        )

    return ensemble


def _save(settings: Settings, weights: "pd.DataFrame") -> list[Path]:
    """Keep the weights of the kept models beside them."""
    from ser_assets.learning.models.ensemble import save_ensemble

    kept = weights[weights["fold"] == FINAL]
    folders = []
    for kind, protocol in PROTOCOL_OF_FINAL_MODEL.items():
        own = kept[kept["protocol"] == protocol]
        folder = final_model_folder(settings, kind, ENSEMBLE)
        if own.empty:
            shutil.rmtree(folder, ignore_errors=True)
            continue
        with atomic_folder(folder) as part:
            save_ensemble(part, folder.parent, dict(zip(own["member"], own["weight"], strict=True)))
        folders.append(folder)
    return folders


def _of_members(warehouse: Warehouse, table: str, members: Sequence[str]) -> "pd.DataFrame":
    if not warehouse.has_table(table):
        raise dg.Failure(f"there is no table {table}: materialize the models first", allow_retries=False)
    rows = warehouse.query(f"FROM {table} WHERE list_contains(?, model) ORDER BY ALL", [list(members)])
    if missing := sorted(set(members) - set(rows["model"])):
        raise dg.Failure(
            f"{', '.join(missing)} are not in table {table}: materialize the models first", allow_retries=False
        )
    return rows


def _given_to_any(warehouse: Warehouse, members: Sequence[str]) -> "pd.DataFrame":
    """What any of the members was given to learn from, the ensemble has seen."""
    columns = "protocol, fold_scheme, fold, corpus, take_id, variant"
    return warehouse.query(
        f"SELECT DISTINCT '{ENSEMBLE}' AS model, {columns} FROM {TRAINING_ROWS} WHERE list_contains(?, model)",
        [list(members)],
    )


def _disjoint(warehouse: Warehouse) -> dict[str, str]:
    rows = warehouse.query(f"SELECT DISTINCT protocol, disjoint FROM {LEAKAGE_AUDIT} WHERE model != '{ENSEMBLE}'")
    return dict(zip(rows["protocol"], rows["disjoint"], strict=True))
