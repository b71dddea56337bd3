"""What each member adds to the ensemble: the ensemble against one of the other members, with refitted weights."""

import pandas as pd

from ser_assets.learning.data.final_models import ENSEMBLE
from ser_assets.learning.evaluation.scores import score_differences
from ser_assets.learning.models.ensemble import evaluate_ensemble

COLUMNS = ("protocol", "fold_scheme", "member", "gain", "low", "high", "actors", "takes")


def member_contributions(
    ensemble: pd.DataFrame,
    predictions: pd.DataFrame,
    validation_predictions: pd.DataFrame,
    draws: int = 2000,
    seed: int = 42,
) -> pd.DataFrame:
    """Compare the ensemble with an ensemble of all members but one, in folds by actor.

    Args:
        ensemble: its predictions, as `evaluate_ensemble` gives them.
        predictions: of all members, as `evaluate.Evaluation` has them.
        validation_predictions: of all members, as `evaluate.Evaluation` has them.
        draws: as for `score_differences`.
        seed: as for `score_differences`.

    Returns:
        `COLUMNS`; gain is the UAR of the ensemble minus that without the member, with the 95 % interval of the paired
        bootstrap over actors. Empty for an ensemble of one member.
    """
    members = sorted(predictions["model"].unique())
    tables = [pd.DataFrame(columns=list(COLUMNS))]
    by_actor = ensemble[ensemble["fold_scheme"] != ""]
    for member in members if len(members) > 1 and len(by_actor) else ():
        others = (table[table["model"] != member] for table in (predictions, validation_predictions))
        without, _ = evaluate_ensemble("without", *others)
        pair = pd.concat([by_actor, without[without["fold_scheme"] != ""]], ignore_index=True)
        found = score_differences(pair, draws, seed)
        tables.append(_gains(found[found["metric"] == "uar"]).assign(member=member)[list(COLUMNS)])
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)


def _gains(differences: pd.DataFrame) -> pd.DataFrame:
    """The differences as those of the ensemble, whichever of the two has the higher score."""
    ahead = differences["model"] == ENSEMBLE
    turned = differences.rename(columns={"difference": "gain"})
    low, high = turned["low"].where(ahead, -turned["high"]), turned["high"].where(ahead, -turned["low"])
    return turned.assign(gain=turned["gain"].where(ahead, -turned["gain"]), low=low, high=high)
