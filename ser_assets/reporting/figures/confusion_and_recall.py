"""Figures of confusions, recalls, the corpus and the training: tables in, one matplotlib Figure out."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ser_assets.corpus.spelling import natural_order
from ser_assets.learning.data.predictions import emotions_of
from ser_assets.learning.evaluation.scores import confusion_matrix
from ser_assets.reporting.figures.style import INK, MUTED, colour_legend, name_ticks, new_figure, percent_axis, tidy
from ser_assets.reporting.labels import (
    chance_of,
    emotion_colours,
    in_model_order,
    model_colours,
    model_title,
)
from ser_assets.reporting.summary import recalls_by_actor, recalls_by_emotion

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# More of them make a larger matrix, not smaller print.
_CELLS_ABREAST = 8
_PART_STYLES: dict[str, Any] = {"training": (0, (5, 2)), "validation": "-"}


def confusion_heatmap(counts: np.ndarray, emotions: Sequence[str], title: str = "") -> "Figure":
    """Heatmap of true (rows) by predicted emotion, counts int (E, E): share of the row and, below it, the number."""
    import seaborn

    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    labels = np.array(
        [
            [f"{100 * share:.0f} %\n{count}" if count else "" for share, count in zip(*rows, strict=True)]
            for rows in zip(shares, counts, strict=True)
        ]
    )
    scale = max(1.0, len(emotions) / _CELLS_ABREAST)
    figure = new_figure(6.4 * scale, 5.6 * scale)
    axes = figure.subplots()
    seaborn.heatmap(
        shares,
        annot=labels,
        fmt="",
        vmin=0,
        vmax=1,
        cmap="Blues",
        cbar=False,
        square=True,
        linewidths=1,
        linecolor="white",
        annot_kws={"fontsize": 8.5, "linespacing": 1.15},
        xticklabels=False,
        yticklabels=False,
        ax=axes,
    )
    # Not by seaborn: it draws the names at once, before those that the font lacks are spelled.
    centres = np.arange(len(emotions)) + 0.5
    axes.set_xticks(centres, list(emotions))
    axes.set_yticks(centres, [f"{emotion} ({total})" for emotion, total in zip(emotions, totals[:, 0], strict=True)])
    axes.set(xlabel="predicted emotion", ylabel="true emotion (takes)", title=title)
    axes.tick_params(axis="x", rotation=35, length=0)
    axes.tick_params(axis="y", rotation=0, length=0)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    return figure


def model_confusion(predictions: pd.DataFrame, model: str) -> "Figure":
    """Confusion matrix of one model of a prediction table that holds one protocol."""
    own = predictions[predictions["model"] == model]
    return confusion_heatmap(confusion_matrix(own), emotions_of(own), model_title(model))


def actor_bars(predictions: pd.DataFrame) -> "Figure":
    """UAR of each actor by model, with a line at chance."""
    table = recalls_by_actor(predictions).rename(columns={"actor": "category", "uar": "value"})
    actors = sorted(table["category"].unique(), key=natural_order)
    return _model_bars(table, actors, "actor", "UAR", chance_of(emotions_of(predictions)))


def emotion_bars(predictions: pd.DataFrame, group_scores: pd.DataFrame | None = None) -> "Figure":
    """Recall of each emotion by model, with a line at chance, and 95 % intervals where `group_scores` has them.

    Args:
        predictions: of one protocol and fold scheme.
        group_scores: of the same protocol and fold scheme; the UAR of the takes of one emotion is the recall of that
            emotion.
    """
    table = recalls_by_emotion(predictions).rename(columns={"emotion": "category", "recall": "value"})
    if group_scores is not None and len(group_scores):
        own = group_scores[(group_scores["grouping"] == "emotion") & (group_scores["metric"] == "uar")]
        intervals = own.rename(columns={"group": "category"})[["model", "category", "low", "high"]]
        table = table.merge(intervals, on=["model", "category"], how="left")
    emotions = emotions_of(predictions)
    return _model_bars(table, list(emotions), "emotion", "recall", chance_of(emotions))


def _model_bars(table: pd.DataFrame, order: list[str], category: str, label: str, chance: float) -> "Figure":
    """Bars of column value by column category, one for each model side by side; columns low and high are whiskers."""
    models = in_model_order(table["model"].tolist())
    colours = model_colours(models)
    figure = new_figure(11, 3.8)
    axes = figure.subplots()
    positions = np.arange(len(order))
    width = min(0.82, 0.25 * len(models), 0.14 * len(order)) / len(models)
    for number, model in enumerate(models):
        own = table[table["model"] == model].set_index("category").reindex(order)
        centres = positions + (number - (len(models) - 1) / 2) * width
        axes.bar(centres, own["value"], width=width, color=colours[model])
        if "low" in own:
            axes.vlines(centres, own["low"], own["high"], color=INK, linewidth=0.9)
    axes.axhline(chance, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "chance", (1, chance), (4, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points", va="center"
    ).set_color(MUTED)
    name_ticks(axes, order, inches=11)
    axes.set(xlabel=category, ylabel=label, xlim=(-0.55, len(order) - 0.45), ylim=(0, 1))
    percent_axis(axes.yaxis)
    tidy(axes, grid="y")
    colour_legend(figure, {model_title(model): colour for model, colour in colours.items()})
    return figure


def samples_per_actor_and_emotion(clips: pd.DataFrame, emotions: Sequence[str]) -> "Figure":
    """Clips of each actor in a panel for each emotion, augmented copies stacked on the originals."""
    actors = sorted(clips["actor"].unique(), key=natural_order)
    kind = np.where(clips["variant"] == 0, "original", "copy")
    counts = clips.groupby(["emotion", "actor", kind]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["original", "copy"], fill_value=0)
    colours, positions = emotion_colours(emotions), np.arange(len(actors))
    rows = -(-len(emotions) // 2)
    figure = new_figure(11, 1.75 * rows)
    panels = figure.subplots(rows, 2, sharex=True, sharey=True, squeeze=False)
    if len(emotions) % 2:
        panels[-1, -1].set_visible(False)
        panels[rows - 2, -1].tick_params(labelbottom=True)
    for axes, emotion in zip(panels.flat, emotions, strict=False):
        index = pd.MultiIndex.from_product([[emotion], actors], names=counts.index.names)
        own = counts.reindex(index, fill_value=0)
        colour = colours[emotion]
        axes.bar(positions, own["original"], color=colour, width=0.74)
        axes.bar(positions, own["copy"], bottom=own["original"], color=colour, alpha=0.35, width=0.74)
        totals = own.sum()
        axes.set_title(f"{emotion}: {totals['original']} originals, {totals['copy']} copies", loc="left")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set_xlim(-0.7, max(len(actors), 8) - 0.3)
        name_ticks(axes, actors, inches=5.3)
        tidy(axes, grid="y")
    figure.supxlabel("actor", fontsize=9.5, color=INK)
    figure.supylabel("clips", fontsize=9.5, color=INK)
    colour_legend(figure, {"original": "#777777", "augmented copy": "#CFCFCF"})
    return figure


def feature_importances(importances: pd.DataFrame, top: int = 25) -> "Figure":
    """Bars of the features that matter most to the Random Forest."""
    best = importances.nlargest(top, "importance")
    figure = new_figure(11, 0.8 + 0.23 * len(best))
    axes = figure.subplots()
    axes.barh(best["feature"], best["importance"], color=model_colours(["random_forest"])["random_forest"], height=0.72)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set(xlabel="importance (mean decrease in impurity; all features sum to 1)")
    tidy(axes, grid="x")
    return figure


def learning_curves(curves: pd.DataFrame) -> "Figure":
    """Loss and accuracy by epoch: a thin line for each fold, a thick one for their mean while all of them train."""
    from matplotlib.lines import Line2D

    models = in_model_order(curves["model"].tolist())
    colours = model_colours(models)
    figure = new_figure(11, 5.2)
    panels = figure.subplots(2, len(models), sharex="col", sharey="row", squeeze=False)
    for column, model in enumerate(models):
        own = curves[curves["model"] == model]
        for row, quantity in enumerate(("loss", "accuracy")):
            axes = panels[row, column]
            for part, colour in (("training", MUTED), ("validation", colours[model])):
                by_fold = own[own["subset"] == part].pivot_table(index="epoch", columns="fold", values=quantity)
                axes.plot(by_fold.index, by_fold.to_numpy(), color=colour, linewidth=0.8, alpha=0.35)
                mean = by_fold.dropna().mean(axis=1)
                axes.plot(mean.index, mean, color=colour, linewidth=2.2, linestyle=_PART_STYLES[part])
            tidy(axes, grid="both")
        panels[0, column].set_title(model_title(model))
        panels[1, column].set_xlabel("epoch")
        panels[1, column].xaxis.get_major_locator().set_params(integer=True)
    handles = [
        Line2D([], [], color=MUTED, linewidth=2.2, linestyle=_PART_STYLES["training"], label="training"),
        Line2D([], [], color=INK, linewidth=2.2, label="validation (in the model's colour)"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, frameon=False, handlelength=3)
    panels[0, 0].set(ylabel="loss", ylim=(0, None))
    panels[1, 0].set(ylabel="accuracy", ylim=(0, 1))
    percent_axis(panels[1, 0].yaxis)
    return figure
