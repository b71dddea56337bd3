"""What the report is made of: the tables, clips and facts that are handed in, before anything is drawn or written."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ser_assets.corpus.interface import CorpusIdentity
from ser_assets.learning.data.predictions import emotions_of


@dataclass(frozen=True)
class ExampleClip:
    """A clip to look at: float32 mono samples of shape (samples,) and their rate in Hz; gender may be empty."""

    emotion: str
    gender: str
    take_id: str
    samples: np.ndarray
    sampling_rate: int


@dataclass(frozen=True)
class MissedTake:
    """A take that every model names wrong: its clip, who performed what, and the prediction of each model.

    Attributes:
        intensity: None where not known.
        statement: None where not known.
        predicted: by model, the predicted emotion and its probability, 0 to 1.
    """

    clip: ExampleClip
    actor: str
    intensity: str | None
    statement: str | None
    predicted: dict[str, tuple[str, float]]

    @property
    def performance(self) -> str:
        """Who performed it, how, and what was spoken: `actor 03, male, normal intensity: “Kids are …”`."""
        how = f"{self.intensity} intensity" if self.intensity else ""
        performed = ", ".join(part for part in (f"actor {self.actor}", self.clip.gender, how) if part)
        return f"{performed}: “{self.statement}”" if self.statement else performed


@dataclass(frozen=True)
class ReportData:
    """All that the report shows; an empty table or list drops its section.

    Attributes:
        predictions: model, protocol, fold_scheme, fold, take_id, actor, emotion, p_<emotion> of each, in the order of
            the emotions.
        scores: model, protocol, fold_scheme, metric, value, low, high, actors, takes.
        differences: as `evaluation.scores.score_differences` gives them: protocol, fold_scheme, metric, model, other,
            difference, low, high, actors, takes.
        contributions: as `evaluation.contributions.member_contributions` gives them.
        group_scores: as `evaluation.scores.scores_by_group` gives them: model, protocol, fold_scheme, grouping, group,
            metric, value, low, high, actors, takes.
        missed: a few of the takes that every model misses under the headline's protocol, the least expected emotion
            first.
        missed_count: how many of those there are.
        reproduction: the notebook reproduced, model, way, metric, value, low, high, actors, takes.
        takes: one accepted take a row: take_id, actor, emotion, gender, intensity, statement, seconds; gender,
            intensity and statement are None where not known.
        rejected: path, reason.
        clips: one clip a row: take_id, variant (0 is the original), actor, emotion.
        examples: at most one clip for each emotion and gender.
        importances: feature, importance.
        learning_curves: model, protocol, fold_scheme, fold, epoch, subset (training or validation), loss, accuracy.
        leakage_audit: protocol, fold_scheme, fold, training_actors, test_actors, training_clips, test_takes,
            shared_actors, shared_takes, shared_recordings (counts), disjoint (what the protocol promises, such as
            "takes, recordings").
        facts: versions, command, settings.
        skipped: what was requested and left out, each with the reason, in a line.
        notice: what a reader must know before the figures, such as that no person speaks here; empty for nothing. With
            a notice the scores are not set beside those of people and published systems.
    """

    corpus: CorpusIdentity
    predictions: pd.DataFrame
    scores: pd.DataFrame
    differences: pd.DataFrame = field(default_factory=pd.DataFrame)
    contributions: pd.DataFrame = field(default_factory=pd.DataFrame)
    group_scores: pd.DataFrame = field(default_factory=pd.DataFrame)
    missed: Sequence[MissedTake] = ()
    missed_count: int = 0
    reproduction: pd.DataFrame = field(default_factory=pd.DataFrame)
    takes: pd.DataFrame = field(default_factory=pd.DataFrame)
    rejected: pd.DataFrame = field(default_factory=pd.DataFrame)
    clips: pd.DataFrame = field(default_factory=pd.DataFrame)
    examples: Sequence[ExampleClip] = ()
    importances: pd.DataFrame = field(default_factory=pd.DataFrame)
    learning_curves: pd.DataFrame = field(default_factory=pd.DataFrame)
    leakage_audit: pd.DataFrame = field(default_factory=pd.DataFrame)
    facts: dict[str, str] = field(default_factory=dict)
    skipped: Sequence[str] = ()
    notice: str = ""

    @property
    def emotions(self) -> tuple[str, ...]:
        """The emotions that the models predict, in their order."""
        return emotions_of(self.predictions)

    @property
    def clip_counts(self) -> pd.DataFrame:
        """Columns actor, emotion, originals, copies."""
        counts = self.clips.assign(originals=self.clips["variant"] == 0, copies=self.clips["variant"] != 0)
        return counts.groupby(["actor", "emotion"])[["originals", "copies"]].sum().reset_index()
