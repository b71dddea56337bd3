import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.data.predictions import probability_array, true_labels
from ser_assets.learning.data.temperature import COLDEST, WARMEST, apply_temperature, fit_temperature
from ser_assets.learning.evaluation.evaluate import evaluate
from ser_assets.learning.models.inference import Ensemble
from ser_assets.learning.models.random_forest import RandomForest
from ser_assets.learning.models.settings import ForestSettings
from ser_assets.learning.protocols.splits import SpeakerNormalisedSplit
from ser_assets.learning.speakers.bias import (
    CLIPS_OF_DOUBT,
    LARGEST,
    estimate_bias,
    remove_bias,
    remove_bias_by_speaker,
)
from ser_assets.learning.speakers.profile import SpeakerProfile, columns_of, normalise_speakers
from ser_assets_tests.factories.examples import made_up_examples, with_functionals

EVEN = np.full(len(EMOTIONS), 1 / len(EMOTIONS))
ANGRY = EMOTIONS.index("angry")
UNSURE = ForestSettings(n_estimators=20, min_samples_leaf=5, validation_forests=3, validation_trees=20)


def answers(clips, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(len(EMOTIONS), 0.5), clips)


def leaning_to_anger(predicted):
    """What a model says of a voice that is harsh by nature."""
    harsh = predicted * np.where(np.arange(len(EMOTIONS)) == ANGRY, 2, 1)
    return harsh / harsh.sum(axis=1, keepdims=True)


def hard_to_tell(actors):
    examples = made_up_examples(actors, takes_each=4)
    values = examples["functionals"].values
    noise = np.random.default_rng(0).normal(0, 3, values.shape).astype(np.float32)
    return with_functionals(examples, values + noise)


def test_of_many_clips_it_tells_how_many_times_too_often_each_emotion_is_said():
    often = np.tile(np.where(np.arange(len(EMOTIONS)) == ANGRY, 1.4, 6.6 / 7) * EVEN, (10_000, 1))
    assert np.exp(estimate_bias(often, EVEN)[ANGRY]) == pytest.approx(1.4, abs=0.01)


def test_of_no_clip_it_tells_nothing_and_of_few_little():
    assert (estimate_bias(answers(0), EVEN) == 0).all()
    angry = np.eye(len(EMOTIONS))[[ANGRY]]
    assert np.exp(estimate_bias(angry * 0.5 + EVEN * 0.5, EVEN)[ANGRY]) == pytest.approx((4.5 + CLIPS_OF_DOUBT) / 11)


def test_clips_of_one_emotion_alone_do_little_harm():
    neutral = np.tile(np.eye(len(EMOTIONS))[0], (200, 1))
    bias = estimate_bias(neutral, EVEN)
    assert np.abs(bias).max() == LARGEST
    sure = np.full((1, len(EMOTIONS)), 0.4 / 7)
    sure[0, 0] = 0.6
    assert remove_bias(sure, bias).argmax() == 0


def test_taking_it_out_brings_back_most_of_what_the_voice_hid():
    before, shares = answers(200), answers(200).mean(axis=0)
    hidden = leaning_to_anger(before)
    found = remove_bias(hidden, estimate_bias(hidden, shares))
    right = before.argmax(axis=1)
    wrong = (hidden.argmax(axis=1) != right).mean()
    assert wrong > 0.1
    assert (found.argmax(axis=1) != right).mean() < wrong / 2


@settings(deadline=None, max_examples=50)
@given(predicted=arrays.arrays(np.float64, (7, len(EMOTIONS)), elements=st.floats(1e-6, 1)))
def test_what_is_left_are_probabilities(predicted):
    predicted = predicted / predicted.sum(axis=1, keepdims=True)
    left = remove_bias(predicted, estimate_bias(predicted, EVEN))
    assert (left >= 0).all()
    np.testing.assert_allclose(left.sum(axis=1), 1)


def test_an_emotion_that_was_never_in_training_is_not_raised():
    shares = np.append(np.full(7, 1 / 7), 0)
    predicted = np.hstack([answers(20)[:, :7] + 0.1, np.full((20, 1), 0.01)])
    predicted /= predicted.sum(axis=1, keepdims=True)
    left = remove_bias(predicted, estimate_bias(predicted, shares))
    assert (left[:, 7] < predicted[:, 7]).all()


def test_no_speaker_counts_for_another():
    predicted, speakers = answers(40), np.repeat(["01", "02"], 20)
    both = remove_bias_by_speaker(predicted, speakers, EVEN)
    np.testing.assert_array_equal(both[:20], remove_bias(predicted[:20], estimate_bias(predicted[:20], EVEN)))
    changed = np.vstack([predicted[:20], leaning_to_anger(predicted[20:])])
    np.testing.assert_array_equal(remove_bias_by_speaker(changed, speakers, EVEN)[:20], both[:20])


class TestModels:
    TRAINING = normalise_speakers(hard_to_tell(("01", "02", "03")))
    JUDGED = normalise_speakers(hard_to_tell(("04",)))

    @pytest.fixture(scope="class")
    def forest(self):
        return RandomForest(UNSURE, 1).fit(self.TRAINING)

    def test_the_bias_goes_before_the_temperature(self, forest):
        predicted, temperature = forest.predict_proba(self.JUDGED), forest.facts_["temperature"]
        untempered = apply_temperature(predicted, 1 / temperature)
        bias = estimate_bias(untempered, self.TRAINING.shares)
        before, after = apply_temperature(remove_bias(untempered, bias), temperature), remove_bias(predicted, bias)
        found = forest.predict_proba(self.JUDGED, forest.bias_for(self.JUDGED))
        np.testing.assert_allclose(found, before, atol=1e-6)
        assert np.abs(found - after).max() > 1e-3

    def test_what_another_model_found_is_passed_over(self, forest):
        other = RandomForest(UNSURE, 2).fit(self.TRAINING)
        predicted = forest.predict_proba(self.JUDGED, other.bias_for(self.JUDGED))
        np.testing.assert_array_equal(predicted, forest.predict_proba(self.JUDGED))

    def test_an_ensemble_finds_that_of_each_member(self, forest):
        other = RandomForest(UNSURE, 2).fit(self.TRAINING)
        both = Ensemble({"one": forest, "other": other}, {"one": 1.0, "other": 0.0})
        bias = both.bias_for(self.JUDGED)
        assert set(bias) == both.fingerprints == {forest.fingerprint, other.fingerprint}
        expected = forest.predict_proba(self.JUDGED, forest.bias_for(self.JUDGED))
        np.testing.assert_allclose(both.predict_proba(self.JUDGED, bias), expected, atol=1e-6)

    def test_what_is_held_out_has_no_bias_and_is_on_the_scale_of_what_is_judged(self, forest):
        validation_predictions, learned = forest.validation_predictions_, RandomForest(UNSURE, 1)._learn(self.TRAINING)
        predicted = remove_bias_by_speaker(
            probability_array(learned.validation_predictions),
            learned.validation_predictions["actor"].to_numpy(),
            self.TRAINING.shares,
        )
        np.testing.assert_allclose(
            probability_array(validation_predictions),
            apply_temperature(predicted, forest.facts_["temperature"]),
            atol=1e-9,
        )
        assert forest.facts_["temperature"] == fit_temperature(predicted, true_labels(validation_predictions))
        assert COLDEST + 0.01 < forest.facts_["temperature"] < WARMEST - 0.01

    def test_a_saved_model_finds_the_same(self, forest, tmp_path):
        forest.save(tmp_path)
        again = RandomForest.load(tmp_path)
        assert again.fingerprint == forest.fingerprint
        np.testing.assert_array_equal(*(bias[forest.fingerprint] for bias in map(self._bias, (again, forest))))

    def _bias(self, model):
        return model.bias_for(self.JUDGED)

    def test_a_profile_keeps_it(self, forest, tmp_path):
        clips = hard_to_tell(("04",))
        SpeakerProfile(SpeakerProfile.learn(clips).usual, columns_of(clips), len(clips), bias=self._bias(forest)).save(
            tmp_path / "profile.json"
        )
        kept = SpeakerProfile.load(tmp_path / "profile.json").bias
        np.testing.assert_array_equal(kept[forest.fingerprint], self._bias(forest)[forest.fingerprint])

    def test_judging_calibrated_speakers_takes_out_what_the_model_says_too_often_of_each(self):
        examples = hard_to_tell(("01", "02", "03", "04"))
        training, evaluated = examples.rows["actor"].isin(["01", "02"]), examples.rows["actor"].isin(["03", "04"])
        evaluated &= examples.rows["variant"] == 0
        split = SpeakerNormalisedSplit(
            "speaker_normalised", "", "1", *map(np.flatnonzero, (training, evaluated)), examples.rows
        )
        predicted = evaluate(lambda: RandomForest(UNSURE, 1), examples, [split]).predictions
        model = RandomForest(UNSURE, 1).fit(split.training_examples(examples))
        for actor in ("03", "04"):
            clips = split.test_examples(examples)
            clips = clips.subset(np.flatnonzero(clips.rows["actor"] == actor))
            expected = model.predict_proba(clips, model.bias_for(clips))
            assert not np.allclose(expected, model.predict_proba(clips), atol=1e-3)
            np.testing.assert_allclose(probability_array(predicted[predicted["actor"] == actor]), expected, atol=1e-9)
