"""The figures of the report: tables in, one matplotlib Figure out. Reads and writes no file, keeps no global state."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ser_assets.corpus.ravdess import EMOTIONS
from ser_assets.learning.scores import confusion_matrix
from ser_assets.reporting.canvas import INK, MUTED, draw_mel, draw_waveform, new_figure, peak_text, percent_axis, tidy
from ser_assets.reporting.data import ExampleClip
from ser_assets.reporting.labels import (
    CHANCE,
    EMOTION_COLOURS,
    METRIC_NAMES,
    MODEL_COLOURS,
    MODEL_NAMES,
    in_order,
    model_colours,
    readable,
)
from ser_assets.reporting.summary import boards, recalls_by_actor, recalls_by_emotion

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PART_STYLES: dict[str, Any] = {"training": (0, (5, 2)), "validation": "-"}


def score_comparison(scores: pd.DataFrame, metrics: Sequence[str] = ("uar", "accuracy")) -> "Figure":
    """Dot for each model and protocol with its 95 % interval, a panel for each metric, a line at chance."""
    tables = boards(scores)
    shown = [metric for metric in metrics if any(metric in table.metrics for table in tables)]
    models = list(dict.fromkeys(model for table in tables for model in table.rows))
    colours = model_colours(models)
    figure = new_figure(11, 1.5 + 0.34 * max(len(models) * len(tables), 3), gap=0.06)
    panels = figure.subplots(1, len(shown), sharey=True, squeeze=False)[0]
    offsets = np.linspace(-0.3, 0.3, len(tables)) if len(tables) > 1 else np.zeros(1)
    for axes, metric in zip(panels, shown, strict=True):
        for table, offset, marker in zip(tables, offsets, _markers(len(tables)), strict=True):
            for model, found in table.rows.items():
                if metric in found:
                    _dot(axes, models.index(model) + offset, found[metric], colours[model], marker)
        axes.axvline(CHANCE, color=MUTED, linewidth=1, linestyle=(0, (4, 3)), zorder=1)
        axes.text(CHANCE, 1.0, "chance", transform=axes.get_xaxis_transform(), ha="center", va="bottom", color=MUTED)
        axes.set(title=readable(metric, METRIC_NAMES), xlim=(0, 1))
        axes.set_yticks(range(len(models)), [readable(model, MODEL_NAMES) for model in models])
        axes.set_ylim(len(models) - 0.4, -0.6)
        percent_axis(axes.xaxis)
        tidy(axes, grid="x")
    if len(tables) > 1:
        from matplotlib.lines import Line2D

        handles = [
            Line2D([], [], color=MUTED, marker=marker, linestyle="", label=table.title)
            for table, marker in zip(tables, _markers(len(tables)), strict=True)
        ]
        figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False)
    return figure


def _markers(count: int) -> list[str]:
    return [("o", "D", "s", "^")[index % 4] for index in range(count)]


def _dot(axes: "Axes", height: float, score: Any, colour: str, marker: str) -> None:
    if score.has_interval:
        axes.plot([score.low, score.high], [height, height], color=colour, linewidth=2.5, solid_capstyle="round")
    axes.plot(score.value, height, marker=marker, color=colour, markersize=8, markeredgecolor="white", zorder=3)
    right = score.high if score.has_interval else score.value
    left = score.low if score.has_interval else score.value
    beside, align = (right + 0.02, "left") if right < 0.85 else (left - 0.02, "right")
    axes.text(beside, height, f"{100 * score.value:.1f} %", ha=align, va="center", color=INK)


def confusion_heatmap(counts: np.ndarray, title: str = "") -> "Figure":
    """Heatmap of true (rows) by predicted emotion, counts int (8, 8): share of the row and, below it, the number."""
    import seaborn

    totals = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    labels = np.array(
        [
            [f"{100 * share:.0f} %\n{count}" if count else "" for share, count in zip(*rows, strict=True)]
            for rows in zip(shares, counts, strict=True)
        ]
    )
    figure = new_figure(6.4, 5.6)
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
        xticklabels=list(EMOTIONS),
        yticklabels=[f"{emotion} ({total})" for emotion, total in zip(EMOTIONS, totals[:, 0], strict=True)],
        ax=axes,
    )
    axes.set(xlabel="predicted emotion", ylabel="true emotion (takes)", title=title)
    axes.tick_params(axis="x", rotation=35, length=0)
    axes.tick_params(axis="y", rotation=0, length=0)
    for label in axes.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    return figure


def model_confusion(predictions: pd.DataFrame, model: str) -> "Figure":
    """Confusion matrix of one model of a prediction table that holds one protocol."""
    own = predictions[predictions["model"] == model]
    return confusion_heatmap(confusion_matrix(own), readable(model, MODEL_NAMES))


def actor_bars(predictions: pd.DataFrame) -> "Figure":
    """UAR of each actor by model, with a line at chance."""
    table = recalls_by_actor(predictions)
    return _model_bars(table, "actor", "uar", sorted(table["actor"].unique()), "UAR")


def emotion_bars(predictions: pd.DataFrame) -> "Figure":
    """Recall of each emotion by model, with a line at chance."""
    table = recalls_by_emotion(predictions)
    return _model_bars(table, "emotion", "recall", list(EMOTIONS), "recall")


def _model_bars(table: pd.DataFrame, category: str, value: str, order: list[str], label: str) -> "Figure":
    import seaborn

    models = in_order(table["model"].tolist(), list(MODEL_NAMES))
    figure = new_figure(11, 3.8)
    axes = figure.subplots()
    seaborn.barplot(
        table,
        x=category,
        y=value,
        hue="model",
        order=order,
        hue_order=models,
        palette=model_colours(models),
        saturation=1,
        errorbar=None,
        width=min(0.82, 0.25 * len(models), 0.14 * len(order)),
        legend=False,
        ax=axes,
    )
    axes.axhline(CHANCE, color=MUTED, linewidth=1, linestyle=(0, (4, 3)))
    axes.annotate(
        "chance", (1, CHANCE), (4, 0), xycoords=axes.get_yaxis_transform(), textcoords="offset points", va="center"
    ).set_color(MUTED)
    axes.set(xlabel=category, ylabel=label, xlim=(-0.55, len(order) - 0.45), ylim=(0, 1))
    percent_axis(axes.yaxis)
    tidy(axes, grid="y")
    _legend(figure, {readable(model, MODEL_NAMES): colour for model, colour in model_colours(models).items()})
    return figure


def samples_per_actor_and_emotion(clips: pd.DataFrame) -> "Figure":
    """Clips of each actor in a panel for each emotion, augmented copies stacked on the originals."""
    actors = sorted(clips["actor"].unique())
    kind = np.where(clips["variant"] == 0, "original", "copy")
    counts = clips.groupby(["emotion", "actor", kind]).size().unstack(fill_value=0)
    counts = counts.reindex(columns=["original", "copy"], fill_value=0)
    figure = new_figure(11, 7)
    panels = figure.subplots(len(EMOTIONS) // 2, 2, sharex=True, sharey=True)
    for axes, emotion in zip(panels.flat, EMOTIONS, strict=True):
        index = pd.MultiIndex.from_product([[emotion], actors], names=counts.index.names)
        own = counts.reindex(index, fill_value=0)
        colour = EMOTION_COLOURS[emotion]
        axes.bar(actors, own["original"], color=colour, width=0.74)
        axes.bar(actors, own["copy"], bottom=own["original"], color=colour, alpha=0.35, width=0.74)
        totals = own.sum()
        axes.set_title(f"{emotion}: {totals['original']} originals, {totals['copy']} copies", loc="left")
        axes.yaxis.get_major_locator().set_params(integer=True)
        axes.set_xlim(-0.7, max(len(actors), 8) - 0.3)
        tidy(axes, grid="y")
    figure.supxlabel("actor", fontsize=9.5, color=INK)
    figure.supylabel("clips", fontsize=9.5, color=INK)
    _legend(figure, {"original": "#777777", "augmented copy": "#CFCFCF"})
    return figure


def example_grid(examples: Sequence[ExampleClip], gender: str) -> "Figure":
    """Waveform, each to its own peak, and log-mel spectrogram of one clip for each emotion, on one time scale."""
    from matplotlib.ticker import MultipleLocator

    own = {clip.emotion: clip for clip in examples if clip.gender == gender}
    longest = max(clip.samples.size / clip.sampling_rate for clip in own.values())
    shown = [emotion for emotion in EMOTIONS if emotion in own]
    rows = -(-len(shown) // 4)
    figure = new_figure(11, 3.1 * rows + 0.2, gap=0.04)
    panels = figure.subplots(2 * rows, 4, sharex=True, squeeze=False, height_ratios=[1, 1.9] * rows)
    for axes in panels.flat:
        axes.set_visible(False)
    for index, emotion in enumerate(shown):
        row, column = divmod(index, 4)
        wave, mel = panels[2 * row, column], panels[2 * row + 1, column]
        clip = own[emotion]
        draw_waveform(wave, clip.samples, clip.sampling_rate, EMOTION_COLOURS[emotion])
        draw_mel(mel, clip.samples, clip.sampling_rate)
        wave.set_visible(True)
        mel.set_visible(True)
        wave.set_title(emotion, loc="left", fontweight="bold", pad=3)
        wave.set_title(peak_text(clip.samples), loc="right", fontsize=8, color=MUTED, pad=3)
        wave.set_xlim(0, longest)
        wave.tick_params(labelbottom=False)
        mel.tick_params(labelbottom=True)
        mel.set_xlabel(f"take {clip.take_id}", fontsize=8, color=MUTED)
        mel.xaxis.set_major_locator(MultipleLocator(0.5 if longest < 4 else 1))
        mel.xaxis.set_major_formatter("{x:g} s")
        for axes in (wave, mel):
            axes.tick_params(labelleft=column == 0)
        if column == 0:
            mel.set_ylabel("Hz")
    return figure


def feature_importances(importances: pd.DataFrame, top: int = 25) -> "Figure":
    """Bars of the features that the Random Forest leans on most."""
    best = importances.nlargest(top, "importance")
    figure = new_figure(11, 0.8 + 0.23 * len(best))
    axes = figure.subplots()
    axes.barh(best["feature"], best["importance"], color=MODEL_COLOURS["random_forest"], height=0.72)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.set(xlabel="importance (mean decrease in impurity; all features sum to 1)")
    tidy(axes, grid="x")
    return figure


def learning_curves(curves: pd.DataFrame) -> "Figure":
    """Loss and accuracy by epoch: a thin line for each fold, a thick one for their mean while all of them train."""
    from matplotlib.lines import Line2D

    models = in_order(curves["model"].tolist(), list(MODEL_NAMES))
    colours = model_colours(models)
    figure = new_figure(11, 5.2)
    panels = figure.subplots(2, len(models), sharex="col", sharey="row", squeeze=False)
    for column, model in enumerate(models):
        own = curves[curves["model"] == model]
        for row, quantity in enumerate(("loss", "accuracy")):
            axes = panels[row, column]
            for part, colour in (("training", MUTED), ("validation", colours[model])):
                by_fold = own[own["part"] == part].pivot_table(index="epoch", columns="fold", values=quantity)
                axes.plot(by_fold.index, by_fold.to_numpy(), color=colour, linewidth=0.8, alpha=0.35)
                mean = by_fold.dropna().mean(axis=1)
                axes.plot(mean.index, mean, color=colour, linewidth=2.2, linestyle=_PART_STYLES[part])
            tidy(axes, grid="both")
        panels[0, column].set_title(readable(model, MODEL_NAMES))
        panels[1, column].set_xlabel("epoch")
    handles = [
        Line2D([], [], color=MUTED, linewidth=2.2, linestyle=_PART_STYLES["training"], label="training"),
        Line2D([], [], color=INK, linewidth=2.2, label="validation (in the model's colour)"),
    ]
    figure.legend(handles=handles, loc="outside upper left", ncols=2, frameon=False, handlelength=3)
    panels[0, 0].set(ylabel="loss", ylim=(0, None))
    panels[1, 0].set(ylabel="accuracy", ylim=(0, 1))
    percent_axis(panels[1, 0].yaxis)
    return figure


def _legend(figure: "Figure", colours: dict[str, str]) -> None:
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=label) for label, colour in colours.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False)
