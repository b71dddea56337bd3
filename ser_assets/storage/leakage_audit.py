"""What was trained on beside what was judged, worked out from the tables and not from the code that made the split."""

from typing import TYPE_CHECKING

from ser_assets.learning.data.final_models import KEPT
from ser_assets.storage.tables import FEATURES, HELD_OUT, PREDICTIONS, TRAINING_ROWS, USABLE_TAKES

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_SIDES = f"""
    training AS (
        SELECT protocol, folds, fold, take_id, actor, recording
        FROM {TRAINING_ROWS} LEFT JOIN {FEATURES} USING (take_id, variant) WHERE model = $model
    ), judged AS (
        SELECT protocol, folds, fold, judged.take_id, originals.actor, recording, judged.actor AS said_actor
        FROM {PREDICTIONS} AS judged
        LEFT JOIN (FROM {FEATURES} WHERE variant = 0) AS originals USING (take_id) WHERE model = $model
    )
"""
_LEAKS = f"""
    WITH {_SIDES}
    SELECT DISTINCT protocol, folds, fold, judged.take_id, 'trained on' AS found
    FROM judged JOIN training USING (protocol, folds, fold)
    WHERE protocol != 'random_split_leaky' AND (
        judged.take_id = training.take_id OR judged.recording = training.recording
        OR (judged.actor = training.actor AND protocol != 'random_split')
    )
    UNION ALL
    SELECT protocol, folds, fold, take_id, 'judged without a record of the training rows' AS found
    FROM judged ANTI JOIN training USING (protocol, folds, fold)
    UNION ALL
    SELECT DISTINCT protocol, folds, fold, take_id, 'no original in features' AS found
    FROM judged WHERE recording IS NULL
    UNION ALL
    SELECT DISTINCT protocol, folds, fold, take_id, 'trained on, not in features' AS found
    FROM training WHERE recording IS NULL
    UNION ALL
    SELECT protocol, folds, fold, take_id, 'judged under the name of another actor' AS found
    FROM judged WHERE actor != said_actor
"""
_WEIGHED_BY = f"""
    SELECT protocol, folds, fold, take_id, 'weighed by, and not of the training rows' AS found
    FROM (FROM {HELD_OUT} WHERE $model IN (model, 'ensemble') AND fold != '{KEPT}')
    ANTI JOIN {TRAINING_ROWS} USING (model, protocol, folds, fold, take_id)
"""
_NOT_JUDGED_ONCE = f"""
    WITH judged AS (
        SELECT protocol, folds, take_id, made_from, count(*) AS times
        FROM {PREDICTIONS} WHERE model = $model GROUP BY ALL
    ), wanted AS (
        SELECT protocol, folds, take_id, made_from, true AS usable
        FROM {FEATURES} SEMI JOIN ({USABLE_TAKES}) USING (take_id, recording) CROSS JOIN (
            SELECT DISTINCT protocol, folds FROM judged UNION ALL
            SELECT 'speaker_independent', '' WHERE NOT EXISTS (FROM judged WHERE protocol = 'speaker_independent')
        ) WHERE variant = 0
    )
    SELECT protocol, folds, take_id, coalesce(times, 0) AS times, coalesce(usable, false) AS usable
    FROM wanted FULL JOIN judged USING (protocol, folds, take_id, made_from)
    WHERE times > 1 OR usable IS NULL OR (times IS NULL AND protocol NOT LIKE 'random_split%') LIMIT 100
"""
_DISTINCT = "list(DISTINCT {0}) FILTER ({0} IS NOT NULL)"
_LISTS = ", ".join(
    f"{_DISTINCT.format(column)} AS {name}"
    for column, name in (("actor", "actors"), ("take_id", "takes"), ("recording", "recordings"))
)
_PROOF = f"""
    WITH {_SIDES},
    heard AS (SELECT protocol, folds, fold, count(*) AS clips, {_LISTS} FROM training GROUP BY ALL),
    asked AS (SELECT protocol, folds, fold, count(*) AS clips, {_LISTS} FROM judged GROUP BY ALL)
    SELECT protocol, folds, fold,
        array_to_string(list_sort(asked.actors), ', ') AS judged_actors,
        array_to_string(list_sort(heard.actors), ', ') AS training_actors,
        asked.clips AS judged_takes,
        heard.clips AS training_clips,
        len(list_intersect(asked.actors, heard.actors)) AS shared_actors,
        len(list_intersect(asked.takes, heard.takes)) AS shared_takes,
        len(list_intersect(asked.recordings, heard.recordings)) AS shared_recordings
    FROM asked JOIN heard USING (protocol, folds, fold) ORDER BY ALL
"""


def leaks(connection: "duckdb.DuckDBPyConnection", model: str) -> "pd.DataFrame":
    """Find judged takes that break the promise of their protocol, and rows that nobody can vouch for.

    Columns protocol, folds, fold, take_id, found (what is wrong, in words); at most 100 rows.
    """
    has_held_out = connection.execute("FROM duckdb_tables() WHERE table_name = ?", [HELD_OUT]).fetchone()
    queries = f"({_LEAKS}) UNION ALL ({_WEIGHED_BY})" if has_held_out else _LEAKS
    return connection.execute(f"{queries} LIMIT 100", {"model": model}).df()


def not_judged_once(connection: "duckdb.DuckDBPyConnection", model: str) -> "pd.DataFrame":
    """Find takes judged twice, missing where all should be judged, or judged by features that are no longer there.

    Columns protocol, folds, take_id, times, usable; at most 100 rows.
    """
    return connection.execute(_NOT_JUDGED_ONCE, {"model": model}).df()


def leak_proof(connection: "duckdb.DuckDBPyConnection", model: str) -> "pd.DataFrame":
    """For each fold of a model what was really trained on, what was judged, and how much of it on both sides.

    Columns: protocol, folds, fold, judged_actors, training_actors, judged_takes, training_clips, shared_actors,
    shared_takes, shared_recordings (counts).
    """
    return connection.execute(_PROOF, {"model": model}).df()
