"""How the answers of studies are written."""

import pandas as pd

from ser_assets.learning.studies.ablation import COLUMNS
from ser_assets.learning.studies.hyperparameter_search import Found
from ser_assets.orchestration.studies import ablation_markdown, profile_size_markdown, search_markdown

NONE = float("nan")


def test_an_ablation_tells_what_each_group_has_alone_and_brings() -> None:
    rows = [
        ("tilt", 84, 0.4, 0.35, 0.45, 0.5, 0.1, 0.05, 0.15),
        ("voices", 0, NONE, NONE, NONE, 0.55, 0.05, -0.01, 0.11),
        ("all", 1685, 0.6, NONE, NONE, NONE, NONE, NONE, NONE),
    ]
    assert ablation_markdown(pd.DataFrame(rows, columns=list(COLUMNS))).splitlines()[2:] == [
        "| tilt | 84 | 0.400 [0.350, 0.450] | 0.500 | +0.100 [+0.050, +0.150] |",
        "| voices | 0 |  | 0.550 | +0.050 [-0.010, +0.110] |",
        "| all | 1685 | 0.600 |  |  |",
    ]


def test_a_curve_has_a_line_for_each_number_of_clips() -> None:
    table = pd.DataFrame({"clips": [0, 4], "uar": [0.5, 0.6], "low": [0.4, NONE], "high": [0.6, NONE]})
    assert profile_size_markdown(table).splitlines()[2:] == ["| 0 | 0.500 [0.400, 0.600] |", "| 4 | 0.600 |"]


def test_a_search_names_the_default_and_what_each_fold_would_choose() -> None:
    trials = pd.DataFrame({"epochs": [20, 12], "uar": [0.6, 0.5], "default": [False, True]}, index=[1, 0])
    chosen = pd.DataFrame({"fold": ["1", "2"], "trial": [1, 0], "uar": [0.6, 0.5]})
    scores = pd.DataFrame({"metric": ["uar"], "value": [0.55], "low": [0.5], "high": [0.6]})
    *table, _, summary = search_markdown(Found(trials, chosen, scores)).splitlines()
    assert table[2:] == ["| 1 | 20 | 0.600 |", "| 0 (default) | 12 | 0.500 |"]
    assert summary.startswith("Best inside each fold: fold 1: trial 1, fold 2: trial 0.")
    assert "0.550 [0.500, 0.600]" in summary
