"""A fifth model, to be added to the catalogue: logistic regression on standardised functionals."""

from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pandas as pd
from pydantic import Field
from pydantic.dataclasses import dataclass as settings_dataclass

from ser_assets.learning.data.examples import Examples
from ser_assets.learning.data.predictions import prediction_table
from ser_assets.learning.models.base import EmotionModel, FitResult
from ser_assets.learning.models.catalog import ModelSpec
from ser_assets.learning.protocols.protocols import validation_parts

NAME = "toy"


@settings_dataclass(frozen=True)
class ToySettings:
    """The only setting of the toy."""

    strength: Annotated[float, Field(gt=0, description="Inverse of the regularisation.")] = 1.0


class Toy(EmotionModel):
    """Logistic regression; every emotion must be in its training rows."""

    name: str = NAME
    libraries: ClassVar[tuple[str, ...]] = ("scikit-learn", "skl2onnx")
    settings_type: ClassVar = ToySettings

    def __init__(self, settings: ToySettings | None = None, seed: int = 42) -> None:
        super().__init__(settings, seed)

    @classmethod
    def brief(cls, seed: int) -> Self:
        return cls(None, seed)

    def _learn(self, training: Examples) -> FitResult:
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType

        validated = [prediction_table(training.subset(np.empty(0, np.int64)), np.empty((0, len(training.emotions))))]
        for split in validation_parts(training.rows, 1, self.seed, training.left_out):
            if split:
                held_out = split.test_examples(training)
                inner = self._pipeline(split.training_examples(training))
                validated.append(prediction_table(held_out, inner.predict_proba(held_out[self.reads].values)))
        graph = convert_sklearn(
            self._pipeline(training),
            initial_types=[("functionals", FloatTensorType([None, len(training[self.reads].names)]))],
            options={"zipmap": False},
            target_opset=18,
        )
        return FitResult(graph.SerializeToString(deterministic=True), pd.concat(validated, ignore_index=True), {})

    def _pipeline(self, training: Examples) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        pipeline = make_pipeline(StandardScaler(), LogisticRegression(C=self.settings.strength, max_iter=50))
        return pipeline.fit(training[self.reads].values, training.labels)


TOY = ModelSpec(
    name=NAME,
    title="Toy",
    description="Logistic regression on the functionals.",
    implementation=f"{__name__}:Toy",
    settings=ToySettings,
    search_space={"strength": (0.1, 1.0)},
    version="1",
    libraries=("scikit-learn", "skl2onnx"),
    kinds=frozenset({"scikitlearn"}),
    colour="#222222",
)
