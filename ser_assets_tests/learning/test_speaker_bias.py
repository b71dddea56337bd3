from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.calibration import SpeakerProfile, calibrated
from ser_assets.learning.ensemble import Ensemble
from ser_assets.learning.judging import judge
from ser_assets.learning.models import MODELS
from ser_assets.learning.protocols import speaker_calibrated
from ser_assets.learning.speaker_bias import CLIPS_OF_DOUBT, bias_in, without_bias, without_each_bias
from ser_assets.learning.temperature import tempered
from ser_assets_tests.learning.corpora import made_up_examples

EVEN = np.full(len(EMOTIONS), 1 / len(EMOTIONS))
ANGRY = EMOTIONS.index("angry")


def answers(clips, seed=0):
    return np.random.default_rng(seed).dirichlet(np.full(len(EMOTIONS), 0.5), clips)


def leaning_to_anger(said):
    """What a model says of a voice that is harsh by nature."""
    harsh = said * np.where(np.arange(len(EMOTIONS)) == ANGRY, 5, 1)
    return harsh / harsh.sum(axis=1, keepdims=True)


def hard_to_tell(actors):
    examples = made_up_examples(actors, takes_each=4)
    noise = np.random.default_rng(0).normal(0, 3, examples.functionals.shape).astype(np.float32)
    return replace(examples, functionals=examples.functionals + noise)


def test_of_many_clips_it_tells_how_many_times_too_often_each_emotion_is_said():
    twice = np.tile(np.where(np.arange(len(EMOTIONS)) == ANGRY, 2, 6 / 7) * EVEN, (10_000, 1))
    assert np.exp(bias_in(twice, EVEN)[ANGRY]) == pytest.approx(2, abs=0.01)


def test_of_no_clip_it_tells_nothing_and_of_few_little():
    assert (bias_in(answers(0), EVEN) == 0).all()
    angry = np.tile(np.eye(len(EMOTIONS))[ANGRY], (CLIPS_OF_DOUBT, 1))
    assert np.exp(bias_in(angry, EVEN)[ANGRY]) == pytest.approx((8 + 1) / 2)


def test_taking_it_out_brings_back_most_of_what_the_voice_hid():
    before, shares = answers(200), answers(200).mean(axis=0)
    hidden = leaning_to_anger(before)
    found = without_bias(hidden, bias_in(hidden, shares))
    right = before.argmax(axis=1)
    wrong = (hidden.argmax(axis=1) != right).mean()
    assert wrong > 0.3
    assert (found.argmax(axis=1) != right).mean() < wrong / 2


@settings(deadline=None, max_examples=50)
@given(said=arrays.arrays(np.float64, (7, len(EMOTIONS)), elements=st.floats(1e-6, 1)))
def test_what_is_left_are_probabilities(said):
    said = said / said.sum(axis=1, keepdims=True)
    left = without_bias(said, bias_in(said, EVEN))
    assert (left >= 0).all()
    np.testing.assert_allclose(left.sum(axis=1), 1)


def test_an_emotion_that_was_never_in_training_stays_out():
    shares = np.append(np.full(7, 1 / 7), 0)
    said = np.hstack([answers(20)[:, :7], np.zeros((20, 1))])
    said /= said.sum(axis=1, keepdims=True)
    left = without_bias(said, bias_in(said, shares))
    assert np.isfinite(left).all()
    assert (left[:, 7] == 0).all()


def test_no_speaker_counts_for_another():
    said, speakers = answers(40), np.repeat(["01", "02"], 20)
    both = without_each_bias(said, speakers, EVEN)
    np.testing.assert_array_equal(both[:20], without_bias(said[:20], bias_in(said[:20], EVEN)))
    changed = np.vstack([said[:20], leaning_to_anger(said[20:])])
    np.testing.assert_array_equal(without_each_bias(changed, speakers, EVEN)[:20], both[:20])


class TestModels:
    TRAINING = calibrated(hard_to_tell(("01", "02", "03")))
    JUDGED = calibrated(hard_to_tell(("04",)))

    @pytest.fixture(scope="class")
    def forest(self):
        return MODELS["random_forest"].brief(1).fit(self.TRAINING)

    def test_the_bias_goes_before_the_temperature(self, forest):
        said, temperature = forest.predict_proba(self.JUDGED), forest.facts_["temperature"]
        untempered = tempered(said, 1 / temperature)
        bias = bias_in(untempered, self.TRAINING.shares)
        before, after = tempered(without_bias(untempered, bias), temperature), without_bias(said, bias)
        found = forest.predict_proba(self.JUDGED, forest.bias_for(self.JUDGED))
        assert np.abs(found - before).max() < 0.01 < 0.05 < np.abs(found - after).max()

    def test_what_another_model_found_is_passed_over(self, forest):
        other = MODELS["random_forest"].brief(2).fit(self.TRAINING)
        said = forest.predict_proba(self.JUDGED, other.bias_for(self.JUDGED))
        np.testing.assert_array_equal(said, forest.predict_proba(self.JUDGED))

    def test_an_ensemble_finds_that_of_each_member(self, forest):
        other = MODELS["random_forest"].brief(2).fit(self.TRAINING)
        both = Ensemble({"one": forest, "other": other}, {"one": 1.0, "other": 0.0})
        bias = both.bias_for(self.JUDGED)
        assert set(bias) == both.fingerprints == {forest.fingerprint, other.fingerprint}
        expected = forest.predict_proba(self.JUDGED, forest.bias_for(self.JUDGED))
        np.testing.assert_allclose(both.predict_proba(self.JUDGED, bias), expected, atol=1e-6)

    def test_a_saved_model_finds_the_same(self, forest, tmp_path):
        forest.save(tmp_path)
        again = MODELS["random_forest"].load(tmp_path)
        assert again.fingerprint == forest.fingerprint
        np.testing.assert_array_equal(*(bias[forest.fingerprint] for bias in map(self._bias, (again, forest))))

    def _bias(self, model):
        return model.bias_for(self.JUDGED)

    def test_a_profile_keeps_it(self, forest, tmp_path):
        clips = hard_to_tell(("04",))
        SpeakerProfile(
            SpeakerProfile.learn(clips).usual, clips.functional_names, len(clips), bias=self._bias(forest)
        ).save(tmp_path / "profile.json")
        kept = SpeakerProfile.load(tmp_path / "profile.json").bias
        np.testing.assert_array_equal(kept[forest.fingerprint], self._bias(forest)[forest.fingerprint])

    def test_judging_calibrated_speakers_takes_out_what_the_model_says_too_often_of_each(self):
        examples = hard_to_tell(("01", "02", "03", "04"))
        split = speaker_calibrated(examples.rows, "loso")[-1]
        training, judged = split.training_examples(examples), split.judged_examples(examples)
        said = judge(lambda: MODELS["random_forest"].brief(1), examples, [split]).predictions
        model = MODELS["random_forest"].brief(1).fit(training)
        expected = model.predict_proba(judged, model.bias_for(judged))
        assert not np.allclose(expected, model.predict_proba(judged), atol=1e-3)
        np.testing.assert_allclose(said.filter(like="p_").to_numpy(), expected, atol=1e-9)
