"""A Random Forest on the functionals; it rests as ONNX and predicts through ONNX Runtime once loaded."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self

import numpy as np
from pydantic import Field
from pydantic.dataclasses import dataclass

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.emotion_model import EmotionModel, read_facts, require_two_emotions, write_facts
from ser_assets.learning.examples import Examples

if TYPE_CHECKING:
    import pandas as pd

FOREST_FILE = "forest.onnx"
IMPORTANCES_FILE = "importances.npy"


@dataclass(frozen=True)
class ForestSettings:
    """Hyper-parameters of the Random Forest."""

    trees: Annotated[int, Field(ge=1, description="Number of trees.")] = 500
    smallest_leaf: Annotated[int, Field(ge=1, description="Fewest training clips in a leaf.")] = 1
    share_of_features: Annotated[
        float, Field(gt=0, le=1, description="Share of the functionals that a node may choose from.")
    ] = 0.1


class RandomForest(EmotionModel):
    """Trees on functionals, which need no scaling; splits weigh the emotions alike when their numbers differ."""

    name: ClassVar[str] = "random_forest"
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "skl2onnx", "onnxruntime")

    def __init__(self, settings: ForestSettings | None = None, seed: int = 42) -> None:
        self.settings = settings or ForestSettings()
        self.seed = seed
        self._onnx = b""
        self._session: Any = None
        self._gains = np.empty(0)

    @classmethod
    def brief(cls, seed: int) -> Self:
        """Make a forest of five trees."""
        return cls(ForestSettings(trees=5), seed)

    def fit(self, training: Examples) -> Self:
        """Grow the forest on all rows."""
        from sklearn.ensemble import RandomForestClassifier

        require_two_emotions(training)
        forest = RandomForestClassifier(
            n_estimators=self.settings.trees,
            min_samples_leaf=self.settings.smallest_leaf,
            max_features=self.settings.share_of_features,
            class_weight="balanced",
            random_state=self.seed,
            n_jobs=-1,
        ).fit(training.functionals, training.labels)
        self.facts_ = self._describe(training, dataclasses.asdict(self.settings), self.seed)
        self.facts_["classes"] = [int(label) for label in forest.classes_]
        self._gains = forest.feature_importances_
        self._open(_to_onnx(forest))
        return self

    def predict_proba(self, examples: Examples) -> np.ndarray:
        """Share of the trees' votes for each emotion, float64 (n, 8); an emotion never heard gets 0."""
        self._check_calibration(examples)
        self._check_features(examples)
        votes = self._session.run(["probabilities"], {"functionals": examples.functionals})[0].astype(np.float64)
        probabilities = np.zeros((len(examples), len(EMOTIONS)))
        probabilities[:, self._fitted_facts()["classes"]] = votes / votes.sum(axis=1, keepdims=True)
        return probabilities

    @property
    def importances_(self) -> "pd.DataFrame":
        """Columns feature, importance (mean decrease in impurity, sums to 1), the largest first."""
        import pandas as pd

        table = pd.DataFrame({"feature": self._fitted_facts()["features"], "importance": self._gains})
        return table.sort_values("importance", ascending=False, kind="stable", ignore_index=True)

    def save(self, folder: Path) -> None:
        """Write forest.onnx, importances.npy and facts.json."""
        write_facts(folder, self._fitted_facts())
        (folder / FOREST_FILE).write_bytes(self._onnx)
        np.save(folder / IMPORTANCES_FILE, self._gains, allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved forest; scikit-learn is not needed for it."""
        facts = read_facts(folder, cls.name)
        model = cls(ForestSettings(**facts["hyper_parameters"]), facts["seed"])
        model.facts_ = facts
        model._gains = np.load(folder / IMPORTANCES_FILE, allow_pickle=False)
        model._open((folder / FOREST_FILE).read_bytes())
        return model

    def _open(self, onnx: bytes) -> None:
        import onnxruntime

        self._onnx = onnx
        options = onnxruntime.SessionOptions()
        # With more threads the votes of one clip are added up in another order on another machine.
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])


def _to_onnx(forest: Any) -> bytes:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType

    graph = convert_sklearn(
        forest,
        name="random_forest",
        initial_types=[("functionals", FloatTensorType([None, forest.n_features_in_]))],
        options={id(forest): {"zipmap": False}},
    )
    onnx: bytes = graph.SerializeToString()
    return onnx
