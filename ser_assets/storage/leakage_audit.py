"""The leakage audit: training rows, test rows and their overlap per fold, from the tables alone."""

from typing import TYPE_CHECKING

from ser_assets.learning.data.final_models import FINAL
from ser_assets.storage.tables import FEATURES, PREDICTIONS, TRAINING_ROWS, USABLE_TAKES, VALIDATION_PREDICTIONS

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

_SIDES = f"""
    training AS (
        SELECT protocol, fold_scheme, fold, take_id, actor, audio_hash
        FROM {TRAINING_ROWS} LEFT JOIN {FEATURES} USING (take_id, variant) WHERE model = $model
    ), evaluated AS (
        SELECT protocol, fold_scheme, fold, evaluated.take_id, originals.actor, audio_hash,
            evaluated.actor AS said_actor
        FROM {PREDICTIONS} AS evaluated
        LEFT JOIN (FROM {FEATURES} WHERE variant = 0) AS originals USING (take_id) WHERE model = $model
    )
"""
_LEAKS = f"""
    WITH {_SIDES}
    SELECT DISTINCT protocol, fold_scheme, fold, evaluated.take_id, 'trained on' AS found
    FROM evaluated JOIN training USING (protocol, fold_scheme, fold)
    WHERE protocol != 'random_split_leaky' AND (
        evaluated.take_id = training.take_id OR evaluated.audio_hash = training.audio_hash
        OR (evaluated.actor = training.actor AND protocol != 'random_split')
    )
    UNION ALL
    SELECT protocol, fold_scheme, fold, take_id, 'evaluated without a record of the training rows' AS found
    FROM evaluated ANTI JOIN training USING (protocol, fold_scheme, fold)
    UNION ALL
    SELECT DISTINCT protocol, fold_scheme, fold, take_id, 'no original in features' AS found
    FROM evaluated WHERE audio_hash IS NULL
    UNION ALL
    SELECT DISTINCT protocol, fold_scheme, fold, take_id, 'trained on, not in features' AS found
    FROM training WHERE audio_hash IS NULL
    UNION ALL
    SELECT protocol, fold_scheme, fold, take_id, 'evaluated under the name of another actor' AS found
    FROM evaluated WHERE actor != said_actor
"""
_WEIGHED_BY = f"""
    SELECT protocol, fold_scheme, fold, take_id, 'weighed by, and not of the training rows' AS found
    FROM (FROM {VALIDATION_PREDICTIONS} WHERE $model IN (model, 'ensemble') AND fold != '{FINAL}')
    ANTI JOIN {TRAINING_ROWS} USING (model, protocol, fold_scheme, fold, take_id)
"""
_NOT_JUDGED_ONCE = f"""
    WITH evaluated AS (
        SELECT protocol, fold_scheme, take_id, input_fingerprint, count(*) AS times
        FROM {PREDICTIONS} WHERE model = $model GROUP BY ALL
    ), wanted AS (
        SELECT protocol, fold_scheme, take_id, input_fingerprint, true AS usable
        FROM {FEATURES} SEMI JOIN ({USABLE_TAKES}) USING (take_id, audio_hash) CROSS JOIN (
            SELECT DISTINCT protocol, fold_scheme FROM evaluated UNION ALL
            SELECT 'speaker_independent', '' WHERE NOT EXISTS (FROM evaluated WHERE protocol = 'speaker_independent')
        ) WHERE variant = 0
    )
    SELECT protocol, fold_scheme, take_id, coalesce(times, 0) AS times, coalesce(usable, false) AS usable
    FROM wanted FULL JOIN evaluated USING (protocol, fold_scheme, take_id, input_fingerprint)
    WHERE times > 1 OR usable IS NULL OR (times IS NULL AND protocol NOT LIKE 'random_split%') LIMIT 100
"""
_DISTINCT = "list(DISTINCT {0}) FILTER ({0} IS NOT NULL)"
_LISTS = ", ".join(
    f"{_DISTINCT.format(column)} AS {name}"
    for column, name in (("actor", "actors"), ("take_id", "takes"), ("audio_hash", "recordings"))
)
_PROOF = f"""
    WITH {_SIDES},
    trained AS (SELECT protocol, fold_scheme, fold, count(*) AS clips, {_LISTS} FROM training GROUP BY ALL),
    tested AS (SELECT protocol, fold_scheme, fold, count(*) AS clips, {_LISTS} FROM evaluated GROUP BY ALL)
    SELECT protocol, fold_scheme, fold,
        array_to_string(list_sort(tested.actors), ', ') AS test_actors,
        array_to_string(list_sort(trained.actors), ', ') AS training_actors,
        tested.clips AS test_takes,
        trained.clips AS training_clips,
        len(list_intersect(tested.actors, trained.actors)) AS shared_actors,
        len(list_intersect(tested.takes, trained.takes)) AS shared_takes,
        len(list_intersect(tested.recordings, trained.recordings)) AS shared_recordings
    FROM tested JOIN trained USING (protocol, fold_scheme, fold) ORDER BY ALL
"""


def leaks(connection: "duckdb.DuckDBPyConnection", model: str) -> "pd.DataFrame":
    """Find evaluated takes that break the promise of their protocol, and rows without a record of their origin.

    Columns protocol, fold_scheme, fold, take_id, found (what is wrong, in words); at most 100 rows.
    """
    has_held_out = connection.execute("FROM duckdb_tables() WHERE table_name = ?", [VALIDATION_PREDICTIONS]).fetchone()
    queries = f"({_LEAKS}) UNION ALL ({_WEIGHED_BY})" if has_held_out else _LEAKS
    return connection.execute(f"{queries} LIMIT 100", {"model": model}).df()


def not_evaluated_once(connection: "duckdb.DuckDBPyConnection", model: str) -> "pd.DataFrame":
    """Find takes evaluated twice, missing where all should be evaluated, or evaluated on features since replaced.

    Columns protocol, fold_scheme, take_id, times, usable; at most 100 rows.
    """
    return connection.execute(_NOT_JUDGED_ONCE, {"model": model}).df()


def leakage_audit(connection: "duckdb.DuckDBPyConnection", model: str) -> "pd.DataFrame":
    """For each fold of a model what was really trained on, what was evaluated, and how much of it on both sides.

    Columns: protocol, fold_scheme, fold, test_actors, training_actors, test_takes, training_clips, shared_actors,
    shared_takes, shared_recordings (counts).
    """
    return connection.execute(_PROOF, {"model": model}).df()
