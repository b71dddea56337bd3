"""Names, numbers and colours as people see them."""

import itertools

import numpy as np
import pytest

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.evaluation.scores import METRICS
from ser_assets.learning.models.catalog import colours as colours_of_catalogue
from ser_assets.learning.protocols.protocols import PROTOCOLS
from ser_assets.reporting.labels import (
    EMOTION_COLOURS,
    METRIC_NAMES,
    METRIC_NOTES,
    PROTOCOL_NAMES,
    PROTOCOL_NOTES,
    decimal,
    in_given_order,
    join_words,
    model_colours,
    percent,
    points,
)

# Machado, Oliveira, Fernandes 2009, severity 1, on linear RGB.
EYES = {
    "normal": np.eye(3),
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def as_seen(colour: str, eye: str) -> np.ndarray:
    """CIE L*a*b* of a colour for an eye."""
    red_green_blue = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(red_green_blue <= 0.04045, red_green_blue / 12.92, ((red_green_blue + 0.055) / 1.055) ** 2.4)
    seen = TO_XYZ @ np.clip(np.array(EYES[eye]) @ linear, 0, 1) / [0.9505, 1, 1.089]
    x, y, z = np.where(seen > 0.008856, np.cbrt(seen), 7.787 * seen + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize(("colours", "apart"), [(EMOTION_COLOURS, 20), (colours_of_catalogue(), 15)])
def test_any_two_colours_are_told_apart_by_every_eye(colours: dict[str, str], apart: float, eye: str):
    seen = [as_seen(colour, eye) for colour in colours.values()]
    assert min(np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)) > apart


def test_every_emotion_has_its_colour_in_their_order():
    assert tuple(EMOTION_COLOURS) == EMOTIONS


def test_a_model_keeps_its_colour_and_a_stranger_gets_a_spare_one():
    colours = model_colours(["svm", "cnn", "tree"])
    assert colours["cnn"] == colours_of_catalogue()["cnn"]
    assert len({*colours.values()} | {*colours_of_catalogue().values()}) == len(colours_of_catalogue()) + 2


def test_known_names_come_first_and_strangers_as_they_came():
    assert in_given_order(["svm", "b", "svm", "a"], ["a", "b", "c"]) == ["a", "b", "svm"]


def test_a_number_that_does_not_exist_is_a_dash():
    assert (decimal(0.58777), percent(0.58777), decimal(float("nan")), percent(float("nan"))) == (
        "0.588",
        "58.8 %",
        "–",
        "–",
    )


@pytest.mark.parametrize(
    ("share", "shown"), [(0.034, "3.4"), (-0.006, "−0.6"), (-0.0001, "0.0"), (float("nan"), "–"), (1, "100.0")]
)
def test_points_have_one_decimal_and_a_true_minus(share: float, shown: str):
    assert points(share) == shown


@pytest.mark.parametrize(
    ("parts", "shown"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_a_list_reads_as_in_a_sentence(parts: list[str], shown: str):
    assert join_words(parts) == shown


def test_every_metric_and_every_protocol_has_its_name_and_its_explanation():
    assert set(METRIC_NAMES) == set(METRIC_NOTES) == set(METRICS)
    assert list(PROTOCOL_NAMES) == list(PROTOCOL_NOTES) == list(PROTOCOLS)
