"""A network in ONNX says what Keras says."""

import numpy as np
import onnxruntime
import pytest

from ser_assets.learning.data.standardiser import LARGEST_DEVIATION, Standardiser
from ser_assets.learning.models.networks.architectures import convolutional, dense
from ser_assets.learning.models.networks.keras_runtime import import_keras, reset_keras
from ser_assets.learning.models.networks.onnx_export import INPUT, OUTPUT, Member, committee_onnx
from ser_assets.learning.models.settings import ComplexConvolutionSettings, ConvolutionSettings, DenseSettings

WIDTH = 12
FRAMES = 33
NETWORKS = {
    "dense": lambda: dense(DenseSettings(units=(16, 8)), WIDTH, 8),
    "plain": lambda: convolutional(
        ConvolutionSettings(frames=FRAMES, filters=(8, 12), kernel_size=4, batch_norm=False), WIDTH, 8
    ),
    "complex": lambda: convolutional(
        ComplexConvolutionSettings(frames=FRAMES, filters=(8, 12, 6), units=(16,)), WIDTH, 8
    ),
}


def trained(build, seed):
    """A network with weights and running means that are not those it started with."""
    reset_keras(seed)
    network, rng = build(), np.random.default_rng(seed)
    network.set_weights([weights + rng.uniform(0, 0.1, weights.shape) for weights in network.get_weights()])
    standardiser = Standardiser(rng.normal(0, 3, WIDTH).astype(np.float32), rng.uniform(1, 4, WIDTH).astype(np.float32))
    return Member(standardiser, network)


@pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS)
def test_a_committee_says_the_mean_of_what_keras_says(build):
    members = [trained(build, seed) for seed in (1, 2)]
    clips = np.random.default_rng(3).normal(0, 9, (50, *members[0].network.input_shape[1:])).astype(np.float32)
    session = onnxruntime.InferenceSession(committee_onnx(members, LARGEST_DEVIATION))
    predicted = session.run([OUTPUT], {INPUT: clips})[0]
    keras_said = [np.asarray(network(standardiser(clips), training=False)) for standardiser, network in members]
    np.testing.assert_allclose(predicted, np.mean(keras_said, axis=0), atol=1e-5)
    assert predicted.std(axis=0).max() > 1e-3


def test_the_same_networks_are_the_same_bytes():
    member = trained(NETWORKS["dense"], 1)
    assert committee_onnx([member], 5.0) == committee_onnx([member], 5.0)


def test_a_layer_that_is_not_written_down_is_named():
    reset_keras(0)
    keras = import_keras()
    network = keras.Sequential([keras.layers.Input((4, 3)), keras.layers.LSTM(2, name="memory")])
    standardiser = Standardiser(np.zeros(3, np.float32), np.ones(3, np.float32))
    with pytest.raises(NotImplementedError, match=r"memory \(LSTM\)"):
        committee_onnx([Member(standardiser, network)], 5.0)
