"""What every figure is drawn with: the canvas, the look of its axes, waveforms, mel spectrograms, and PNG bytes."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ser_assets.audio.features.names import MEL_BANDS
from ser_assets.audio.features.spectrum import centred_frames, decibels, frame_length_at, mel_power, spectrum
from ser_assets.reporting.figures.spelling import LEGEND_KEY, drawn_length, spell_out

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#222222"
MUTED = "#6B6B6B"
_FAINT = "#E3E3E3"
_MEL_RANGE_DB = 70.0
# Of the names under an axis, in 9 points.
_INCHES_OF_A_LINE = 0.13
_LETTERS_TO_AN_INCH = 14
_ASLANT_TO_AN_INCH = 4


def new_figure(width: float, height: float, gap: float = 0.02, *, laid_out: bool = True) -> "Figure":
    """Empty white figure on its own Agg canvas, in inches; pyplot is not touched.

    `gap` is the room between panels, which matplotlib lays out, unless they are not to be `laid_out`.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    # Names of emotions and speakers may hold dollars, between which there is no formula.
    matplotlib.rcParams["text.parse_math"] = False
    layout = ConstrainedLayoutEngine(wspace=gap, hspace=gap) if laid_out else None
    figure = Figure(figsize=(width, height), layout=layout, facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def to_png(figure: "Figure", dpi: int = 150) -> bytes:
    """PNG of a figure; the same figure gives the same bytes. `spelling.legend_of` reads the legend that it carries."""
    legend = spell_out(figure)
    buffer = io.BytesIO()
    metadata = {"Software": None, **({LEGEND_KEY: legend} if legend else {})}
    figure.savefig(buffer, format="png", dpi=dpi, metadata=metadata)
    return buffer.getvalue()


def tidy(axes: "Axes", grid: Literal["x", "y", "both"]) -> None:
    """Take away what holds no data: the frame, the ticks; leave a faint grid behind the marks."""
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(MUTED)
    axes.set_axisbelow(True)
    axes.grid(axis=grid, color=_FAINT, linewidth=0.8)
    axes.tick_params(length=0, labelsize=9, labelcolor=INK)


def name_ticks(axes: "Axes", names: Sequence[str], inches: float) -> None:
    """Write a name under each of the positions 0, 1, … of an axis of so many inches.

    Where names would run into each other they are slanted or upright, and where even so only every so many of them.
    """
    step = -(-len(names) // int(inches / _INCHES_OF_A_LINE))
    axes.set_xticks(range(0, len(names), step), names[::step])
    if len(names) * (max(map(drawn_length, names)) + 1) > inches * _LETTERS_TO_AN_INCH:
        upright = len(names) > inches * _ASLANT_TO_AN_INCH
        for label in axes.get_xticklabels():
            across = "center" if upright else "top"
            label.set(rotation=90 if upright else 35, ha="right", va=across, rotation_mode="anchor")


def percent_axis(axis: Any) -> None:
    """Label shares of one as percentages."""
    from matplotlib.ticker import PercentFormatter

    axis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))


def colour_legend(figure: "Figure", colours: dict[str, str]) -> None:
    """Say above the panels what each colour stands for."""
    from matplotlib.patches import Patch

    handles = [Patch(color=colour, label=label) for label, colour in colours.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), frameon=False)


def draw_waveform(axes: "Axes", samples: np.ndarray, sampling_rate: int, colour: str, start: float = 0.0) -> None:
    """Envelope of a clip over time in seconds, from `start` on, drawn to the clip's own peak."""
    low, high = _envelope(samples, bins=600)
    seconds = start + np.linspace(0, samples.size / sampling_rate, low.size)
    axes.fill_between(seconds, low, high, color=colour, linewidth=0.4, edgecolor=colour)
    peak = float(np.abs(samples).max(initial=0.0)) or 1.0
    axes.set(ylim=(-peak, peak), yticks=[])
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)


def _envelope(samples: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    starts = np.unique(np.linspace(0, samples.size, min(bins, samples.size), endpoint=False).astype(int))
    return np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)


def peak_text(samples: np.ndarray) -> str:
    """Loudest sample in dB under full scale, such as `peak -31 dB`."""
    peak = float(np.abs(samples).max(initial=0.0))
    return f"peak {20 * np.log10(peak):.0f} dB" if peak > 0 else "silent"


def draw_mel(axes: "Axes", samples: np.ndarray, sampling_rate: int, start: float = 0.0) -> None:
    """Log-mel spectrogram over time in seconds, from `start` on, 0 to -70 dB under the loudest bin, dark is loud."""
    frame_length = frame_length_at(sampling_rate)
    of = spectrum(centred_frames(samples, frame_length, frame_length // 4), sampling_rate)
    log_mel = decibels(mel_power(of, MEL_BANDS), _MEL_RANGE_DB)
    axes.imshow(
        log_mel.T - log_mel.max(),
        origin="lower",
        aspect="auto",
        cmap="Blues",
        vmin=-_MEL_RANGE_DB,
        vmax=0,
        extent=(start, start + samples.size / sampling_rate, 0, MEL_BANDS),
        interpolation="bilinear",
    )
    marks = [hertz for hertz in (500, 2000, 8000) if hertz < sampling_rate / 2]
    axes.set_yticks([_mel_band(hertz, sampling_rate) for hertz in marks], [str(hertz) for hertz in marks])
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    axes.tick_params(length=0, labelsize=8, labelcolor=INK)


def _mel_band(hertz: float, sampling_rate: int) -> float:
    from librosa import mel_frequencies

    centres = mel_frequencies(n_mels=MEL_BANDS + 2, fmax=sampling_rate / 2)[1:-1]
    return float(np.interp(hertz, centres, np.arange(MEL_BANDS))) + 0.5
