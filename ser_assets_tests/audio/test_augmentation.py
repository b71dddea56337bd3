"""Copies that balance the emotions, each reproducible from its take and number."""

import json
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_assets.audio.augmentation import (
    TRANSFORMS,
    PlannedCopy,
    augment_clip,
    copies_needed,
    perturb_speed,
    plan_copies,
    seed_of,
)
from ser_assets.audio.features.pitch import fundamental_frequency
from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets_tests.factories.media import voice

RATE = 22050
CLIP = voice(1.0, rate=RATE)


@given(
    st.dictionaries(st.uuids().map(str), st.sampled_from(EMOTIONS), min_size=1, max_size=60),
    st.integers(0, 2),
    st.lists(st.sampled_from([0.86, 0.92, 1.09]), unique=True),
)
def test_with_voices_and_copies_all_emotions_count_alike_and_no_take_is_lost(
    emotions: dict[str, str], extra: int, voices: list[float]
) -> None:
    plan = plan_copies(emotions, extra, voices)
    assert plan.keys() == emotions.keys()
    clips = Counter()
    for take_id, emotion in emotions.items():
        assert [copy.speed for copy in plan[take_id][: len(voices)]] == voices
        rest = plan[take_id][len(voices) :]
        assert len(rest) >= extra
        assert all(copy.speed is None and copy.transform in TRANSFORMS for copy in rest)
        clips[emotion] += 1 + len(plan[take_id])
    assert len(set(clips.values())) == 1


def test_an_actor_of_ravdess_gets_four_neutral_copies_each_made_otherwise() -> None:
    emotions = {
        f"{emotion}{number}": emotion for emotion in EMOTIONS for number in range(4 if emotion == "neutral" else 8)
    }
    needed = copies_needed(emotions)
    made = [copy.transform for copies in plan_copies(emotions).values() for copy in copies]
    assert sorted(made) == sorted(TRANSFORMS)
    assert {take_id: count for take_id, count in needed.items() if count} == {f"neutral{n}": 1 for n in range(4)}


def test_an_actor_of_ravdess_in_two_other_voices_has_24_clips_of_each_emotion() -> None:
    emotions = {
        f"{emotion}{number}": emotion for emotion in EMOTIONS for number in range(4 if emotion == "neutral" else 8)
    }
    plan = plan_copies(emotions, voices=(0.92, 1.09))
    assert plan["happy3"] == (PlannedCopy("speed", 0.92), PlannedCopy("speed", 1.09))
    assert {len(plan[f"neutral{number}"]) for number in range(4)} == {2 + 3}
    assert sum(1 + len(plan[take_id]) for take_id in plan) == 8 * 24


@pytest.mark.parametrize("speed", [0.92, 1.09, 2.0])
def test_at_another_speed_pitch_and_tempo_change_at_once(speed: float) -> None:
    copy = perturb_speed(CLIP, RATE, speed)
    assert copy.samples.dtype == np.float32
    assert len(copy.samples) == pytest.approx(len(CLIP) / speed, abs=2)
    heard, before = (fundamental_frequency(samples, RATE).f0 for samples in (copy.samples, CLIP))
    assert np.median(heard[heard > 0]) == pytest.approx(speed * np.median(before[before > 0]), rel=0.01)


def test_a_copy_at_another_speed_says_its_speed_and_draws_nothing() -> None:
    copy = perturb_speed(CLIP, RATE, 0.92)
    assert (copy.transform, copy.seed) == ("speed", None)
    assert json.loads(copy.parameters) == {"speed": 0.92}
    np.testing.assert_array_equal(copy.samples, perturb_speed(CLIP, RATE, 0.92).samples)


def test_the_same_take_and_number_give_the_same_copy_whatever_was_done_before() -> None:
    first = augment_clip(CLIP, RATE, "pitch_shift", "take", 1)
    random.random(), np.random.random()
    augment_clip(CLIP, RATE, "noise", "other", 2)
    again = augment_clip(CLIP, RATE, "pitch_shift", "take", 1)
    np.testing.assert_array_equal(first.samples, again.samples)
    assert (first.transform, first.parameters, first.seed) == (again.transform, again.parameters, again.seed)


def test_making_a_copy_leaves_the_global_generators_as_they_were() -> None:
    random.seed(1), np.random.seed(1)
    expected = random.random(), np.random.random()
    random.seed(1), np.random.seed(1)
    augment_clip(CLIP, RATE, "noise", "take", 1)
    assert (random.random(), np.random.random()) == expected


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_each_transform_changes_the_clip_and_says_how(transform: str) -> None:
    copy = augment_clip(CLIP, RATE, transform, "take", 1)
    assert copy.transform == transform
    assert copy.samples.dtype == np.float32
    assert np.isfinite(copy.samples).all()
    assert len(copy.samples) != len(CLIP) or np.abs(copy.samples - CLIP).max() > 0
    assert json.loads(copy.parameters)


def median_f0(samples: np.ndarray) -> float:
    heard = fundamental_frequency(samples, RATE).f0
    return float(np.median(heard[heard > 0]))


@pytest.mark.parametrize("variant", range(1, 5))
def test_another_pitch_is_as_long_and_so_many_semitones_away(variant: int) -> None:
    copy = augment_clip(CLIP, RATE, "pitch_shift", "take", variant)
    semitones = json.loads(copy.parameters)["num_semitones"]
    assert len(copy.samples) == len(CLIP)
    assert median_f0(copy.samples) == pytest.approx(median_f0(CLIP) * 2 ** (semitones / 12), rel=0.02)


@pytest.mark.parametrize("variant", range(1, 5))
def test_another_tempo_has_the_same_pitch(variant: int) -> None:
    copy = augment_clip(CLIP, RATE, "time_stretch", "take", variant)
    assert len(copy.samples) == pytest.approx(len(CLIP) / json.loads(copy.parameters)["rate"], abs=2)
    assert median_f0(copy.samples) == pytest.approx(median_f0(CLIP), rel=0.02)


def test_a_noisy_copy_has_the_signal_to_noise_ratio_that_was_asked_for() -> None:
    copy = augment_clip(CLIP, RATE, "noise", "take", 1, snr_db=(20.0, 20.0))
    ratio = 10 * np.log10(np.square(CLIP).mean() / np.square(copy.samples - CLIP).mean())
    assert abs(ratio - 20.0) < 0.5


def test_a_noisy_copy_says_its_signal_to_noise_ratio() -> None:
    copy = augment_clip(CLIP, RATE, "noise", "take", 1, snr_db=(17.0, 17.0))
    assert json.loads(copy.parameters) == {"snr_db": pytest.approx(17.0, abs=0.01)}


def test_a_transform_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="no transform 'typo'"):
        augment_clip(CLIP, RATE, "typo", "take", 1)


def test_copies_of_one_take_differ() -> None:
    assert len({seed_of("take", variant) for variant in range(100)}) == 100
