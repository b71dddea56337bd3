"""How a network is trained: schedule, scaling and the loop over epochs. What it looks like is in architectures.py."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ser_assets.learning.models.networks.keras_runtime import import_keras
from ser_assets.learning.models.settings import TrainingSettings

if TYPE_CHECKING:
    import pandas as pd

EvalInput = Callable[[np.ndarray], np.ndarray]
TrainInput = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class TrainingSide(NamedTuple):
    """One side of a training: standardised values of each clip and one-hot targets (n, emotions)."""

    values: list[np.ndarray]
    targets: np.ndarray


def train(
    network: Any,
    training: TrainingSide,
    validation: TrainingSide | None,
    still: EvalInput,
    varied: TrainInput,
    settings: TrainingSettings,
    seed: int,
) -> "pd.DataFrame":
    """Train a network and leave it with the weights of the epoch in which the validation loss was lowest.

    still, varied: give the network's input for the values of a clip, as evaluated and as learned from. Without
        validation the last weights stay.

    Returns: columns epoch (from 1), part, loss, accuracy. The training part is measured as it is learned, with noise,
    dropout and varied input, so it may well lie under the validation part.
    """
    import pandas as pd

    rng = np.random.default_rng(seed)
    size = min(settings.batch_size, len(training.values))
    steps = len(training.values) // size
    _compile(network, steps * settings.epochs, settings)
    watched = np.stack([still(values) for values in validation.values]) if validation else None
    curve, best_loss, fit_weights = [], np.inf, None
    for epoch in range(1, settings.epochs + 1):
        network.reset_metrics()
        for batch in rng.permutation(len(training.values))[: steps * size].reshape(steps, size):
            inputs = np.stack([varied(training.values[row], rng) for row in batch])
            measured = network.train_on_batch(inputs, training.targets[batch])
        curve.append((epoch, "training", *map(float, measured)))
        if validation is None:
            continue
        network.reset_metrics()
        loss, accuracy = map(float, network.test_on_batch(watched, validation.targets))
        curve.append((epoch, "validation", loss, accuracy))
        if loss < best_loss:
            best_loss, fit_weights = loss, network.get_weights()
    if fit_weights is not None:
        network.set_weights(fit_weights)
    return pd.DataFrame(curve, columns=["epoch", "subset", "loss", "accuracy"])


def _compile(network: Any, steps: int, settings: TrainingSettings) -> None:
    keras = import_keras()
    falling = keras.optimizers.schedules.CosineDecay(settings.learning_rate, decay_steps=steps)
    network.compile(
        optimizer=keras.optimizers.AdamW(falling, weight_decay=settings.weight_decay),
        loss=keras.losses.CategoricalCrossentropy(label_smoothing=settings.label_smoothing),
        metrics=["accuracy"],
        jit_compile=False,
    )
