"""The notebook, reproduced: what it claims, what its way gives here, and what the same models get on unseen actors."""

from dataclasses import dataclass
from typing import Final

import pandas as pd

from ser_assets.reporting.labels import (
    decimal,
    in_given_order,
    in_model_order,
    join_words,
    model_title,
    points,
)
from ser_assets.reporting.leaderboard import Score

METRICS: Final = ("accuracy", "f1_weighted", "roc_auc")
"""Metrics that the notebook reports, in the order of the table."""
COMMAND: Final = "ser-assets reproduce-notebook"
WAY_NAMES: Final = {
    "claimed_in_readme": "Claimed in its README",
    "claimed_in_notebook": "Claimed in its saved outputs",
    "reproduced": "Reproduced its own way",
    "unseen_actors": "On unseen actors",
}
WHY_THEY_DIFFER: Final = (
    "The notebook splits clips at random, so actors are on both sides: it evaluates voices that it was trained on.",
    (
        "It augments before it splits, so copies of a take are on both sides, and copies of neutral make up a part "
        "of what is evaluated, which alone lifts accuracy: always predicting neutral is right more often there."
    ),
    "Where a take is evaluated, the same sentence by the same voice in the same session is in training.",
    "So that score is of recognising known voices; the column of unseen actors is what a new speaker will get.",
)


@dataclass(frozen=True)
class ReproducedModel:
    """One model of the notebook: `rows[metric][way]`, for the metrics and ways that there are."""

    model: str
    rows: dict[str, dict[str, Score]]

    @property
    def name(self) -> str:
        """The model, for people."""
        return model_title(self.model)


def reproduced_models(reproduction: pd.DataFrame) -> list[ReproducedModel]:
    """Put what was claimed and what was found side by side, the models in their usual order; none of an empty table."""
    found: dict[str, dict[str, dict[str, Score]]] = {}
    for row in reproduction.to_dict("records"):
        score = Score(row["value"], row["low"], row["high"], row["actors"], row["takes"])
        found.setdefault(row["model"], {}).setdefault(row["metric"], {})[row["way"]] = score
    return [
        ReproducedModel(model, {metric: found[model][metric] for metric in in_given_order(list(found[model]), METRICS)})
        for model in in_model_order(list(found))
    ]


def reproduction_gap(models: list[ReproducedModel]) -> str:
    """What each model's accuracy loses on unseen actors, and what was evaluated; empty if nothing was reproduced."""
    reproduced = [each for each in models if {"reproduced", "unseen_actors"} <= set(each.rows.get("accuracy", {}))]
    if not reproduced:
        return ""
    falls = [_fall(each, each.rows["accuracy"]) for each in reproduced]
    evaluated = reproduced[0].rows["accuracy"]
    return (
        f"From its own way to unseen actors accuracy goes: {join_words(falls)}. Its own way evaluates "
        f"{evaluated['reproduced'].takes} clips, copies among them; unseen are the "
        f"{evaluated['unseen_actors'].takes} takes of {evaluated['unseen_actors'].actors} actors."
    )


def _fall(each: ReproducedModel, accuracy: dict[str, Score]) -> str:
    reproduced, unseen = accuracy["reproduced"].value, accuracy["unseen_actors"].value
    return f"{each.name} from {decimal(reproduced)} to {decimal(unseen)} ({points(unseen - reproduced)} points)"
