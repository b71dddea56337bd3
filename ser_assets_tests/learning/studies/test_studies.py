"""Studies: what functionals bring, which settings to take, how many clips calibrate."""

import functools

import numpy as np
import pandas as pd
import pytest

from ser_assets.audio.features.names import functional_group, functional_names
from ser_assets.learning.models.catalog import MODELS
from ser_assets.learning.models.random_forest import RandomForest
from ser_assets.learning.models.settings import ForestSettings
from ser_assets.learning.protocols.fold_schemes import LOSO
from ser_assets.learning.protocols.protocols import speaker_independent, speaker_normalised
from ser_assets.learning.speakers.bias import LARGEST
from ser_assets.learning.studies.ablation import EVERYTHING, VOICES, ablation
from ser_assets.learning.studies.hyperparameter_search import search
from ser_assets.learning.studies.profile_size import CLIPS, DRAWS, profile_size_curve
from ser_assets_tests.factories.examples import made_up_examples, with_functionals

ACTORS = ("01", "02", "03", "04", "05", "06")
QUICK = ForestSettings(n_estimators=20, min_samples_leaf=1, max_features=0.5, validation_forests=1, validation_trees=5)


class TestAblation:
    @pytest.fixture(scope="class")
    def table(self):
        """Nothing but the first of the mel bands tells anything, and that a lot."""
        examples = made_up_examples(ACTORS, takes_each=4)
        rng = np.random.default_rng(0)
        names = [
            name
            for group in ("mel", "mfcc", "pitch")
            for name in [name for name in functional_names() if functional_group(name) == group][:6]
        ]
        values = rng.normal(0, 1, (len(examples), len(names)))
        telling = [number for number, name in enumerate(names) if functional_group(name) == "mel"]
        for number in telling:
            values[:, number] += rng.normal(0, 2, 8)[examples.labels]
        study = with_functionals(examples, values, tuple(names))
        return ablation(study, speaker_independent(study.rows, LOSO)).set_index("group")

    def test_the_group_that_tells_comes_first_and_brings_most(self, table):
        assert table.index[0] == "mel"
        assert table.loc["mel", "alone"] > 0.5
        assert table.loc["mel", "brings"] > 0.3

    def test_a_group_that_tells_nothing_is_near_chance_alone(self, table):
        assert table.loc["pitch", "alone"] < 0.3
        assert abs(table.loc["pitch", "brings"]) < 0.1

    def test_what_a_group_brings_is_the_difference_to_the_rest_without_it(self, table):
        groups = table.drop(index=[EVERYTHING, VOICES])
        np.testing.assert_allclose(groups["brings"], table.loc[EVERYTHING, "alone"] - groups["without"], atol=1e-9)
        assert table.loc[EVERYTHING, "functionals"] == groups["functionals"].sum()

    def test_copies_that_are_not_there_bring_nothing(self, table):
        assert table.loc[VOICES, "brings"] == 0


class TestCalibrationCurve:
    EXAMPLES = made_up_examples(ACTORS, takes_each=3)

    def shifted(self, strength):
        """Actors who differ far more than emotions do."""
        values = self.EXAMPLES["functionals"].values
        offsets = np.random.default_rng(1).normal(0, strength, (24, values.shape[1]))
        return with_functionals(self.EXAMPLES, values + offsets[self.EXAMPLES.rows["actor"].astype(int)])

    def test_more_clips_of_a_speaker_unlike_the_others_help(self):
        examples = self.shifted(8.0)
        splits = [*speaker_independent(examples.rows, LOSO), *speaker_normalised(examples.rows, LOSO)]
        table = profile_size_curve(functools.partial(RandomForest, QUICK, 1), examples, splits).set_index("clips")
        assert list(table.index) == [0, *[clips for clips in CLIPS if clips < 24]]
        assert table.loc[16, "uar"] > table.loc[0, "uar"] + 0.2
        assert table.loc[16, "uar"] > table.loc[1, "uar"]

    def test_what_is_said_too_often_is_learned_from_the_clips_of_the_profile_alone(self, monkeypatch):
        examples = self.EXAMPLES
        asked = []

        def remember(self, clips):
            asked.append(len(clips))
            return {self.fingerprint: np.append(np.full(7, LARGEST), -LARGEST)}

        splits = [*speaker_independent(examples.rows, LOSO)[:1], *speaker_normalised(examples.rows, LOSO)[:1]]
        factory = functools.partial(RandomForest, QUICK, 1)
        before = profile_size_curve(factory, examples, splits).set_index("clips")["uar"]
        monkeypatch.setattr(RandomForest, "bias_for", remember)
        after = profile_size_curve(factory, examples, splits).set_index("clips")["uar"]
        assert asked == [clips for clips in CLIPS if clips < 24] * DRAWS
        assert after[0] == before[0]
        assert (after[after.index > 0] != before[before.index > 0]).any()


class TestSearch:
    EXAMPLES = made_up_examples(("01", "02", "03"), takes_each=3)
    SPLITS = speaker_independent(EXAMPLES.rows, LOSO)

    SPACE = {"n_estimators": (5,), "validation_forests": (1,), "validation_trees": (1,), "min_samples_leaf": (1, 30)}  # noqa: RUF012

    def found(self, trials=3):
        return search(RandomForest, ForestSettings, self.SPACE, self.EXAMPLES, self.SPLITS, trials)

    def test_the_defaults_are_tried_too_and_the_best_comes_first(self):
        found = self.found()
        assert found.trials["default"].sum() == 1
        assert found.trials["uar"].is_monotonic_decreasing
        assert len(found.chosen) == len(self.SPLITS)

    def test_what_a_fold_judges_changes_nothing_that_is_chosen(self):
        split = self.SPLITS[0]
        corrupted = self.EXAMPLES["functionals"].values.copy()
        corrupted[split.test] = 1e6
        clean, after = (
            search(RandomForest, ForestSettings, self.SPACE, examples, [split], trials=3)
            for examples in (self.EXAMPLES, with_functionals(self.EXAMPLES, corrupted))
        )
        pd.testing.assert_frame_equal(clean.trials, after.trials)
        pd.testing.assert_frame_equal(clean.chosen, after.chosen)
        assert not clean.scores.equals(after.scores)

    def test_each_fold_is_judged_by_its_own_choice(self):
        uar = self.found().scores.query("metric == 'uar'").iloc[0]
        assert uar["takes"] == (self.EXAMPLES.rows["variant"] == 0).sum()
        assert uar["value"] > 0.5

    def test_leaves_so_large_that_nothing_is_learned_are_not_chosen(self):
        assert (self.found(trials=3).trials["min_samples_leaf"].iloc[0]) < 30

    @pytest.mark.parametrize("model", MODELS)
    def test_every_space_is_of_knobs_that_the_model_has(self, model):
        for knob, values in MODELS[model].search_space.items():
            for value in values:
                assert getattr(MODELS[model].settings(**{knob: value}), knob) == value
