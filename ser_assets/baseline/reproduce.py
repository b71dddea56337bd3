"""The notebook, reproduced: from the stored clips over its features and models to table `notebook_reproduction`."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ser_assets.assets.by_actor.current_corpus import CorpusChangedError, require_current_for_study
from ser_assets.baseline.features import MEANS, SAMPLING_RATE, notebook_clips, notebook_means
from ser_assets.corpus.ravdess import ACTORS, EMOTIONS, NAME
from ser_assets.runtime import progress
from ser_assets.runtime.workers import map_in_workers
from ser_assets.settings import Settings
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.clips import Clip, clips_of
from ser_assets.storage.tables import NOTEBOOK_REPRODUCTION, USABLE_TAKES, actors_with_takes, notice_of_demo
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    import pandas as pd
    from rich.table import Table

    from ser_assets.learning.data.examples import Examples
    from ser_assets.reporting.leaderboard import Score

CLIPS = "mono_audio"


class ReproductionError(ValueError):
    """There is not enough to reproduce the notebook on; the message names what is missing and the remedy."""


def reproduce_notebook(settings: Settings, actors: Sequence[str] | None = None) -> "pd.DataFrame":
    """Measure and evaluate as the notebook does, and on unseen actors; store and hand back `baseline.models.COLUMNS`.

    Args:
        settings: of the platform.
        actors: only these; else all whose clips are materialized.

    Raises:
        ReproductionError: clips are missing, are none of RAVDESS, have another sampling rate than the notebook's, or
            are too few to be split.
        ClipsMissingError: an actor's clips are damaged.
        WarehouseBusyError, WarehouseDamagedError: the database cannot be read.
    """
    import pyarrow as pa

    from ser_assets.baseline.models import baseline_scores, baseline_splits, evaluate_notebook

    warehouse = Warehouse(settings.corpus_dir)
    try:
        require_current_for_study(settings, warehouse)
    except CorpusChangedError as error:
        raise ReproductionError(str(error)) from error
    examples = notebook_examples(warehouse, ActorFiles(settings.corpus_dir), settings.worker_count, actors)
    try:
        splits = baseline_splits(examples.rows)
    except ValueError as error:
        raise ReproductionError(
            f"cannot reproduce the notebook on actors {', '.join(examples.actors)}: {error}"
        ) from error
    table = baseline_scores(evaluate_notebook(examples, splits, settings.worker_count, progress.report))
    demo = bool(notice_of_demo(warehouse))
    stored = pa.Table.from_pandas(table.assign(demo=demo), preserve_index=False)
    warehouse.replace_rows(NOTEBOOK_REPRODUCTION, stored, {})
    return table


def notebook_examples(
    warehouse: Warehouse, actor_files: ActorFiles, workers: int, actors: Sequence[str] | None = None
) -> "Examples":
    """Compute the 26 means of the accepted takes and of the copies of neutral ones, in the order of actor and take.

    Raises:
        ReproductionError, ClipsMissingError: as `reproduce_notebook`.
    """
    import pandas as pd

    from ser_assets.learning.data.examples import Examples
    from ser_assets.learning.data.feature_sets import Vectors
    from ser_assets.learning.data.set_names import FUNCTIONALS

    chosen = _actors_with_clips(warehouse, actor_files, actors)
    usable = set(warehouse.query(USABLE_TAKES)[["take_id", "audio_hash"]].itertuples(index=False, name=None))
    rows, means = [], []
    progress.report("notebook means", 0, len(chosen))
    for done, actor in enumerate(chosen, start=1):
        clips = [clip for clip in clips_of(actor_files.rows(CLIPS, actor)) if (clip.take_id, clip.audio_hash) in usable]
        _require_ravdess(actor, clips)
        _require_rate(actor, clips)
        for clip, variants in zip(clips, map_in_workers(measure_variants, clips, workers), strict=True):
            rows += [{**clip.labels, "corpus": NAME, "variant": variant} for variant in range(len(variants))]
            means += variants
        progress.report("notebook means", done, len(chosen))
    _require_actors(sorted({row["actor"] for row in rows}), actors)
    return Examples(
        rows=pd.DataFrame(rows),
        sets={FUNCTIONALS: Vectors(MEANS, np.stack(means).astype(np.float32))},
        emotions=EMOTIONS,
    )


def measure_variants(clip: Clip) -> list[np.ndarray]:
    """Compute the 26 means of a clip, and of its copies where it has some."""
    variants = notebook_clips(clip.samples, clip.sampling_rate, clip.take_id, clip.emotion)
    return [notebook_means(samples, clip.sampling_rate) for samples in variants]


def reproduction_for_terminal(table: "pd.DataFrame") -> "Table":
    """Lay out `baseline.models.baseline_scores` for a rich console: a row per metric and model, a column per way."""
    from rich import box
    from rich.table import Table

    from ser_assets.reporting.baseline_table import WAY_NAMES

    title = "The notebook, reproduced; 95 % intervals by bootstrap over actors where there are five or more"
    shown = Table("", "Model", title=title, title_justify="left", box=box.SIMPLE, padding=(0, 1, 0, 0))
    for way in WAY_NAMES.values():
        shown.add_column(way, justify="right")
    for metric, model, scores in _lines(table):
        shown.add_row(metric, model, *(score.narrow for score in scores))
    return shown


def reproduction_markdown(table: "pd.DataFrame") -> str:
    """Write the same as a Markdown table, values with their intervals."""
    from ser_assets.reporting.baseline_table import WAY_NAMES
    from ser_assets.reporting.summary import markdown_row

    lines = [markdown_row(["", "Model", *WAY_NAMES.values()]), markdown_row(["---"] * 2 + ["---:"] * len(WAY_NAMES))]
    lines += [markdown_row([metric, model, *map(str, scores)]) for metric, model, scores in _lines(table)]
    return "\n".join(lines)


def _lines(table: "pd.DataFrame") -> "Iterator[tuple[str, str, list[Score]]]":
    """Name of the metric (where it begins) and of the model, and the score of each way."""
    from ser_assets.reporting.baseline_table import METRICS, WAY_NAMES, reproduced_models
    from ser_assets.reporting.labels import METRIC_NAMES, model_title, readable

    for metric in METRICS:
        for place, each in enumerate(reproduced_models(table)):
            name = readable(metric, METRIC_NAMES) if place == 0 else ""
            yield name, model_title(each.model), [each.rows[metric][way] for way in WAY_NAMES]


def _actors_with_clips(warehouse: Warehouse, actor_files: ActorFiles, wanted: Sequence[str] | None) -> list[str]:
    there = [actor for actor in actors_with_takes(warehouse) if actor_files.path(CLIPS, actor).exists()]
    if missing := sorted(set(wanted or ()) - set(there)):
        numbers = ",".join(actor.lstrip("0") for actor in missing)
        raise ReproductionError(
            f"no clips of actors {', '.join(missing)} in {actor_files.folder / CLIPS}: "
            f"`ser-assets run --actors {numbers}` makes them of their recordings"
        )
    if not there:
        raise ReproductionError(
            f"no recordings are materialized in {actor_files.folder}: `ser-assets run` makes clips of those on disk"
        )
    return sorted(wanted) if wanted else there


def _require_ravdess(actor: str, clips: Sequence[Clip]) -> None:
    if clips and actor not in ACTORS:
        raise ReproductionError(
            f"the notebook is of RAVDESS and can be reproduced on it alone: {actor} is none of its actors"
        )
    if strangers := sorted({clip.emotion for clip in clips} - set(EMOTIONS)):
        raise ReproductionError(
            f"the notebook is of RAVDESS and can be reproduced on it alone: {actor} performs {', '.join(strangers)}"
        )


def _require_rate(actor: str, clips: Sequence[Clip]) -> None:
    if others := sorted({clip.sampling_rate for clip in clips} - {SAMPLING_RATE}):
        raise ReproductionError(
            f"the notebook measures at {SAMPLING_RATE} Hz, and clips of actor {actor} are at {others[0]} Hz: "
            f"materialize them with SER_SAMPLING_RATE={SAMPLING_RATE}"
        )


def _require_actors(present: Sequence[str], wanted: Sequence[str] | None) -> None:
    from ser_assets.baseline.models import FOLDS
    from ser_assets.learning.protocols.protocols import dropped_folds

    if silent := sorted(set(wanted or ()) - set(present)):
        raise ReproductionError(
            f"no take of actors {', '.join(silent)} may be used: table raw_videos tells what was rejected and why, and "
            "demo voices yield to people; materialize the recordings again or leave these actors out"
        )
    if len(FOLDS.folds(present)) - len(dropped_folds(present, FOLDS)) < 2:
        raise ReproductionError(
            f"no actor is left to train on: actors {', '.join(present) or '-'} are all in one fold of "
            f"{FOLDS.name}: materialize more actors, for example with `ser-assets run --actors 1-6`"
        )
