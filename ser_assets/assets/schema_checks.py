"""One check for each asset that fills tables: their columns are those that are declared."""

import dagster as dg

from ser_assets.assets.corpus_checks import ERROR
from ser_assets.assets.failures import foreseen_failures
from ser_assets.storage.schema.columns import deviations
from ser_assets.storage.schema.tables import DECLARED
from ser_assets.storage.warehouse import Warehouse, column_types


def schema_check(asset: str, *, is_model: bool = False) -> dg.AssetChecksDefinition:
    """Make the check of the tables that an asset fills; a model fills those of all models."""
    filled = [table for table in DECLARED.values() if ("models" if is_model else asset) in table.filled_by]

    @dg.asset_check(asset=asset, name="declared_columns")
    @foreseen_failures
    def declared_columns(warehouse: dg.ResourceParam[Warehouse]) -> dg.AssetCheckResult:
        """Every column of the tables that this asset fills is declared, with its type (docs/tables.md)."""
        with warehouse.reading() as connection:
            stored = column_types(connection)
        found = [
            f"{table.name}: {deviation}"
            for table in filled
            if table.name in stored
            for deviation in deviations(table, stored[table.name])
        ]
        return dg.AssetCheckResult(
            passed=not found,
            severity=ERROR,
            description="; ".join(found) or f"{', '.join(table.name for table in filled)} as declared",
        )

    return declared_columns
