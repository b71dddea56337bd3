"""How Keras starts: one thread, one seed, the same bits each time. Everything that needs Keras gets it here."""

import contextlib
import logging
import os
import sys
import warnings
from collections.abc import Iterator
from typing import Any


def reset_keras(seed: int) -> None:
    """Empty Keras's session, seed it, and have it compute the same bits each time.

    Seeds the global generators of Python, NumPy and TensorFlow.
    """
    keras = import_keras()
    import tensorflow

    tensorflow.config.experimental.enable_op_determinism()
    # A garbage collection at each member would take longer than its graph.
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(seed)


def import_keras() -> Any:
    """Import Keras for one thread, without the lines that TensorFlow's C++ writes before it reads any log level."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _mute() if "tensorflow" not in sys.modules else contextlib.nullcontext():
        import keras
        import tensorflow
    _use_one_thread(tensorflow.config.threading)
    # Each member is a network of its own, so that TensorFlow warns of many traced functions.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    return keras


def import_tensorflow() -> Any:
    """Import TensorFlow as `import_keras` does."""
    import_keras()
    import tensorflow

    return tensorflow


def _use_one_thread(threading: Any) -> None:
    """Limit TensorFlow to one thread, or warn where it has started with more.

    With more threads sums are taken in another order, and the weights depend on the machine's cores.
    """
    try:
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        warnings.warn(
            "TensorFlow has started in this process with several threads: the weights of networks may differ in their "
            "last bits from one machine to another. Train in a process that has not used TensorFlow yet.",
            stacklevel=4,
        )


@contextlib.contextmanager
def _mute() -> Iterator[None]:
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
