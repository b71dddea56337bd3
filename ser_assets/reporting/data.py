"""What the report is made of: the tables, clips and facts that are handed in, before anything is drawn or written."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class ExampleClip:
    """A clip to look at: float32 mono samples of shape (samples,) and their rate in Hz."""

    emotion: str
    gender: str
    take_id: str
    samples: np.ndarray
    sampling_rate: int


@dataclass(frozen=True)
class ReportData:
    """All that the report shows; an empty table or list drops its section.

    predictions: model, protocol, folds, fold, take_id, actor, emotion, p_neutral … p_surprised
    scores: model, protocol, folds, metric, value, low, high, actors, takes
    takes: one accepted take a row: take_id, actor, emotion, gender, intensity, statement, seconds
    rejected: path, reason
    clips: one clip a row: take_id, variant (0 is the original), actor, emotion
    examples: at most one clip for each emotion and gender
    importances: feature, importance
    learning_curves: model, fold, epoch, part (training or validation), loss, accuracy
    leak_proof: protocol, folds, fold, training_actors, judged_actors, training_clips, judged_takes, shared_takes,
        shared_recordings, shared_actors
    facts: versions, command, settings
    notice: what a reader must know before the figures; empty for nothing
    """

    predictions: pd.DataFrame
    scores: pd.DataFrame
    takes: pd.DataFrame = field(default_factory=pd.DataFrame)
    rejected: pd.DataFrame = field(default_factory=pd.DataFrame)
    clips: pd.DataFrame = field(default_factory=pd.DataFrame)
    examples: list[ExampleClip] = field(default_factory=list)
    importances: pd.DataFrame = field(default_factory=pd.DataFrame)
    learning_curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    leak_proof: pd.DataFrame = field(default_factory=pd.DataFrame)
    facts: dict[str, str] = field(default_factory=dict)
    notice: str = ""
