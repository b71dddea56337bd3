"""Names in any script: figures spell what their font lacks, and say what stands for what."""

import warnings

import numpy as np
import pandas as pd
import pytest

from ser_assets.reporting.figures import confusion_and_recall
from ser_assets.reporting.figures.spelling import legend_of, spell_out
from ser_assets.reporting.figures.style import colour_legend, new_figure, to_png
from ser_assets.reporting.figures.thumbnails import clip_strip, confusion_picture, markdown_picture

SCRIPTS = ("高兴", "かなしみ", "기쁨", "दुःख", "โกรธ", "සතුට", "😡😡🦩")


def texts(labels: list[str]) -> tuple[list[str], str]:
    """What stands on a heatmap of these labels, once it is drawn, and its legend."""
    figure = confusion_and_recall.confusion_heatmap(np.eye(len(labels), dtype=int), labels)
    legend = spell_out(figure)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    return [label.get_text() for label in (*axes.get_xticklabels(), *axes.get_yticklabels())], legend


@pytest.mark.parametrize("label", SCRIPTS)
def test_no_box_stands_for_a_label_and_the_legend_tells_it(label: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png = confusion_picture(np.eye(2, dtype=int), [label, "sad"], title=label)
    assert f"= {label}" in legend_of(png)
    assert legend_of(png) in markdown_picture(png, "confusions")


@pytest.mark.parametrize("label", ["joy", "Ärger", "tristeză", "радость", "χαρά", "$x$", "a|b", "<b>joy</b>"])
def test_what_the_font_has_stays_as_it_is(label: str) -> None:
    names, legend = texts([label, "other"])
    assert names == [label, "other", f"{label} (1)", "other (1)"]
    assert legend == ""
    assert legend_of(confusion_picture(np.eye(2, dtype=int), [label, "other"])) == ""


@pytest.mark.parametrize(("label", "spelling"), [("غضب", "ghdb"), ("שמחה", "smhh"), ("غضب شديد", "ghdb shdyd")])
def test_what_runs_leftwards_is_spelled_as_it_would_change_places_with_the_numbers_beside_it(
    label: str, spelling: str
) -> None:
    names, legend = texts([label, "joy"])
    assert names[::2] == [spelling, f"{spelling} (1)"]
    assert all(f"= {word}" in legend for word in label.split())


@pytest.mark.parametrize(
    "labels",
    [["喜", "囍"], ["喜", "Xi"], ["喜", "囍", "Xi2"], ["Xi", "囍", "喜 喜"]],
    ids=lambda labels: "-".join(labels),
)
def test_two_labels_never_look_alike(labels: list[str]) -> None:
    names, legend = texts(labels)
    assert all(name.isascii() for name in names)
    assert len(set(names[: len(labels)])) == len(labels)
    assert all(f"= {word}" in legend for label in labels for word in label.split() if not word.isascii())


def test_a_label_inside_another_is_not_spelled_by_halves() -> None:
    names, legend = texts(["高兴", "不高兴"])
    assert names[:2] == ["GaoXing", "BuGaoXing"]
    assert legend == "BuGaoXing = 不高兴, GaoXing = 高兴"


def test_every_kind_of_text_is_spelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("matplotlib.figure.Figure.savefig", lambda *_, **__: None)
    figure = new_figure(4, 3)
    axes = figure.subplots()
    axes.barh(["高", "低"], [1, 2])
    axes.set(title="悲", xlabel="怒", ylabel="喜")
    axes.text(0, 0, "惧 (2)")
    colour_legend(figure, {"静": "#777777"})
    figure.suptitle("厌")
    to_png(figure)
    figure.draw_without_rendering()
    from matplotlib.text import Text

    shown = {text.get_text() for text in figure.findobj(Text)}
    assert all(text.isascii() for text in shown)
    assert {"Gao", "Di", "Bei", "Nu", "Xi", "Ju (2)", "Jing", "Yan"} <= shown


def test_strips_of_clips_and_bars_of_speakers_are_spelled_too() -> None:
    strip = clip_strip([("高兴", np.ones(800, np.float32)), ("joy", np.ones(800, np.float32))], 8000)
    assert legend_of(strip) == "GaoXing = 高兴"
    clips = pd.DataFrame({"actor": ["李雷", "محمد"], "emotion": ["高兴"] * 2, "variant": [0, 0]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        png = to_png(confusion_and_recall.samples_per_actor_and_emotion(clips, ["高兴"]))
    assert "LiLei = 李雷" in legend_of(png)


def test_the_same_figure_gives_the_same_bytes() -> None:
    counts = np.eye(3, dtype=int)
    assert confusion_picture(counts, SCRIPTS[:3]) == confusion_picture(counts, SCRIPTS[:3])


@pytest.mark.parametrize("content", [b"", b"png", b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\nabcdefghijklmnop"])
def test_a_damaged_picture_has_no_legend(content: bytes) -> None:
    assert legend_of(content) == ""
