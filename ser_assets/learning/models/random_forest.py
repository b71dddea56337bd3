"""A Random Forest on discriminant directions of the functionals."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.predictions import prediction_table
from ser_assets.learning.models.base import EmotionModel, FitResult
from ser_assets.learning.models.discriminants import Discriminants
from ser_assets.learning.models.graph_inputs import with_all_emotions
from ser_assets.learning.models.model_files import read_facts
from ser_assets.learning.models.settings import ForestSettings
from ser_assets.learning.protocols.protocols import validation_parts

if TYPE_CHECKING:
    import pandas as pd

IMPORTANCES_FILE = "importances.npy"
OPSET = 18
TREES_OPSET = 3


class RandomForest(EmotionModel):
    """Trees on directions among the functionals (`discriminants`); splits weigh the emotions alike.

    A tree splits on one value at a time. No single functional separates emotions from speakers; such directions do.
    """

    name: str = "random_forest"
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "skl2onnx", "onnxruntime")
    settings: ForestSettings
    settings_type: ClassVar = ForestSettings

    def __init__(self, settings: ForestSettings | None = None, seed: int = 42) -> None:
        super().__init__(settings, seed)
        self._gains = np.empty(0)

    @classmethod
    def brief(cls, seed: int) -> Self:
        """Make a forest of five trees."""
        return cls(ForestSettings(n_estimators=5, validation_forests=1, validation_trees=5), seed)

    def save(self, folder: Path) -> None:
        """Write model.onnx, importances.npy and facts.json."""
        super().save(folder)
        np.save(folder / IMPORTANCES_FILE, self._gains, allow_pickle=False)

    def _learn(self, training: Examples) -> FitResult:
        import pandas as pd

        validation_predictions = pd.concat(self._predictions_of_parts(training), ignore_index=True)
        discriminants, forest = self._grow(training, self.settings.n_estimators)
        self._gains = discriminants.shares() @ forest.feature_importances_
        classes = [int(label) for label in forest.classes_]
        return FitResult(_to_onnx(discriminants, forest), validation_predictions, {"classes": classes})

    def _predictions_of_parts(self, training: Examples) -> "Iterator[pd.DataFrame]":
        yield prediction_table(training.subset(np.empty(0, np.int64)), np.empty((0, len(training.emotions))))
        for split in validation_parts(training.rows, self.settings.validation_forests, self.seed, training.left_out):
            learned = split.training_examples(training) if split else None
            if split is None or learned is None or learned.rows["emotion"].nunique() < 2:
                continue
            evaluated = split.test_examples(training)
            discriminants, forest = self._grow(learned, self.settings.validation_trees)
            votes = forest.predict_proba(discriminants(evaluated[self.reads].values))
            yield prediction_table(evaluated, with_all_emotions(votes, forest.classes_, len(training.emotions)))

    def _grow(self, training: Examples, trees: int) -> tuple[Discriminants, Any]:
        from sklearn.ensemble import RandomForestClassifier

        functionals = training[self.reads].values
        discriminants = Discriminants.learn(functionals, training.labels, self.settings.directions)
        forest = RandomForestClassifier(
            n_estimators=trees,
            min_samples_leaf=self.settings.min_samples_leaf,
            max_features=self.settings.max_features,
            class_weight="balanced",
            random_state=self.seed,
            n_jobs=-1,
        ).fit(discriminants(functionals), training.labels)
        # With several threads it adds its trees' votes up in another order each time.
        return discriminants, forest.set_params(n_jobs=1)


def read_importances(folder: Path) -> "pd.DataFrame":
    """Read the feature importances of a saved forest.

    The importance of a functional is its share of each direction times the direction's mean decrease in impurity.

    Returns:
        Columns feature, importance (sums to 1), the largest first.
    """
    import pandas as pd

    gains = np.load(folder / IMPORTANCES_FILE, allow_pickle=False)
    table = pd.DataFrame({"feature": read_facts(folder)["features"], "importance": gains})
    return table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)


def _to_onnx(discriminants: Discriminants, forest: Any) -> bytes:
    from onnx import compose
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    trees = convert_sklearn(
        forest,
        name="random_forest",
        initial_types=[("directions_of_clip", FloatTensorType([None, forest.n_features_in_]))],
        options={id(forest): {"zipmap": False}},
        target_opset={"": OPSET, "ai.onnx.ml": TREES_OPSET},
    )
    projection = discriminants.onnx("functionals", "projected", OPSET, trees.ir_version)
    graph = compose.merge_models(projection, trees, io_map=[("projected", "directions_of_clip")])
    onnx: bytes = graph.SerializeToString(deterministic=True)
    return onnx
