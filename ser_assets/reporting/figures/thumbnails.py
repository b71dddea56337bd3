"""Small pictures for Dagster's metadata: PNG bytes, and the Markdown that shows them without a file."""

import base64
from collections.abc import Sequence

import numpy as np

from ser_assets.learning.models.catalog import MODELS
from ser_assets.reporting.figures.spelling import legend_of
from ser_assets.reporting.figures.style import MEL_BANDS, draw_mel, draw_waveform, new_figure, peak_text, to_png

GAP = 0.05
_INK_BLUE = MODELS["complex_cnn"].colour


def markdown_picture(png: bytes, alt: str) -> str:
    """Markdown image that carries its own bytes as a data URI, and below it the legend of names that it spells."""
    legend = legend_of(png)
    return f"![{alt}]({data_uri(png)})" + (f"\n\n{legend}" if legend else "")


def data_uri(png: bytes) -> str:
    """Return the picture as a `data:` URI."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def clip_strip(clips: Sequence[tuple[str, np.ndarray]], sampling_rate: int) -> bytes:
    """Few clips side by side, `(title, samples)` each, on one time scale, each to its own peak, as PNG bytes.

    All clips share one pair of axes and nothing is laid out: an actor has three of these pictures, and most of the time
    of drawing one goes into axes and their layout.

    Raises:
        ValueError: there is no clip to draw.
    """
    if not clips:
        raise ValueError("no clip to draw")
    longest = max(samples.size for _, samples in clips) / sampling_rate
    slot = longest * (1 + GAP)
    figure = new_figure(0.6 + 2.6 * max(len(clips), 1.6), 2.8, laid_out=False)
    figure.subplots_adjust(left=0.06, right=0.99, top=0.9, bottom=0.17, hspace=0.05)
    wave, mel = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.8])
    marks: dict[float, str] = {}
    for number, (title, samples) in enumerate(clips):
        start = number * slot
        peak = float(np.abs(samples).max(initial=0.0)) or 1.0
        draw_waveform(wave, samples / peak, sampling_rate, _INK_BLUE, start)
        draw_mel(mel, samples, sampling_rate, start)
        wave.text(start, 1.12, title, fontsize=9)
        mel.text(start + longest / 2, -19, f"seconds · {peak_text(samples)}", fontsize=8, ha="center")
        marks |= {start + second: str(second) for second in range(int(samples.size / sampling_rate) + 1)}
    mel.set_xticks(list(marks), list(marks.values()))
    mel.set_ylabel("Hz", fontsize=8)
    wave.tick_params(labelbottom=False)
    mel.set(xlim=(0, slot * len(clips) - GAP * longest), ylim=(0, MEL_BANDS))
    return to_png(figure, dpi=100)


def confusion_picture(counts: np.ndarray, emotions: Sequence[str], title: str = "") -> bytes:
    """Confusion matrix of counts, int (E, E) as `evaluation.scores.confusion_matrix` gives them, as PNG bytes."""
    from ser_assets.reporting.figures.confusion_and_recall import confusion_heatmap

    return to_png(confusion_heatmap(counts, emotions, title), dpi=90)
