"""One table of all actors: what a partitioned asset shows on its page, where Dagster shows the last event alone."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    from ser_assets.corpus.raw_video import RawVideo

MOST_ROWS = 500
ALL_ACTORS = "all actors"


def inventory_of_all(stock: "Mapping[str, Sequence[RawVideo]]", actors: Sequence[str]) -> dict[str, Any]:
    """Takes and rejected files of each actor, and all rejected files with the reason.

    Args:
        stock: rows of `raw_videos` by actor.
        actors: in their order.
    """
    present = [actor for actor in actors if actor in stock]
    counts = [_counts(actor, stock[actor]) for actor in present]
    rejected = [
        {"problem": row.problem, "file": row.path, "reason": row.why_rejected, "actor": row.actor}
        for actor in present
        for row in stock[actor]
        if row.status == "rejected"
    ]
    metadata = {"dagster/row_count": sum(map(len, stock.values())), ALL_ACTORS: table_of(counts)}
    return metadata | ({"rejected files of all actors": table_of(rejected)} if rejected else {})


def _counts(actor: str, rows: "Sequence[RawVideo]") -> dict[str, Any]:
    accepted = [row for row in rows if row.status == "accepted"]
    return {
        "actor": actor,
        "takes": len(accepted),
        "rejected": len(rows) - len(accepted),
        "emotions": len({row.emotion for row in accepted}),
        "seconds": round(sum(row.seconds or 0.0 for row in accepted), 1),
    }


def clips_of_all(asset: str, actor_files: ActorFiles, actors: Sequence[str]) -> dict[str, Any]:
    """Stored clips of each actor, their lengths and levels."""
    rows = actor_files.query(
        asset,
        "SELECT actor, count(DISTINCT take_id) AS takes, count(*) AS clips, round(sum(seconds), 1) AS seconds, "
        'round(max(peak), 4) AS peak, count(*) FILTER (trim_skipped) AS "kept whole" FROM clips GROUP BY actor',
        actors=actors,
    )
    return _overview(rows, actors)


def clips_in_table(warehouse: Warehouse, table: str, actors: Sequence[str]) -> dict[str, Any]:
    """Takes and clips of each actor in a table."""
    rows = warehouse.query_arrow(
        f"SELECT actor, count(DISTINCT take_id) AS takes, count(*) AS clips FROM {table} GROUP BY actor"
    ).to_pylist()
    return _overview(rows, actors)


def table_of(rows: Iterable[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """The first rows of a table that the UI shows inline."""
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in islice(rows, MOST_ROWS)])


def _overview(rows: Iterable[dict[str, Any]], actors: Sequence[str]) -> dict[str, Any]:
    place = {actor: number for number, actor in enumerate(actors)}
    present = sorted((row for row in rows if row["actor"] in place), key=lambda row: place[row["actor"]])
    return {"dagster/row_count": sum(row["clips"] for row in present), ALL_ACTORS: table_of(present)}
