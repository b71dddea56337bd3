"""Runs the studies of `learning.studies` on the stored features, and writes their results as Markdown."""

import functools
import math
from typing import TYPE_CHECKING, NamedTuple

from ser_assets.assets.by_actor.current_corpus import require_current_for_study
from ser_assets.chosen_corpus import corpus_of
from ser_assets.learning.data.set_names import FUNCTIONALS
from ser_assets.learning.evaluation.estimate import Estimate
from ser_assets.learning.models.catalog import MODELS
from ser_assets.runtime import progress
from ser_assets.settings import Settings
from ser_assets.storage.training_set import load_examples
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd

    from ser_assets.learning.data.examples import Examples
    from ser_assets.learning.protocols.fold_schemes import FoldScheme
    from ser_assets.learning.studies.hyperparameter_search import Found


class Study(NamedTuple):
    """The stored features, and their settings: a study splits by actor, by the first scheme of `SER_FOLD_SCHEMES`."""

    examples: "Examples"
    settings: Settings

    @property
    def scheme(self) -> "FoldScheme":
        """The fold scheme of the study."""
        from ser_assets.learning.protocols.fold_schemes import fold_schemes

        return fold_schemes(self.settings.fold_schemes[:1], corpus_of(self.settings).fold_schemes)[0]

    @property
    def basis(self) -> str:
        """Number of actors and takes, and the fold scheme, for the head of a table."""
        originals = int((self.examples.rows["variant"] == 0).sum())
        return f"{len(self.examples.actors)} actors, {originals} takes, folds {self.scheme.name}"


def load_study(settings: Settings, model: str | None = None) -> Study:
    """Read the features of all materialized actors that a model reads; without a model, the functionals.

    Raises:
        FeaturesMissingError: there are none, or some are outdated.
        WarehouseBusyError: another program keeps the database open.
        WarehouseDamagedError: the database is damaged.
    """
    warehouse = Warehouse(settings.corpus_dir)
    require_current_for_study(settings, warehouse)
    reads = MODELS[model].reads if model else FUNCTIONALS
    return Study(load_examples(warehouse, settings, [reads]), settings)


def ablation_study(study: Study) -> "pd.DataFrame":
    """Evaluate each group of functionals alone and all groups without it, as `learning.studies.ablation` describes."""
    from ser_assets.learning.protocols.protocols import speaker_independent
    from ser_assets.learning.studies.ablation import ablation

    settings = study.settings
    splits = speaker_independent(study.examples.rows, study.scheme)
    report = functools.partial(progress.report, "ablation")
    return ablation(study.examples, splits, settings.worker_count, settings.seed, report)


def profile_size_study(study: Study, model: str) -> "pd.DataFrame":
    """Score a model against the number of clips in a speaker profile.

    Raises:
        ValueError: there is only one actor.
    """
    from ser_assets.learning.protocols.protocols import speaker_independent, speaker_normalised
    from ser_assets.learning.studies.profile_size import profile_size_curve

    settings, rows = study.settings, study.examples.rows
    splits = [*speaker_independent(rows, study.scheme), *speaker_normalised(rows, study.scheme)]
    factory = functools.partial(MODELS[model].load_class(), None, settings.seed)
    report = functools.partial(progress.report, model)
    return profile_size_curve(factory, study.examples, splits, settings.worker_count, settings.seed, report)


def settings_study(study: Study, model: str, trials: int) -> "Found":
    """Search the settings of a model inside the training set of each fold, as `learning.studies` describes."""
    from ser_assets.learning.protocols.protocols import speaker_independent
    from ser_assets.learning.studies.hyperparameter_search import search

    settings = study.settings
    spec = MODELS[model]
    splits = speaker_independent(study.examples.rows, study.scheme)
    report = functools.partial(progress.report, model)
    return search(
        spec.load_class(),
        spec.settings,
        spec.search_space,
        study.examples,
        splits,
        trials,
        settings.worker_count,
        settings.seed,
        report,
    )


def ablation_markdown(table: "pd.DataFrame") -> str:
    """Write the table of `ablation_study` as Markdown."""
    lines = ["| group | functionals | UAR alone | UAR without | brings |", "|---|---:|---:|---:|---:|"]
    for row in table.to_dict("records"):
        alone = without = brings = ""
        if not math.isnan(row["alone"]):
            alone = str(Estimate(row["alone"], row["alone_low"], row["alone_high"]))
        if not math.isnan(row["without"]):
            without = f"{row['without']:.3f}"
            brings = Estimate(row["brings"], row["brings_low"], row["brings_high"]).with_sign()
        lines.append(f"| {row['group']} | {row['functionals']} | {alone} | {without} | {brings} |")
    return "\n".join(lines)


def profile_size_markdown(table: "pd.DataFrame") -> str:
    """Write the table of `profile_size_study` as Markdown."""
    lines = ["| unlabelled clips of the speaker | UAR |", "|---:|---:|"]
    lines += [
        f"| {row['clips']} | {Estimate(row['uar'], row['low'], row['high'])} |" for row in table.to_dict("records")
    ]
    return "\n".join(lines)


def search_markdown(found: "Found") -> str:
    """Write the result of a search as Markdown: every trial, best first, and the choice of each fold."""
    names = [name for name in found.trials.columns if name not in ("uar", "default")]
    lines = [f"| trial | {' | '.join(names)} | UAR inside |", f"|---:|{'---|' * len(names)}---:|"]
    for trial, row in found.trials.iterrows():
        name = f"{trial} (default)" if row["default"] else str(trial)
        lines.append(f"| {name} | {' | '.join(str(row[name]) for name in names)} | {row['uar']:.3f} |")
    chosen = ", ".join(f"fold {row['fold']}: trial {row['trial']}" for row in found.chosen.to_dict("records"))
    uar = found.scores[found.scores["metric"] == "uar"].iloc[0]
    nested = Estimate(uar["value"], uar["low"], uar["high"])
    return "\n".join(
        [*lines, "", f"Best inside each fold: {chosen}. Evaluated with its own choice per fold: {nested}."]
    )
