"""Figures of clips: waveforms and log-mel spectrograms of examples and of takes that were missed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ser_assets.reporting.figures.style import MUTED, draw_mel, draw_waveform, new_figure, peak_text
from ser_assets.reporting.labels import emotion_colours
from ser_assets.reporting.report_data import ExampleClip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def example_grid(examples: Sequence[ExampleClip], gender: str, emotions: Sequence[str]) -> "Figure":
    """Waveform, each to its own peak, and log-mel spectrogram of one clip for each emotion, on one time scale."""
    own = {clip.emotion: clip for clip in examples if clip.gender == gender}
    shown = [emotion for emotion in emotions if emotion in own]
    colours = emotion_colours(emotions)
    longest = longest_seconds(list(own.values()))
    rows = -(-len(shown) // 4)
    figure = new_figure(11, 3.1 * rows + 0.2, gap=0.04)
    panels = figure.subplots(2 * rows, 4, sharex=True, squeeze=False, height_ratios=[1, 1.9] * rows)
    for axes in panels.flat:
        axes.set_visible(False)
    for index, emotion in enumerate(shown):
        row, column = divmod(index, 4)
        wave, mel = panels[2 * row, column], panels[2 * row + 1, column]
        _draw_clip(wave, mel, own[emotion], longest, colours[emotion])
        wave.set_title(emotion, loc="left", fontweight="bold", pad=3)
        mel.set_xlabel(f"take {own[emotion].take_id}", fontsize=8, color=MUTED)
        for axes in (wave, mel):
            axes.set_visible(True)
            axes.tick_params(labelleft=column == 0)
        if column == 0:
            mel.set_ylabel("Hz")
    return figure


def clip_card(clip: ExampleClip, seconds: float, emotions: Sequence[str]) -> "Figure":
    """Waveform and log-mel spectrogram of one clip, on a time scale of so many seconds."""
    figure = new_figure(3.4, 2.5)
    wave, mel = figure.subplots(2, 1, sharex=True, height_ratios=[1, 1.9])
    _draw_clip(wave, mel, clip, seconds, emotion_colours(emotions)[clip.emotion])
    mel.set_ylabel("Hz", fontsize=8)
    return figure


def longest_seconds(clips: Sequence[ExampleClip]) -> float:
    """Length of the longest clip in seconds."""
    return max(clip.samples.size / clip.sampling_rate for clip in clips)


def _draw_clip(wave: "Axes", mel: "Axes", clip: ExampleClip, seconds: float, colour: str) -> None:
    from matplotlib.ticker import MultipleLocator

    draw_waveform(wave, clip.samples, clip.sampling_rate, colour)
    draw_mel(mel, clip.samples, clip.sampling_rate)
    wave.set_title(peak_text(clip.samples), loc="right", fontsize=8, color=MUTED, pad=3)
    wave.set_xlim(0, seconds)
    wave.tick_params(labelbottom=False)
    mel.tick_params(labelbottom=True)
    mel.xaxis.set_major_locator(MultipleLocator(0.5 if seconds < 4 else 1))
    mel.xaxis.set_major_formatter("{x:g} s")
