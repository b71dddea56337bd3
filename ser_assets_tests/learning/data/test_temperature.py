import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_assets.learning.data.temperature import apply_temperature, fit_temperature

RNG = np.random.default_rng(0)
TRUE = RNG.dirichlet(np.full(8, 0.3), 4000)
LABELS = (TRUE.cumsum(axis=1) > RNG.random((4000, 1))).argmax(axis=1)


@given(temperature=st.floats(0.3, 4))
@settings(deadline=None, max_examples=15)
def test_a_known_over_or_underconfidence_is_found_and_undone(temperature):
    distorted = apply_temperature(TRUE, 1 / temperature)
    assert fit_temperature(distorted, LABELS) == pytest.approx(temperature, rel=0.12)


def test_temperature_one_changes_nothing_and_none_changes_the_order():
    np.testing.assert_allclose(apply_temperature(TRUE, 1), TRUE, atol=1e-6)
    for temperature in (0.5, 3):
        assert (apply_temperature(TRUE, temperature).argmax(axis=1) == TRUE.argmax(axis=1)).all()


def test_what_was_impossible_stays_next_to_impossible_and_finite():
    certain = np.eye(8)
    softened = apply_temperature(certain, 2)
    assert (softened > 0).all()
    np.testing.assert_allclose(softened.sum(axis=1), 1)


def test_without_anything_held_out_nothing_is_changed():
    assert fit_temperature(np.empty((0, 8)), np.empty(0, np.int64)) == 1
