"""How a network is trained: schedule, scaling and the loop over epochs. What it looks like is in architectures.py."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_assets.learning.models.networks.keras_runtime import import_keras, import_tensorflow
from ser_assets.learning.models.settings import TrainingSettings

if TYPE_CHECKING:
    import pandas as pd

TrainInputs = Callable[[np.ndarray, np.random.Generator], np.ndarray]
"""Inputs of an epoch, float32 (clips, ...): for the clips at these positions, in this order, varied at random."""


class TrainingSet(NamedTuple):
    """What a network is trained on: the inputs of an epoch, and one-hot targets (n, emotions) of its n clips."""

    inputs: TrainInputs
    targets: np.ndarray


class ValidationSet(NamedTuple):
    """What a network is validated on: inputs (n, ...) and one-hot targets (n, emotions)."""

    inputs: np.ndarray
    targets: np.ndarray


def train(
    network: Any, training: TrainingSet, validation: ValidationSet | None, settings: TrainingSettings, seed: int
) -> "pd.DataFrame":
    """Train a network and leave it with the weights of the epoch in which the validation loss was lowest.

    Args:
        network: Keras model, not compiled.
        training: clips that fill no batch at the end of an epoch are left out of it.
        validation: without it the last weights stay.
        settings: of the training.
        seed: of the order of clips and of how they are varied.

    Returns:
        Columns epoch (from 1), subset ('training' or 'validation'), loss, accuracy. Those of training are means over
        the batches of an epoch, with noise, dropout and varied input, so that they may be worse than validation.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    clips = len(training.targets)
    size = min(settings.batch_size, clips)
    steps = clips // size
    train_epoch, evaluate = _functions(network, steps * settings.epochs, settings)
    curve, best_loss, best_weights = [], np.inf, None
    for epoch in range(1, settings.epochs + 1):
        order = rng.permutation(clips)[: steps * size]
        inputs, targets = training.inputs(order, rng), training.targets[order]
        batches = (each.reshape(steps, size, *each.shape[1:]) for each in (inputs, targets))
        curve.append((epoch, "training", *map(float, train_epoch(*batches))))
        if validation is None:
            continue
        loss, accuracy = map(float, evaluate(*validation))
        curve.append((epoch, "validation", loss, accuracy))
        if loss < best_loss:
            best_loss, best_weights = loss, network.get_weights()
    if best_weights is not None:
        network.set_weights(best_weights)
    return pd.DataFrame(curve, columns=["epoch", "subset", "loss", "accuracy"])


def _functions(network: Any, steps: int, settings: TrainingSettings) -> tuple[Any, Any]:
    """Graphs that train for an epoch and that evaluate; both return mean loss and accuracy.

    The loop over batches is in the graph: a call of Keras for each batch takes as long as a small batch itself.
    """
    keras, tf = import_keras(), import_tensorflow()
    falling = keras.optimizers.schedules.CosineDecay(settings.learning_rate, decay_steps=steps)
    optimizer = keras.optimizers.AdamW(falling, weight_decay=settings.weight_decay)
    optimizer.build(network.trainable_variables)
    loss_of = keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing)

    def accuracy_of(targets: Any, predicted: Any) -> Any:
        return tf.reduce_mean(keras.metrics.categorical_accuracy(targets, predicted))

    def step(inputs: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            predicted = network(inputs, training=True)
            loss = loss_of(targets, predicted)
        optimizer.apply(tape.gradient(loss, network.trainable_variables))
        return tf.stack([loss, accuracy_of(targets, predicted)])

    @tf.function(autograph=False)
    def train_epoch(inputs: Any, targets: Any) -> Any:
        batches = tf.shape(inputs)[0]
        _, total = tf.while_loop(
            lambda batch, _: batch < batches,
            lambda batch, total: (batch + 1, total + step(inputs[batch], targets[batch])),
            (0, tf.zeros(2)),
        )
        return total / tf.cast(batches, tf.float32)

    @tf.function(autograph=False)
    def evaluate(inputs: Any, targets: Any) -> Any:
        predicted = network(inputs, training=False)
        return tf.stack([loss_of(targets, predicted), accuracy_of(targets, predicted)])

    return train_epoch, evaluate
