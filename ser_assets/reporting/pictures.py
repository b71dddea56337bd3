"""Small pictures for Dagster's metadata: PNG bytes, and the Markdown that shows them without a file."""

import base64
from collections.abc import Sequence

import numpy as np

from ser_assets.reporting.canvas import draw_mel, draw_waveform, new_figure, peak_text, to_png
from ser_assets.reporting.labels import MODEL_COLOURS

_INK_BLUE = MODEL_COLOURS["complex_cnn"]


def markdown_picture(png: bytes, alt: str) -> str:
    """Markdown image that carries its own bytes as a data URI."""
    return f"![{alt}]({data_uri(png)})"


def data_uri(png: bytes) -> str:
    """Return the picture as a `data:` URI."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def clip_strip(clips: Sequence[tuple[str, np.ndarray]], sampling_rate: int) -> bytes:
    """Few clips side by side, `(title, samples)` each, on one time scale, each to its own peak, as PNG bytes.

    Raises:
        ValueError: there is no clip to draw.
    """
    if not clips:
        raise ValueError("no clip to draw")
    figure = new_figure(0.6 + 2.6 * max(len(clips), 1.6), 2.8)
    panels = figure.subplots(2, len(clips), sharex=True, squeeze=False, height_ratios=[1, 1.8])
    for (title, samples), (wave, mel) in zip(clips, panels.T, strict=True):
        draw_waveform(wave, samples, sampling_rate, _INK_BLUE)
        wave.set_title(title, fontsize=9, loc="left")
        draw_mel(mel, samples, sampling_rate)
        mel.set_xlabel(f"seconds · {peak_text(samples)}", fontsize=8)
        mel.tick_params(labelleft=mel is panels[1, 0])
    panels[1, 0].set_ylabel("Hz", fontsize=8)
    panels[1, 0].set_xlim(0, max(samples.size for _, samples in clips) / sampling_rate)
    return to_png(figure, dpi=100)


def confusion_picture(counts: np.ndarray, title: str = "") -> bytes:
    """Confusion matrix of counts, int (8, 8) as `learning.scores.confusion_matrix` gives them, as PNG bytes."""
    from ser_assets.reporting.plots import confusion_heatmap

    return to_png(confusion_heatmap(counts, title), dpi=90)
