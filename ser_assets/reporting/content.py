"""The content of the page: the values for its templates, and the same figures for machines."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import pandas as pd

from ser_assets.learning.evaluation.scores import confusion_matrix, reliability
from ser_assets.reporting.baseline_table import COMMAND, WAY_NAMES, WHY_THEY_DIFFER, reproduced_models, reproduction_gap
from ser_assets.reporting.comparison import best_of, chance_check, contributions_on, differences_on, gaps
from ser_assets.reporting.figures.index import all_pictures
from ser_assets.reporting.labels import (
    FOLD_NAMES,
    GROUPING_NAMES,
    INTERVAL_NOTE,
    METRIC_NAMES,
    chance_of,
    in_given_order,
    join_words,
    metric_note,
    model_title,
    percent,
    readable,
)
from ser_assets.reporting.leaderboard import Leaderboard, Score, all_models, leaderboards
from ser_assets.reporting.leakage_audit import SIDES, audits
from ser_assets.reporting.references import REFERENCES, Reference
from ser_assets.reporting.report_data import MissedTake, ReportData
from ser_assets.reporting.summary import (
    board_markdown,
    headline,
    informative_groups,
    recalls_by_actor,
    recalls_by_emotion,
)

# Longer lists of rejected files are folded up, on the screen and in print.
_PATHS_SHOWN = 12
# Facts with more letters than this have a line of their own, the others stand in columns.
_WIDE_FACT = 28


def page_content(data: ReportData) -> dict[str, Any]:
    """Values for the templates; the first board is the one that the headline and the figures are about.

    sections: title of each section that has something to show, by its anchor, in the order of the page.
    """
    tables = leaderboards(data.scores)
    differences = differences_on(tables[0], data.differences)
    references = _references(data)
    reproduced = reproduced_models(data.reproduction)
    audited = audits(data.leakage_audit)
    groups = _groups(tables[0].of(data.group_scores))
    pictures = list(all_pictures(data, tables, references))
    return {
        "sections": _sections(data, tables, {picture.section for picture in pictures}),
        "headline": headline(tables[0], differences),
        "board": tables[0],
        "leaderboards": tables,
        "board_markdown": board_markdown,
        "models": {model: model_title(model) for model in all_models(tables)},
        "metrics": {metric: readable(metric, METRIC_NAMES) for metric in METRIC_NAMES}
        | {metric: readable(metric, METRIC_NAMES) for table in tables for metric in table.metrics},
        "metric_notes": _metric_notes(tables[0], data.emotions),
        "protocol_notes": {table.name: table.note for table in tables if table.note},
        "fold_notes": {
            table.fold_scheme: FOLD_NAMES[table.fold_scheme] for table in tables if table.fold_scheme in FOLD_NAMES
        },
        "gaps": gaps(tables),
        "chance_checks": [
            chance_check(table, table.of(data.predictions), chance_of(data.emotions))
            for table in tables
            if table.protocol == "permuted_labels"
        ],
        "references": references,
        "differences": differences,
        "contributions": contributions_on(tables[0], data.contributions),
        "best_of": best_of(tables[0]),
        "chance": chance_of(data.emotions),
        "groups": groups,
        "groupings": join_words(list(dict.fromkeys(row["grouping"].lower() for row in groups))),
        "ravdess": data.corpus.name == "ravdess",
        "missed": [_in_board_order(take, tables[0]) for take in data.missed],
        "missed_sentence": _missed_sentence(data, tables[0]),
        "reproduced": reproduced,
        "reproduction_gap": reproduction_gap(reproduced),
        "ways": WAY_NAMES,
        "why_they_differ": WHY_THEY_DIFFER,
        "reproduction_command": COMMAND,
        "sides": SIDES,
        "audits": audited,
        "leaks": [leak for audit in audited for leak in audit.leaks],
        "corpus": _corpus(data.takes),
        "rejected": _rejected(data.rejected),
        "paths_shown": _PATHS_SHOWN,
        "facts": data.facts,
        "wide_fact": _WIDE_FACT,
        "skipped": data.skipped,
        "notice": data.notice,
        "pictures": pictures,
    }


def _sections(data: ReportData, tables: list[Leaderboard], drawn: set[str]) -> dict[str, str]:
    several = len(tables) > 1
    candidates = {
        "protocols": ("Protocols side by side" if several else "Scores", True),
        "reliability": ("Calibration", "reliability" in drawn),
        "confusion": ("Confusion matrices", "confusion" in drawn),
        "recall": ("Recall by emotion and speaker", "recall" in drawn or "groups" in drawn),
        "missed": ("Takes that every model misses", data.missed_count > 0),
        "notebook": ("The notebook, reproduced", len(data.reproduction) > 0),
        "leaderboards": ("All scores", several),
        "leakage_audit": ("Leakage audit", len(data.leakage_audit) > 0),
        "corpus": ("Data", bool(len(data.takes) or len(data.clips) or len(data.rejected))),
        "curves": ("Learning curves", "curves" in drawn),
        "importances": ("Feature importances", "importances" in drawn),
        "examples": ("Example clips", "examples" in drawn),
        "facts": ("Reproduce", bool(data.facts)),
    }
    return {anchor: title for anchor, (title, is_there) in candidates.items() if is_there}


def machine_readable(data: ReportData) -> dict[str, Any]:
    """All figures of the page as plain values that JSON can hold; a number that does not exist is null."""
    tables = leaderboards(data.scores)
    best = headline(tables[0], differences_on(tables[0], data.differences))
    evaluated = tables[0].of(data.predictions)
    by_model = [(str(model), own) for model, own in evaluated.groupby("model")] if len(evaluated) else []
    return {
        "headline": {
            "model": best.model,
            "protocol": best.protocol,
            "fold_scheme": best.fold_scheme,
            "sentence": best.sentence,
            "comparison": best.comparison,
            "chance": chance_of(data.emotions),
        },
        "scores": _records(data.scores),
        "differences": _records(data.differences),
        "group_scores": _records(data.group_scores),
        "references": [dataclasses.asdict(reference) for reference in _references(data)],
        "emotions": list(data.emotions),
        "reliability": {model: _records(reliability(own)) for model, own in by_model},
        "confusion": {model: confusion_matrix(own).tolist() for model, own in by_model},
        "recall_by_actor": _records(recalls_by_actor(evaluated)) if len(evaluated) else [],
        "recall_by_emotion": _records(recalls_by_emotion(evaluated)) if len(evaluated) else [],
        "misclassified_by_all": data.missed_count,
        "missed": [_missed_record(take) for take in data.missed],
        "notebook_reproduction": _records(data.reproduction),
        "corpus": _corpus(data.takes),
        "clips": _records(data.clip_counts) if len(data.clips) else [],
        "rejected": _records(data.rejected),
        "leakage_audit": _records(data.leakage_audit),
        "importances": _records(data.importances),
        "learning_curves": _records(data.learning_curves),
        "facts": data.facts,
        "skipped": list(data.skipped),
        "notice": data.notice,
    }


def _metric_notes(board: Leaderboard, emotions: Sequence[str]) -> list[str]:
    """What the metrics of a board mean, and how far its intervals are to be trusted where there are some."""
    notes = [note for metric in board.metrics if (note := metric_note(metric, emotions))]
    return [*notes, INTERVAL_NOTE] if board.has_intervals else notes


def _references(data: ReportData) -> tuple[Reference, ...]:
    """People and published systems; none beside voices of which a notice warns, or of another corpus."""
    return () if data.notice else REFERENCES.get(data.corpus.name, ())


def _groups(group_scores: pd.DataFrame) -> list[dict[str, Any]]:
    """UAR by gender, intensity and statement: a row for each group, `scores` by model."""
    own = informative_groups(group_scores)
    if own.empty:
        return []
    rows = [
        {
            "grouping": GROUPING_NAMES[str(grouping)],
            "group": str(group),
            "scores": {
                row["model"]: Score(row["value"], row["low"], row["high"], row["actors"], row["takes"])
                for row in table.to_dict("records")
            },
        }
        for (grouping, group), table in own.groupby(["grouping", "group"])
    ]
    order = list(GROUPING_NAMES.values())
    return sorted(rows, key=lambda row: order.index(row["grouping"]))


def _missed_sentence(data: ReportData, board: Leaderboard) -> str:
    """How many takes every model misses; empty where there are none."""
    if not data.missed_count:
        return ""
    evaluated = max(found["uar"].takes for found in board.rows.values())
    who = "Every model misses" if len(board.rows) > 2 else "All models miss"
    shown = (
        f" Shown: the {len(data.missed)} to whose emotion the models gave the lowest probability."
        if 0 < len(data.missed) < data.missed_count
        else ""
    )
    return f"{who} {data.missed_count} of {evaluated} takes ({percent(data.missed_count / evaluated)}).{shown}"


def _in_board_order(take: MissedTake, board: Leaderboard) -> MissedTake:
    predicted = {model: take.predicted[model] for model in in_given_order(list(take.predicted), list(board.rows))}
    return dataclasses.replace(take, predicted=predicted)


def _missed_record(take: MissedTake) -> dict[str, Any]:
    return {
        "take_id": take.clip.take_id,
        "actor": take.actor,
        "emotion": take.clip.emotion,
        "intensity": take.intensity,
        "statement": take.statement,
        "predicted": {
            model: {"emotion": emotion, "probability": float(probability)}
            for model, (emotion, probability) in take.predicted.items()
        },
    }


def _corpus(takes: pd.DataFrame) -> dict[str, Any] | None:
    if takes.empty:
        return None
    genders = takes.groupby("gender")["actor"].nunique()
    return {
        "takes": len(takes),
        "actors": int(takes["actor"].nunique()),
        "actors_by_gender": {str(gender): int(count) for gender, count in genders.items()},
        "minutes": round(float(takes["seconds"].sum()) / 60, 1),
        "mean_seconds": round(float(takes["seconds"].mean()), 2),
    }


def _rejected(rejected: pd.DataFrame) -> dict[str, list[str]]:
    if rejected.empty:
        return {}
    by_reason = rejected.groupby("reason")["path"].apply(lambda paths: sorted(map(str, paths)))
    return {str(reason): paths for reason, paths in sorted(by_reason.items(), key=lambda item: -len(item[1]))}


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return json.loads(table.to_json(orient="records", double_precision=15))
