"""What the UI shows of an asset: counts, tables and small pictures."""

import dataclasses
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import dagster as dg

from ser_assets.audio.features.names import functional_names
from ser_assets.storage.actor_files import ActorFiles
from ser_assets.storage.tables import FEATURES
from ser_assets.storage.warehouse import Warehouse

if TYPE_CHECKING:
    from functools import partial

    import pandas as pd

    from ser_assets.corpus.raw_video import RawVideo
    from ser_assets.learning.data.examples import Examples
    from ser_assets.learning.protocols.splits import Split
    from ser_assets.reporting.leaderboard import Score
    from ser_assets.storage.skipped import Skipped

PICTURE_LINE = re.compile(r"^!\[.*\]\(pictures/.*\)\n+(?:In the picture: .*\n+)?", re.MULTILINE)
LONGEST_REPORT = 200_000


def raw_videos_metadata(rows: "Sequence[RawVideo]", examined: int, emotions: Sequence[str]) -> dict[str, Any]:
    """Counts of accepted and rejected files, takes by emotion, and the reason of each rejection."""
    accepted = [row for row in rows if row.status == "accepted"]
    rejected = [row for row in rows if row.status == "rejected"]
    metadata: dict[str, Any] = {
        "dagster/partition_row_count": len(rows),
        "accepted takes": len(accepted),
        "rejected files": len(rejected),
        "files read again": examined,
        "seconds": round(sum(row.seconds or 0.0 for row in accepted), 1),
        "takes by emotion": by_emotion([row.emotion or "" for row in accepted], emotions, "takes"),
        "codecs": ", ".join(sorted({row.codec or "" for row in accepted})),
    }
    if tracks := [row for row in accepted if row.track_used]:
        metadata["several audio tracks"] = dg.MetadataValue.table(
            [dg.TableRecord({"file": row.path, "tracks": row.audio_tracks, "used": row.audio_track}) for row in tracks]
        )
    if any(row.demo for row in accepted):
        metadata["demo corpus"] = "these takes are spoken by a synthesiser"
    if rejected:
        metadata["why rejected"] = dg.MetadataValue.table(
            [
                dg.TableRecord({"problem": row.problem, "file": row.path, "reason": row.why_rejected})
                for row in sorted(rejected, key=lambda row: (row.problem or "", row.path))
            ]
        )
        metadata["rejected by problem"] = counts_table(
            "problem", Counter(row.problem or "" for row in rejected), "files"
        )
    return metadata


def clips_metadata(asset: str, actor: str, actor_files: ActorFiles, emotions: Sequence[str]) -> dict[str, Any]:
    """Counts, lengths and levels of an actor's stored clips, and their picture."""
    labels = actor_files.labels(asset, actor)
    picture = actor_files.picture_path(asset, actor)
    metadata: dict[str, Any] = {
        "dagster/partition_row_count": len(labels),
        "takes": int(labels["take_id"].nunique()),
        "augmented copies": int((labels["variant"] > 0).sum()),
        "seconds": round(float(labels["seconds"].sum()), 1),
        "mean seconds": round(float(labels["seconds"].mean()), 2),
        "loudest peak": round(float(labels["peak"].max()), 4),
        "kept whole": int(labels["trim_skipped"].sum()),
        "with a loud event": int(labels["loud_event"].sum()),
        "clips by emotion": by_emotion(labels["emotion"], emotions),
        "file": dg.MetadataValue.path(str(actor_files.path(asset, actor))),
    }
    if labels["transform"].notna().any():
        metadata["copies by transform"] = counts_table("transform", Counter(labels["transform"].dropna()))
    if picture.exists():
        metadata["picture"] = picture_metadata(picture.read_bytes(), f"{asset} of actor {actor}")
    return metadata


def picture_metadata(png: bytes, alt: str) -> dg.MarkdownMetadataValue:
    """Wrap a PNG so that the UI shows it."""
    from ser_assets.reporting.figures.thumbnails import markdown_picture

    return dg.MetadataValue.md(markdown_picture(png, alt))


def by_emotion(performed: Iterable[str], emotions: Sequence[str], what: str = "clips") -> dg.TableMetadataValue:
    """Count `what` by emotion, in the order of `emotions`."""
    counts = Counter(performed)
    return counts_table("emotion", {emotion: counts[emotion] for emotion in emotions if counts[emotion]}, what)


def counts_table(name: str, counts: Mapping[str, int], what: str = "clips") -> dg.TableMetadataValue:
    """Lay out counts of `what` as a table that the UI shows inline."""
    columns = [dg.TableColumn(name, "string"), dg.TableColumn(what, "int")]
    rows = [dg.TableRecord({name: key, what: count}) for key, count in counts.items()]
    return dg.MetadataValue.table(rows, schema=dg.TableSchema(columns))


def features_metadata(warehouse: Warehouse, emotions: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Counts of each actor's rows in `features`, and a few functionals by emotion, in the order of `emotions`."""
    shown = ("duration_seconds", "voiced_share", "log_f0_mean", "log_f0_std", "log_energy_std")
    averages = ", ".join(f"round(avg({name}), 3) AS {name}" for name in shown)
    rows = warehouse.query_arrow(
        f"SELECT actor, emotion, count(*) AS clips, {averages} FROM {FEATURES} GROUP BY actor, emotion"
    ).to_pylist()
    place = {emotion: number for number, emotion in enumerate(emotions)}
    # Actors of an earlier corpus, with other emotions, may still be in the table.
    rows.sort(key=lambda row: place.get(row["emotion"], len(place)))
    of_actor: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        of_actor[row.pop("actor")].append(row)
    return {
        actor: {
            "dagster/partition_row_count": sum(row["clips"] for row in own),
            "functionals": len(functional_names()),
            "means by emotion": dg.MetadataValue.table([dg.TableRecord(row) for row in own]),
        }
        for actor, own in of_actor.items()
    }


def model_metadata(
    predictions: "pd.DataFrame", examples: "Examples", splits: "Sequence[Split]", factory: "partial[Any]"
) -> dict[str, Any]:
    """Scores of a model, what it was trained on and with, and the confusion matrix of the first protocol.

    Args:
        predictions: as `evaluate.Evaluation.predictions`.
        examples: that were trained on.
        splits: of the evaluation.
        factory: makes the model, given its settings and seed.
    """
    folds = Counter(" ".join((split.protocol, split.fold_scheme)).strip() for split in splits)
    return {
        **scores_metadata(predictions, factory.args[1]),
        "folds by protocol": ", ".join(f"{name}: {count}" for name, count in folds.items()),
        "trained on actors": ", ".join(examples.actors),
        "trained on clips": len(examples),
        **_settings_metadata(factory),
    }


def stored_model_metadata(predictions: "pd.DataFrame", factory: "partial[Any]") -> dict[str, Any]:
    """Scores and settings of a model that is stored and was not trained again, for nothing has changed."""
    return {
        **scores_metadata(predictions, factory.args[1]),
        "not trained again": "nothing that it learns from has changed since it was trained",
        **_settings_metadata(factory),
    }


def _settings_metadata(factory: "partial[Any]") -> dict[str, Any]:
    model_settings, seed = factory.args
    values = dataclasses.asdict(model_settings).items()
    records = [dg.TableRecord({"setting": name, "value": json.dumps(value)}) for name, value in values]
    return {"settings": dg.MetadataValue.table(records), "seed": seed}


def skipped_metadata(skipped: "Sequence[Skipped]") -> dict[str, Any]:
    """Name what was requested and left out, and why; nothing where nothing was."""
    return (
        {"requested and left out": dg.MetadataValue.md("\n".join(f"- {each.line}" for each in skipped))}
        if skipped
        else {}
    )


def scores_metadata(predictions: "pd.DataFrame", seed: int) -> dict[str, Any]:
    """Scores of one model under every protocol, and its confusion matrix on unseen actors."""
    from ser_assets.learning.data.predictions import emotions_of
    from ser_assets.learning.evaluation.scores import confusion_matrix, score_table
    from ser_assets.reporting.figures.thumbnails import confusion_picture
    from ser_assets.reporting.summary import leaderboards, score_markdown

    scores = score_table(predictions, seed=seed)
    first = leaderboards(scores)[0]
    [values] = first.rows.values()
    evaluated = predictions[
        (predictions["protocol"] == first.protocol) & (predictions["fold_scheme"] == first.fold_scheme)
    ]
    picture = confusion_picture(confusion_matrix(evaluated), emotions_of(evaluated))
    return {
        **score_metadata("uar", values["uar"]),
        **{metric: round(values[metric].value, 4) for metric in ("accuracy", "f1_macro", "roc_auc")},
        "scores": dg.MetadataValue.md(score_markdown(scores)),
        "confusion matrix": picture_metadata(picture, "performed against recognised emotion"),
        "evaluated takes": len(evaluated),
        **rows_metadata(predictions),
    }


def score_metadata(name: str, score: "Score") -> dict[str, float]:
    """A score and the ends of its 95 % interval as numbers, which the UI plots over the runs."""
    numbers = {name: score.value}
    if score.has_interval:
        numbers |= {f"{name} low": score.low, f"{name} high": score.high}
    return {each: round(float(value), 4) for each, value in numbers.items()}


def rows_metadata(rows: "pd.DataFrame") -> dict[str, Any]:
    """Number of rows and columns of a table, as the UI shows them of a table."""
    types = {"b": "bool", "i": "int", "u": "int", "f": "float"}
    columns = [dg.TableColumn(str(name), types.get(dtype.kind, "string")) for name, dtype in rows.dtypes.items()]
    return {"dagster/row_count": len(rows), "dagster/column_schema": dg.TableSchema(columns)}


def report_metadata(scores: "pd.DataFrame", page: Path) -> dict[str, Any]:
    """Show the score table and the report itself, and where its page is: a browser opens no file from a web page."""
    from ser_assets.reporting.summary import headline, leaderboards, score_markdown

    best = headline(leaderboards(scores)[0])
    return {
        "in short": best.sentence,
        "best model": best.model,
        **score_metadata("best uar", best.uar),
        "scores": dg.MetadataValue.md(score_markdown(scores)),
        "report": dg.MetadataValue.md(_without_pictures(page.with_name("report.md").read_text(encoding="utf-8"), page)),
        "page": dg.MetadataValue.path(str(page.absolute())),
        **rows_metadata(scores),
    }


def _without_pictures(markdown: str, page: Path) -> str:
    """The text of the report: with its pictures, every run would add megabytes to the history."""
    text = PICTURE_LINE.sub("", markdown)
    if len(text) > LONGEST_REPORT:
        text = text[:LONGEST_REPORT].rpartition("\n")[0] + "\n\n…"
    return f"With pictures: `{page.absolute()}`\n\n{text}"
