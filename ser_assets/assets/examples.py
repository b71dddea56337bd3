"""Reads what the models learn from out of the tables `features` and `mel_sequences`."""

from typing import TYPE_CHECKING

from ser_assets.audio.features import functional_names
from ser_assets.learning.examples import COLUMNS, Examples
from ser_assets.storage.tables import FEATURES, MEL_SEQUENCES, RAW_VIDEOS
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

# Spoken by a synthesiser, the demo corpus never stands among recordings of people.
_DEMO_YIELDS = f"""
    recording NOT IN (SELECT recording FROM {RAW_VIDEOS} WHERE demo AND recording IS NOT NULL)
    OR NOT EXISTS (FROM {RAW_VIDEOS} WHERE status = 'accepted' AND NOT demo)
"""


class FeaturesMissingError(LookupError):
    """There is nothing to learn from, or some of it is out of date; the message names the actors and the remedy."""


def load_examples(warehouse: Warehouse) -> Examples:
    """Read the clips of all actors that are materialised, in the order of take and variant.

    Recordings of people push the demo corpus aside: where there is one of them, demo takes are left out.

    Raises:
        FeaturesMissingError: there are no features, or some were measured by an earlier version of the code.
    """
    if not (warehouse.has_table(FEATURES) and warehouse.has_table(RAW_VIDEOS)):
        raise FeaturesMissingError(f"no features in {warehouse.path}: materialize features for two actors or more")
    order = "ORDER BY actor, take_id, variant"
    rows = warehouse.query_arrow(f"FROM {FEATURES} WHERE {_DEMO_YIELDS} {order}")
    kept = f"SELECT take_id, variant FROM {FEATURES} WHERE {_DEMO_YIELDS}"
    mels = warehouse.query_arrow(f"FROM {MEL_SEQUENCES} SEMI JOIN ({kept}) USING (take_id, variant) {order}")
    _refuse_old(rows)
    return Examples(
        rows=rows.select(list(COLUMNS)).to_pandas(),
        functionals=_matrix(rows),
        functional_names=functional_names(),
        sequences=tuple(
            mel.values.to_numpy().reshape(-1, bands.as_py())
            for mel, bands in zip(mels["mel"], mels["bands"], strict=True)
        ),
    )


def _matrix(rows: "pa.Table"):  # type: ignore[no-untyped-def]
    import numpy as np

    return np.stack([rows[name].to_numpy() for name in functional_names()], axis=1).astype(np.float32, copy=False)


def _refuse_old(rows: "pa.Table") -> None:
    import pyarrow.compute as pc

    missing = [name for name in functional_names() if name not in rows.column_names]
    empty = [name for name in functional_names() if name not in missing and rows[name].null_count]
    old = pc.unique(rows.filter(pc.is_null(rows[empty[0]]))["actor"]).to_pylist() if empty else []
    if missing:
        old = pc.unique(rows["actor"]).to_pylist()
    if old:
        raise FeaturesMissingError(
            f"features of actors {', '.join(sorted(old))} were measured by an earlier version: materialize them again"
        )
