"""Weights do not depend on the machine's cores or on what used TensorFlow before."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def in_a_new_process(script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)


def test_a_network_built_before_any_fit_starts_tensorflow_with_one_thread():
    done = in_a_new_process(
        "from ser_assets.baseline.models import dense_network\n"
        "dense_network(3, 8)\n"
        "from tensorflow.config import threading\n"
        "print(threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads())\n"
    )
    assert done.stdout.split() == ["1", "1"]
    assert "several threads" not in done.stderr


def test_a_process_in_which_tensorflow_has_started_with_several_threads_gets_a_warning():
    done = in_a_new_process(
        "import tensorflow; tensorflow.constant(1) + 1\n"
        "from ser_assets.learning.models.networks.keras_runtime import reset_keras\n"
        "reset_keras(1)\n"
    )
    assert "TensorFlow has started in this process with several threads" in done.stderr


def test_nothing_else_imports_keras_or_tensorflow():
    importing = {
        str(path.relative_to(ROOT))
        for part in ("ser_assets", "ser_assets_tests")
        for path in (ROOT / part).rglob("*.py")
        for line in path.read_text().splitlines()
        if line.split()[:2] in (["import", "keras"], ["import", "tensorflow"]) or line.strip().startswith("from keras")
    }
    assert importing == {"ser_assets/learning/models/networks/keras_runtime.py"}
