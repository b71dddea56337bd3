"""The scores that the notebook claims: accuracy, weighted F1 and ROC AUC of each model."""

from typing import Final

CLAIMS: Final[dict[str, dict[str, tuple[float, float, float]]]] = {
    # The table in the notebook's README.
    "claimed_in_readme": {
        "random_forest": (0.742, 0.739, 0.952),
        "neural_network": (0.695, 0.691, 0.928),
        "cnn": (0.711, 0.708, 0.936),
        "complex_cnn": (0.758, 0.755, 0.961),
    },
    # The outputs saved in the notebook itself.
    "claimed_in_notebook": {
        "random_forest": (0.693, 0.673, 0.947),
        "neural_network": (0.738, 0.736, 0.955),
        "cnn": (0.715, 0.714, 0.943),
        "complex_cnn": (0.762, 0.764, 0.961),
    },
}
