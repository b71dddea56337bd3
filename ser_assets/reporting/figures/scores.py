"""Figures of scores and their intervals: protocols beside published systems, reliability, and groups of takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ser_assets.learning.evaluation.scores import reliability
from ser_assets.reporting.figures.style import INK, MUTED, colour_legend, new_figure, percent_axis, tidy
from ser_assets.reporting.labels import (
    GROUPING_NAMES,
    METRIC_NAMES,
    decimal,
    in_given_order,
    in_model_order,
    model_colours,
    model_title,
    readable,
)
from ser_assets.reporting.leaderboard import Leaderboard, Score, all_models
from ser_assets.reporting.references import PEOPLE, Reference

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_METRICS = ("uar", "accuracy")
_DASHED = (0, (4, 3))
# Heights in lines: a model takes one, a protocol leaves one empty below its models, a published system takes more.
_REFERENCE_LINE = 1.5
_INCHES_PER_LINE = 0.155


def protocols_side_by_side(
    tables: Sequence[Leaderboard], chance: float, references: Sequence[Reference] = ()
) -> "Figure":
    """UAR and accuracy with 95 % intervals: a band for each protocol, below them a row for each published system.

    A thin line rises from each published score through the bands; people and chance are dashed lines.
    """
    models = all_models(list(tables))
    colours = model_colours(models)
    starts = np.cumsum([0, *(len(table.rows) + 1 for table in tables)])
    systems = [reference for reference in references if reference is not PEOPLE]
    lines = starts[-1] + (_REFERENCE_LINE * (len(systems) + 1) if systems else 0)
    figure = new_figure(11, 1.3 + _INCHES_PER_LINE * max(lines, 6), gap=0.04)
    panels = figure.subplots(1, len(_METRICS), sharey=True)
    for axes, metric in zip(panels, _METRICS, strict=True):
        for table, start in zip(tables, starts[:-1], strict=True):
            for line, model in enumerate(model for model in models if model in table.rows):
                if metric in table.rows[model]:
                    _dot(axes, start + line, table.rows[model][metric], colours[model])
        for number, system in enumerate(systems):
            _published(axes, starts[-1] + _REFERENCE_LINE * (number + 1), system.value(metric))
        _upright(axes, chance, "chance")
        people = PEOPLE.value(metric)
        if PEOPLE in references and people is not None:
            _upright(axes, people, f"people {100 * people:.1f} %", INK)
        axes.set(xlim=(0, 1), ylim=(lines - 0.2, -1))
        axes.set_title(readable(metric, METRIC_NAMES), pad=20)
        percent_axis(axes.xaxis)
        tidy(axes, grid="x")
    centres = [start + (len(table.rows) - 1) / 2 for table, start in zip(tables, starts[:-1], strict=True)]
    rows = [starts[-1] + _REFERENCE_LINE * (number + 1) for number in range(len(systems))]
    names = [f"{table.name}\n{table.fold_scheme}".rstrip() for table in tables] + [system.system for system in systems]
    panels[0].set_yticks([*centres, *rows], names)
    if systems:
        for axes in panels:
            axes.axhline(starts[-1] + 0.2, color=MUTED, linewidth=0.8)
        panels[0].text(0.01, starts[-1], "published, on unseen actors", color=MUTED, fontsize=8, va="bottom")
    colour_legend(figure, {model_title(model): colour for model, colour in colours.items()})
    return figure


def _dot(axes: "Axes", height: float, score: Score, colour: str) -> None:
    if score.has_interval:
        axes.plot([score.low, score.high], [height, height], color=colour, linewidth=2.2, solid_capstyle="round")
    axes.plot(score.value, height, marker="o", color=colour, markersize=6, markeredgecolor="white", zorder=3)


def _published(axes: "Axes", height: float, value: float | None) -> None:
    if value is None:
        return
    axes.plot([value, value], [-1, height], color=MUTED, linewidth=0.6, alpha=0.45, zorder=1)
    axes.plot(value, height, marker="D", color=MUTED, markersize=4.5, zorder=3)
    axes.text(value + 0.02, height, f"{100 * value:.1f} %", color=INK, fontsize=8, va="center")


def _upright(axes: "Axes", value: float, name: str, colour: str = MUTED) -> None:
    axes.axvline(value, color=colour, linewidth=1.1, linestyle=_DASHED, zorder=1)
    axes.annotate(
        name, (value, 1), (0, 3), xycoords=axes.get_xaxis_transform(), textcoords="offset points", ha="center"
    ).set(color=colour, fontsize=9)


def reliability_diagram(evaluated: pd.DataFrame, board: Leaderboard) -> "Figure":
    """Share of correct predictions by predicted probability, a panel for each model; below, the number of takes.

    The larger a dot, the more takes it stands for.

    Args:
        evaluated: predictions of the board's own protocol and fold scheme.
        board: of the protocol.
    """
    models = in_given_order(evaluated["model"].tolist(), list(board.rows))
    colours = model_colours(models)
    figure = new_figure(11, 4.0)
    panels = figure.subplots(2, max(len(models), 4), sharex=True, sharey="row", height_ratios=[4, 1], squeeze=False)
    for upper, lower in panels.T[len(models) :]:
        upper.set_visible(False)
        lower.set_visible(False)
    for model, (upper, lower) in zip(models, panels.T, strict=False):
        bins = reliability(evaluated[evaluated["model"] == model])
        upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=_DASHED)
        upper.plot(bins["confidence"], bins["accuracy"], color=colours[model], linewidth=1.4, alpha=0.6)
        area = 10 + 50 * bins["takes"] / bins["takes"].max()
        upper.scatter(bins["confidence"], bins["accuracy"], color=colours[model], s=area, edgecolor="white", zorder=3)
        lower.bar(bins["low"], bins["takes"], width=bins["high"] - bins["low"], align="edge", color=colours[model])
        upper.set_title(model_title(model), loc="left", pad=16)
        error = board.rows.get(model, {}).get("calibration_error")
        if error is not None:
            text = f"calibration error {decimal(error.value)}"
            upper.text(0, 1.03, text, transform=upper.transAxes, fontsize=8.5, color=MUTED)
        upper.set(xlim=(0, 1), ylim=(-0.02, 1.02), xticks=(0.2, 0.4, 0.6, 0.8))
        lower.set_xlabel("predicted probability")
        for axis in (upper.xaxis, upper.yaxis):
            percent_axis(axis)
        for axes in (upper, lower):
            tidy(axes, grid="both" if axes is upper else "y")
    panels[0, 0].set_ylabel("correct")
    panels[1, 0].set_ylabel("takes")
    return figure


def group_dots(groups: pd.DataFrame, chance: float) -> "Figure":
    """UAR with 95 % interval of each group (`summary.informative_groups`) by model."""
    models = in_model_order(groups["model"].tolist())
    colours = model_colours(models)
    groupings = in_given_order(groups["grouping"].tolist(), list(GROUPING_NAMES))
    most = groups.groupby("grouping")["group"].nunique().max()
    figure = new_figure(11, 1.1 + most * _INCHES_PER_LINE * (len(models) + 1), gap=0.05)
    for axes, grouping in zip(figure.subplots(1, len(groupings), squeeze=False)[0], groupings, strict=True):
        table = groups[groups["grouping"] == grouping]
        names = sorted(table["group"].unique())
        for row in table.to_dict("records"):
            height = names.index(row["group"]) * (len(models) + 1) + models.index(row["model"])
            score = Score(row["value"], row["low"], row["high"], row["actors"], row["takes"])
            _dot(axes, height, score, colours[row["model"]])
        centres = [number * (len(models) + 1) + (len(models) - 1) / 2 for number in range(len(names))]
        axes.set_yticks(centres, [_two_lines(name) for name in names])
        axes.set(xlim=(0, 1), ylim=(len(names) * (len(models) + 1) - 0.6, -1))
        axes.set_title(readable(grouping, GROUPING_NAMES), loc="left")
        axes.axvline(chance, color=MUTED, linewidth=1, linestyle=_DASHED, zorder=1)
        percent_axis(axes.xaxis)
        tidy(axes, grid="x")
    colour_legend(figure, {model_title(model): colour for model, colour in colours.items()})
    return figure


def _two_lines(text: str) -> str:
    words = text.split()
    return " ".join(words[: (len(words) + 1) // 2]) + "\n" + " ".join(words[(len(words) + 1) // 2 :])
