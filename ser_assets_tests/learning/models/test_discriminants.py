import numpy as np
import onnxruntime
import pytest

from ser_assets.learning.models.discriminants import Discriminants

RNG = np.random.default_rng(0)
LABELS = np.repeat(np.arange(4), 60)
SPEAKERS = np.tile(np.arange(6), 40)


def clips():
    """Ten functionals: one tells the label and is drowned by the speaker, whom another one tells alone."""
    values = RNG.normal(0, 0.1, (240, 10))
    speaker = RNG.normal(0, 5, 6)[SPEAKERS]
    values[:, 0] += LABELS + speaker
    values[:, 1] += speaker
    return values.astype(np.float32)


VALUES = clips()


def clearness(values):
    """Deviation of the labels' means over that within a label."""
    means = [values[label == LABELS].mean() for label in range(4)]
    return np.std(means) / np.mean([values[label == LABELS].std() for label in range(4)])


def test_a_direction_tells_the_label_better_than_any_functional():
    best = max(clearness(column) for column in Discriminants.learn(VALUES, LABELS, 10)(VALUES).T)
    assert best > 1.5 * max(clearness(column) for column in VALUES.T)


def test_no_more_directions_than_functionals_and_the_most_telling_first():
    found = Discriminants.learn(VALUES, LABELS, 50)
    assert found.directions.shape == (10, 10)
    spread = found(VALUES).std(axis=0)
    assert (np.diff(spread) < 1e-3).all()


def test_units_of_the_functionals_do_not_matter():
    units = np.array([1, 1000, 0.01, *[1] * 7], np.float32)
    np.testing.assert_allclose(
        np.abs(Discriminants.learn(VALUES * units, LABELS, 2)(VALUES * units)),
        np.abs(Discriminants.learn(VALUES, LABELS, 2)(VALUES)),
        atol=1e-2,
    )


def test_more_functionals_than_clips_are_no_hindrance():
    few = np.arange(0, 240, 15)
    wide = np.hstack([VALUES, RNG.normal(0, 1, (240, 30))]).astype(np.float32)
    found = Discriminants.learn(wide[few], LABELS[few], 5)
    assert found.directions.shape == (40, 5)
    assert np.isfinite(found(wide)).all()
    np.testing.assert_array_equal(found.directions, Discriminants.learn(wide[few], LABELS[few], 5).directions)


def test_the_shares_of_a_direction_sum_to_one():
    np.testing.assert_allclose(Discriminants.learn(VALUES, LABELS, 3).shares().sum(axis=0), 1)


def test_onnx_projects_alike():
    found = Discriminants.learn(VALUES, LABELS, 3)
    session = onnxruntime.InferenceSession(found.onnx("clips", "projected", 18, 9).SerializeToString())
    strange = (VALUES * 9).astype(np.float32)
    assert session.run(["projected"], {"clips": strange})[0] == pytest.approx(found(strange), abs=1e-4)
