"""The report as files: what it says, that it stands alone, and that it is written whole or not at all."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_assets.learning.scores import confusion_matrix
from ser_assets.reporting import page, plots
from ser_assets.reporting.data import ReportData
from ser_assets.reporting.labels import METRIC_NAMES, MODEL_NAMES
from ser_assets.reporting.page import write_report
from ser_assets_tests.reporting import tables


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReportData, Path]:
    data = tables.full_report()
    return data, write_report(data, tmp_path_factory.mktemp("made") / "report").parent


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def cells(html: str, model: str) -> list[str]:
    """Texts of the cells of the model's row in the first table."""
    row = re.search(rf'<th scope="row">{model}</th>(.*?)</tr>', html, re.DOTALL)
    assert row is not None
    return [re.sub(r"<[^>]+>", " ", cell).strip() for cell in re.findall(r"<td>(.*?)</td>", row.group(1))]


def test_every_number_of_the_score_table_is_the_one_that_was_scored(report: tuple[ReportData, Path]):
    data, folder = report
    html = (folder / "index.html").read_text(encoding="utf-8")
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    header = re.findall(r'<th scope="col">(.*?)</th>', html.split("</thead>")[0])[1:]
    for model, own in data.scores.groupby("model"):
        shown = dict(zip(header, cells(html, MODEL_NAMES[str(model)]), strict=True))
        for row in own.itertuples():
            text = f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
            assert " ".join(shown[METRIC_NAMES[str(row.metric)]].split()) == text
            assert text in markdown
        assert (shown["Actors"], shown["Takes"]) == ("3", "48")


def test_the_page_opens_with_the_best_model_and_its_interval(report: tuple[ReportData, Path]):
    data, folder = report
    html = (folder / "index.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    best = data.scores[data.scores["metric"] == "uar"].nlargest(1, "value").iloc[0]
    title = re.search("<h1>(.*?)</h1>", html)
    assert title is not None
    assert title.group(1) == (
        f"{MODEL_NAMES[best['model']]} recognises {100 * best['value']:.1f} % of emotions in voices it has never heard "
        f"(95 % interval {100 * best['low']:.1f} to {100 * best['high']:.1f} %)."
    )
    assert "3 actors, 48 takes; 95 % interval by bootstrap over actors; guessing reaches 12.5 %" in html


def test_the_machine_readable_report_holds_the_same_figures(report: tuple[ReportData, Path]):
    data, folder = report
    figures = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    pd.testing.assert_frame_equal(pd.DataFrame(figures["scores"]), data.scores, check_exact=False, rtol=1e-12)
    for model, own in data.predictions.groupby("model"):
        assert figures["confusion"][model] == confusion_matrix(own).tolist()
    assert figures["corpus"]["takes"] == len(data.takes)
    assert sum(row["copies"] for row in figures["clips"]) == (data.clips["variant"] > 0).sum()
    assert len(figures["leak_proof"]) == len(tables.ACTORS)
    assert figures["facts"] == data.facts


def test_the_page_needs_nothing_but_itself(report: tuple[ReportData, Path]):
    html = (report[1] / "index.html").read_text(encoding="utf-8")
    assert "http" not in html.replace("http-equiv", "")
    references = re.findall(r'(?:src|href)="([^"]*)"', html)
    assert references
    assert all(reference.startswith("data:") for reference in references)
    assert "@import" not in html
    assert "url(" not in html


def test_every_picture_of_the_markdown_lies_beside_it(report: tuple[ReportData, Path]):
    folder = report[1]
    named = re.findall(r"\]\((pictures/.*?\.png)\)", (folder / "report.md").read_text(encoding="utf-8"))
    assert sorted(named) == sorted(name for name in files(folder) if name.endswith(".png"))


def test_the_same_data_give_the_same_bytes(report: tuple[ReportData, Path], tmp_path: Path):
    write_report(tables.full_report(), tmp_path / "again")
    assert files(tmp_path / "again") == files(report[1])


def test_names_from_outside_are_shown_and_not_obeyed(report: tuple[ReportData, Path]):
    html = (report[1] / "index.html").read_text(encoding="utf-8")
    assert "raw/&lt;b&gt;.mp4" in html
    assert "| command | `ser-assets run \\| tee log` |" in (report[1] / "report.md").read_text(encoding="utf-8")


def test_a_clean_leak_proof_raises_no_alarm_and_a_leak_does(tmp_path: Path, report: tuple[ReportData, Path]):
    data, folder = report
    assert "Leak found" not in (folder / "index.html").read_text(encoding="utf-8")
    leaking = data.leak_proof.assign(shared_recordings=[0, 1, 0])
    bare = dataclasses.replace(tables.bare_report(), leak_proof=leaking)
    html = write_report(bare, tmp_path / "report").read_text(encoding="utf-8")
    assert "Leak found: fold 02 shares" in html
    assert html.count('class="leaking"') == 1


def test_sections_without_data_are_left_out(tmp_path: Path):
    html = write_report(tables.bare_report(), tmp_path / "deep" / "report").read_text(encoding="utf-8")
    assert re.findall("<h2>(.*?)</h2>", html) == ["Scores", "What is taken for what", "Which emotions, which voices"]
    assert {path.name for path in (tmp_path / "deep" / "report" / "pictures").iterdir()} == {
        "scores.png",
        "confusion_random_forest.png",
        "confusion_cnn.png",
        "recall_by_emotion.png",
        "uar_by_actor.png",
    }


def test_scores_alone_and_without_intervals_make_a_page(tmp_path: Path):
    table = tables.scores([("svm", "uar", 0.4, np.nan, np.nan), ("svm", "roc_auc", np.nan, np.nan, np.nan)])
    html = write_report(ReportData(pd.DataFrame(), table), tmp_path / "report").read_text(encoding="utf-8")
    assert "<h1>svm recognises 40.0\u00a0% of emotions in voices it has never heard.</h1>" in html
    assert "no interval, for want of actors" in html
    assert "nan" not in html.split("<section>")[1].split("<figure")[0].lower()
    assert json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["scores"][0]["low"] is None


def test_figures_are_of_the_headline_protocol_only(tmp_path: Path):
    data = tables.bare_report()
    other = data.predictions.assign(protocol="random_split")
    both = dataclasses.replace(data, predictions=pd.concat([other, data.predictions]))
    write_report(both, tmp_path / "report")
    confusion = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["confusion"]
    assert np.sum(confusion["cnn"]) == (data.predictions["model"] == "cnn").sum()


def test_a_failure_in_the_middle_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "report"
    write_report(tables.bare_report(), folder)
    before = files(folder)

    def broken(*_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(plots, "actor_bars", broken)
    with pytest.raises(RuntimeError, match="disk is full"):
        write_report(tables.bare_report(), folder)
    monkeypatch.undo()
    monkeypatch.setattr(page, "machine_readable", broken)
    with pytest.raises(RuntimeError, match="disk is full"):
        write_report(ReportData(pd.DataFrame(), tables.scores([("cnn", "uar", 0.5, 0.4, 0.6)])), folder)
    assert files(tmp_path) == {f"report/{name}": content for name, content in before.items()}


def test_a_new_report_takes_the_place_of_the_old_one_whole(tmp_path: Path):
    folder = tmp_path / "report"
    write_report(tables.bare_report(), folder)
    write_report(ReportData(pd.DataFrame(), tables.scores([("cnn", "uar", 0.5, 0.4, 0.6)])), folder)
    assert set(files(tmp_path)) == {
        "report/index.html",
        "report/report.md",
        "report/report.json",
        "report/pictures/scores.png",
    }


def test_a_swap_that_fails_brings_the_old_report_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "report"
    scores = ReportData(pd.DataFrame(), tables.scores([("cnn", "uar", 0.5, 0.4, 0.6)]))
    write_report(scores, folder)
    before = files(folder)
    rename = Path.rename

    def fails_for_the_new_one(self: Path, target: Path) -> Path:
        if target == folder and not self.name.endswith(".old"):
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_for_the_new_one)
    with pytest.raises(OSError, match="no"):
        write_report(scores, folder)
    assert files(tmp_path) == {f"report/{name}": content for name, content in before.items()}


def test_a_folder_that_holds_anything_else_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"thesis\.tex"):
        write_report(tables.bare_report(), tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_no_scores_no_report(tmp_path: Path):
    with pytest.raises(ValueError, match="score table is empty"):
        write_report(ReportData(pd.DataFrame(), tables.scores([])), tmp_path / "report")
    assert list(tmp_path.iterdir()) == []


def test_a_notice_stands_before_the_figures_on_both_pages(tmp_path: Path):
    data = dataclasses.replace(tables.bare_report(), notice="Spoken by a <synthesiser>.")
    page.write_report(data, tmp_path / "report")
    html = (tmp_path / "report/index.html").read_text()
    markdown = (tmp_path / "report/report.md").read_text()
    assert html.index("Spoken by a &lt;synthesiser&gt;.") < html.index("<h2>Scores")
    assert markdown.index("**Spoken by a <synthesiser>.**") < markdown.index("## Scores")
