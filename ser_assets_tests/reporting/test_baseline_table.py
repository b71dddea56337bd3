"""The notebook's claims beside its reproduction and beside unseen actors."""

import pandas as pd

from ser_assets.reporting.baseline_table import WAY_NAMES, WHY_THEY_DIFFER, reproduced_models, reproduction_gap
from ser_assets_tests.factories import report_tables


def test_each_model_has_its_claims_its_reproduction_and_what_is_left_by_metric():
    [forest] = reproduced_models(report_tables.reproduction())
    assert list(forest.rows) == ["accuracy", "roc_auc"]
    assert {way: str(score) for way, score in forest.rows["accuracy"].items()} == {
        "claimed_in_readme": "0.742",
        "claimed_in_notebook": "0.693",
        "reproduced": "0.700 [0.650, 0.750]",
        "unseen_actors": "0.410 [0.360, 0.460]",
    }
    assert set(forest.rows["accuracy"]) == set(WAY_NAMES)


def test_models_are_in_their_usual_order():
    both = pd.concat([report_tables.reproduction().assign(model="complex_cnn"), report_tables.reproduction()])
    assert [each.name for each in reproduced_models(both)] == ["Random Forest", "Complex CNN"]


def test_the_gap_is_worked_out_from_the_reproduction_and_not_from_the_claims():
    assert reproduction_gap(reproduced_models(report_tables.reproduction())) == (
        "From its own way to unseen actors accuracy goes: Random Forest from 0.700 to 0.410 (−29.0 points). Its own "
        "way evaluates 276 clips, copies among them; unseen are the 1199 takes of 20 actors."
    )


def test_claims_alone_make_no_gap():
    claims = report_tables.reproduction().query("way.str.startswith('claimed')")
    assert reproduction_gap(reproduced_models(claims)) == ""
    assert reproduced_models(pd.DataFrame()) == []


def test_the_gap_is_explained_in_four_sentences():
    assert len(WHY_THEY_DIFFER) == 4
    assert all(sentence.count(".") == 1 for sentence in WHY_THEY_DIFFER)
    assert any("copies of neutral" in sentence for sentence in WHY_THEY_DIFFER)
