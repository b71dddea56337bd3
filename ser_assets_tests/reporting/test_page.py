"""The report as files: what it says, that it stands alone, and that it is written whole or not at all."""

import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ser_assets.learning.evaluation.scores import confusion_matrix
from ser_assets.reporting import page
from ser_assets.reporting.baseline_table import WHY_THEY_DIFFER
from ser_assets.reporting.figures import confusion_and_recall
from ser_assets.reporting.labels import INTERVAL_NOTE, METRIC_NAMES, model_title
from ser_assets.reporting.page import write_report
from ser_assets.reporting.references import REFERENCES
from ser_assets.reporting.report_data import ReportData
from ser_assets_tests.factories import report_tables


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> tuple[ReportData, Path]:
    data = report_tables.full_report()
    return data, write_report(data, tmp_path_factory.mktemp("made") / "report").parent


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def section(html: str, anchor: str) -> str:
    """One section of the page."""
    found = re.search(rf'<section id="{anchor}">(.*?)</section>', html, re.DOTALL)
    assert found is not None, anchor
    return found.group(1)


def plain(html: str) -> str:
    """Text as a reader sees it."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").replace("&nbsp;", " ").split())


def rows(html: str, model: str) -> list[list[str]]:
    """Texts of the cells of each row of a model."""
    found = re.findall(rf'<th scope="row">{model}</th>(.*?)</tr>', html, re.DOTALL)
    return [[plain(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)] for row in found]


@pytest.fixture(scope="module")
def html(report: tuple[ReportData, Path]) -> str:
    return (report[1] / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def markdown(report: tuple[ReportData, Path]) -> str:
    return (report[1] / "report.md").read_text(encoding="utf-8")


def test_every_number_of_the_score_table_is_the_one_that_was_scored(
    report: tuple[ReportData, Path], html: str, markdown: str
):
    protocols = ["speaker_independent", "random_split_leaky"]
    for model, own in report[0].scores.groupby("model"):
        uars = own[own["metric"] == "uar"].set_index("protocol").loc[protocols]
        [side_by_side] = rows(section(html, "protocols"), model_title(str(model)))
        assert side_by_side == [text(row) for row in uars.itertuples()]
        for shown, protocol in zip(
            rows(section(html, "leaderboards"), model_title(str(model))), protocols, strict=True
        ):
            values = own[own["protocol"] == protocol].set_index("metric").loc[[*METRIC_NAMES]]
            assert shown == [text(row) for row in values.itertuples()]
        assert all(text(row) in markdown for row in own.itertuples())
    assert "5 actors, 80 takes" in plain(section(html, "leaderboards"))


def text(row) -> str:
    return f"{row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"


def test_the_page_opens_with_the_best_model_and_its_interval(report: tuple[ReportData, Path]):
    data, folder = report
    html = (folder / "index.html").read_text(encoding="utf-8").replace("\u00a0", " ")
    honest = data.scores[data.scores["protocol"] == "speaker_independent"]
    best = honest[honest["metric"] == "uar"].nlargest(1, "value").iloc[0]
    title = re.search("<h1>(.*?)</h1>", html)
    assert title is not None
    assert title.group(1) == (
        f"{model_title(best['model'])} recognises {100 * best['value']:.1f} % of emotions of speakers it was "
        "not trained on "
        f"(95 % interval {100 * best['low']:.1f} to {100 * best['high']:.1f} %)."
    )
    assert "5 actors, 80 takes; 95 % interval by bootstrap over actors; chance is 12.5 %" in html


def test_the_machine_readable_report_holds_the_same_figures(report: tuple[ReportData, Path]):
    data, folder = report
    figures = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    pd.testing.assert_frame_equal(pd.DataFrame(figures["scores"]), data.scores, check_exact=False, rtol=1e-12)
    honest = data.predictions[data.predictions["protocol"] == "speaker_independent"]
    for model, own in honest.groupby("model"):
        assert figures["confusion"][model] == confusion_matrix(own).tolist()
        assert sum(row["takes"] for row in figures["reliability"][model]) == len(own)
    for name, table in (
        ("differences", data.differences),
        ("group_scores", data.group_scores),
        ("notebook_reproduction", data.reproduction),
    ):
        pd.testing.assert_frame_equal(
            pd.DataFrame(figures[name]), table, check_exact=False, rtol=1e-12, check_dtype=False
        )
    assert figures["misclassified_by_all"] == 6
    assert figures["missed"][0]["predicted"]["cnn"] == {"emotion": "sad", "probability": 0.614}
    assert {reference["system"] for reference in figures["references"]} == {
        each.system for each in REFERENCES["ravdess"]
    }
    assert figures["corpus"]["takes"] == len(data.takes)
    assert sum(row["copies"] for row in figures["clips"]) == (data.clips["variant"] > 0).sum()
    assert len(figures["leakage_audit"]) == 2 * len(report_tables.AUDITED_ACTORS)
    assert figures["facts"] == data.facts


def test_the_page_needs_nothing_but_itself(html: str):
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in html
    assert all(source.startswith("data:") for source in re.findall(r'src="([^"]*)"', html))
    assert re.findall(r'<link [^>]*href="([^"]*)"', html) == ["data:,"]
    assert not re.search("<(script|iframe|object|embed|video|audio|form)", html)
    assert "@import" not in html
    assert "url(" not in html


def test_every_table_of_figures_scrolls_in_a_box_of_its_own(html: str):
    tables = re.findall(r'(.{20})<table class="', html)
    assert len(tables) > 5
    assert all(before.endswith('<div class="scroll">') for before in tables)


def test_links_lead_to_sources_and_to_sections_of_the_page_itself(html: str):
    addresses = re.findall(r'<a href="([^"]*)"', html)
    outside = {address for address in addresses if not address.startswith("#")}
    assert outside == {reference.address for reference in REFERENCES["ravdess"]}
    anchors = {address[1:] for address in addresses} - {address[1:] for address in outside}
    assert anchors == set(re.findall(r'<section id="(\w+)"', html))


def test_every_picture_of_the_markdown_lies_beside_it(report: tuple[ReportData, Path]):
    folder = report[1]
    named = re.findall(r"\]\((pictures/.*?\.png)\)", (folder / "report.md").read_text(encoding="utf-8"))
    assert sorted(named) == sorted(name for name in files(folder) if name.endswith(".png"))


def test_the_same_data_give_the_same_bytes(report: tuple[ReportData, Path], tmp_path: Path):
    write_report(report_tables.full_report(), tmp_path / "again")
    assert files(tmp_path / "again") == files(report[1])


def test_names_from_outside_are_shown_and_not_obeyed(report: tuple[ReportData, Path]):
    html = (report[1] / "index.html").read_text(encoding="utf-8")
    assert "raw/&lt;b&gt;.mp4" in html
    assert "| command | `ser-assets run \\| tee log` |" in (report[1] / "report.md").read_text(encoding="utf-8")


def test_a_kept_promise_raises_no_alarm_and_neither_does_what_was_never_promised(html: str, markdown: str):
    assert "Leak found" not in html
    assert "Leak found" not in markdown
    audit = section(html, "leakage_audit")
    assert audit.count('<td class="kept">0 ✓</td>') == 9
    assert audit.count('<td class="open">5</td>') == 6
    assert audit.count("<details open>") == 2
    assert "| 1 | 01 | 02, 03 | 16 | 36 | 0 ✓ | 0 ✓ | 0 ✓ |" in markdown
    assert "| 1 | 01 | 02, 03 | 16 | 36 | 3 | 5 | 5 |" in markdown


def test_a_broken_promise_of_any_protocol_is_the_first_thing_that_is_said(tmp_path: Path):
    leaking = report_tables.audit_table("random_split", "takes, recordings", (3, 0, 0), fold_scheme="").assign(
        shared_recordings=[0, 1, 0]
    )
    bare = report_tables.scores_alone(report_tables.uars({"cnn": 0.5}), leakage_audit=leaking)
    html = write_report(bare, tmp_path / "report").read_text(encoding="utf-8")
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    for page_text in (html, markdown):
        assert "Leak found." in page_text.split("Scores")[0]
        assert "Random split, fold 2: recordings. Do not trust these scores." in page_text
    assert html.count('class="broken"') == 1
    assert "1 ✗" in markdown


def test_what_leaks_are_worth_and_who_is_behind_is_said_in_points(html: str, markdown: str):
    for page_text in (plain(section(html, "protocols")), markdown):
        assert (
            "Against Speaker-independent, loso, in points of UAR: Random split with leaks (Random Forest +" in page_text
        )
        assert "Random Forest is the best of 2 models on these very takes, which flatters it slightly" in page_text
    assert "95 % interval of the difference" in plain(html.split("<nav")[0])
    assert "Random Forest − CNN" in plain(section(html, "protocols"))


def test_people_and_published_systems_stand_with_source_and_caveat(html: str, markdown: str):
    for reference in REFERENCES["ravdess"]:
        assert reference.caveat in plain(section(html, "protocols"))
        assert f"[{reference.source}]({reference.address}) | {reference.caveat} |" in markdown


def test_voices_that_a_notice_warns_of_are_not_compared_with_people(tmp_path: Path):
    data = report_tables.scores_alone(report_tables.uars({"cnn": 0.5}), notice="Spoken by a synthesiser.")
    html = write_report(data, tmp_path / "report").read_text(encoding="utf-8")
    assert "published" not in html.lower()
    assert json.loads((tmp_path / "report/report.json").read_text(encoding="utf-8"))["references"] == []


def test_a_missed_take_shows_what_was_performed_and_what_each_model_said(html: str, markdown: str):
    shown = plain(section(html, "missed"))
    assert "All models miss 6 of 80 takes (7.5 %). Shown: the 1 to whose emotion" in shown
    assert "calm actor 03, male, normal intensity: “Kids are &lt;talking&gt; by the door”" in shown
    assert "Random Forest neutral 30 % CNN sad 61 %" in shown
    assert (
        "| calm | 03, male | normal | Kids are <talking> by the door | Random Forest: neutral 30 %; CNN: sad 61 % |"
        in (markdown)
    )
    assert "pictures/missed_1.png" in markdown


def test_the_reproduced_notebook_has_claims_reproduction_and_unseen_actors_side_by_side(html: str, markdown: str):
    shown = plain(section(html, "notebook"))
    assert "Random Forest Accuracy 0.742 0.693 0.700 [0.650, 0.750] 0.410 [0.360, 0.460] ROC AUC 0.952" in shown
    assert "| Random Forest | Accuracy | 0.742 | 0.693 | 0.700 [0.650, 0.750] | 0.410 [0.360, 0.460] |" in markdown
    for page_text in (shown, markdown):
        assert "(−29.0 points)" in page_text
        assert " ".join(WHY_THEY_DIFFER) in page_text
        assert "ser-assets reproduce-notebook" in page_text
        assert "Where the README gives no detail, the project chose one" in page_text


def test_how_far_intervals_may_be_trusted_is_said_once_on_each_page(html: str, markdown: str):
    assert plain(html).count(INTERVAL_NOTE) == markdown.count(INTERVAL_NOTE) == 1


def test_groups_of_takes_have_their_scores_with_intervals(report: tuple[ReportData, Path], html: str, markdown: str):
    own = report[0].group_scores.query(
        "protocol == 'speaker_independent' and group == 'normal' and metric == 'uar' and model == 'cnn'"
    )
    [row] = own.itertuples()
    assert text(row) in plain(section(html, "recall"))
    assert text(row) in next(line for line in markdown.splitlines() if line.startswith("| Intensity: normal"))
    men = next(line for line in markdown.splitlines() if line.startswith("| Gender: male"))
    assert "[" not in men


def test_the_sections_are_in_the_order_of_a_reader_and_the_same_on_both_pages(html: str, markdown: str):
    titles = re.findall("<h2>(.*?)</h2>", html)
    assert titles == [
        "Protocols side by side",
        "Calibration",
        "Confusion matrices",
        "Recall by emotion and speaker",
        "Takes that every model misses",
        "The notebook, reproduced",
        "All scores",
        "Leakage audit",
        "Data",
        "Learning curves",
        "Feature importances",
        "Example clips",
        "Reproduce",
    ]
    assert re.findall("^## (.*)$", markdown, re.MULTILINE) == titles


def test_markdown_tables_are_whole(markdown: str):
    tables_found = re.findall(r"(?:^\|.*\n)+", markdown, re.MULTILINE)
    assert len(tables_found) >= 9
    for table in tables_found:
        lines = table.splitlines()
        assert re.fullmatch(r"\|( -+:? \|)+", lines[1])
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert "\n\n\n\n" not in markdown


def test_sections_without_data_are_left_out(tmp_path: Path):
    html = write_report(report_tables.bare_report(), tmp_path / "deep" / "report").read_text(encoding="utf-8")
    assert re.findall("<h2>(.*?)</h2>", html) == [
        "Scores",
        "Calibration",
        "Confusion matrices",
        "Recall by emotion and speaker",
    ]
    assert {path.name for path in (tmp_path / "deep" / "report" / "pictures").iterdir()} == {
        "scores.png",
        "reliability.png",
        "confusion_random_forest.png",
        "confusion_cnn.png",
        "recall_by_emotion.png",
        "uar_by_actor.png",
    }


def test_long_lists_of_rejected_files_are_folded_up(tmp_path: Path):
    reasons = ["video only"] * 40 + ["no sound"]
    rejected = pd.DataFrame({"path": [f"raw/{n}.mp4" for n in range(41)], "reason": reasons})
    data = report_tables.scores_alone(report_tables.uars({"cnn": 0.5}), rejected=rejected)
    corpus = section(write_report(data, tmp_path / "report").read_text(encoding="utf-8"), "corpus")
    assert re.findall(r"<details( open)?><summary><strong>(\d+)", corpus) == [("", "40"), (" open", "1")]


def test_scores_alone_and_without_intervals_make_a_page(tmp_path: Path):
    table = report_tables.scores([("svm", "uar", 0.4, np.nan, np.nan), ("svm", "roc_auc", np.nan, np.nan, np.nan)])
    html = write_report(report_tables.scores_alone(table), tmp_path / "report").read_text(encoding="utf-8")
    assert "<h1>svm recognises 40.0\u00a0% of emotions of speakers it was not trained on.</h1>" in html
    assert "no interval: too few actors" in html
    markdown = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "by bootstrap" not in html + markdown
    assert INTERVAL_NOTE not in html.replace("\u00a0", " ") + markdown
    assert "nan" not in section(html, "protocols").split("<figure")[0].lower()
    assert json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["scores"][0]["low"] is None


def test_figures_are_of_the_headline_protocol_only(tmp_path: Path):
    data = report_tables.bare_report()
    other = data.predictions.assign(protocol="random_split")
    both = dataclasses.replace(data, predictions=pd.concat([other, data.predictions]))
    write_report(both, tmp_path / "report")
    confusion = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))["confusion"]
    assert np.sum(confusion["cnn"]) == (data.predictions["model"] == "cnn").sum()


def test_a_failure_in_the_middle_leaves_the_old_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "report"
    write_report(report_tables.bare_report(), folder)
    before = files(folder)

    def broken(*_: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(confusion_and_recall, "actor_bars", broken)
    with pytest.raises(RuntimeError, match="disk is full"):
        write_report(report_tables.bare_report(), folder)
    monkeypatch.undo()
    monkeypatch.setattr(page, "machine_readable", broken)
    with pytest.raises(RuntimeError, match="disk is full"):
        write_report(report_tables.scores_alone(report_tables.scores([("cnn", "uar", 0.5, 0.4, 0.6)])), folder)
    assert files(tmp_path) == {f"report/{name}": content for name, content in before.items()}


def test_a_new_report_takes_the_place_of_the_old_one_whole(tmp_path: Path):
    folder = tmp_path / "report"
    write_report(report_tables.bare_report(), folder)
    write_report(report_tables.scores_alone(report_tables.scores([("cnn", "uar", 0.5, 0.4, 0.6)])), folder)
    assert set(files(tmp_path)) == {
        "report/index.html",
        "report/report.md",
        "report/report.json",
        "report/pictures/scores.png",
    }


def test_a_swap_that_fails_brings_the_old_report_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "report"
    scores = report_tables.scores_alone(report_tables.scores([("cnn", "uar", 0.5, 0.4, 0.6)]))
    write_report(scores, folder)
    before = files(folder)
    rename = Path.rename

    def fails_for_the_new_one(self: Path, target: Path) -> Path:
        if target == folder and not self.name.endswith("~old"):
            raise OSError("no")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails_for_the_new_one)
    with pytest.raises(OSError, match="no"):
        write_report(scores, folder)
    assert files(tmp_path) == {f"report/{name}": content for name, content in before.items()}


def test_the_old_report_stays_where_its_tables_cannot_be_stored(tmp_path: Path):
    folder = tmp_path / "report"
    write_report(report_tables.scores_alone(report_tables.scores([("cnn", "uar", 0.5, 0.4, 0.6)])), folder)
    before = files(folder)

    def fail() -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_report(report_tables.scores_alone(report_tables.scores([("cnn", "uar", 0.6, 0.5, 0.7)])), folder, fail)
    assert files(folder) == before


def test_a_folder_that_holds_anything_else_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(FileExistsError, match=r"thesis\.tex"):
        write_report(report_tables.bare_report(), tmp_path)
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_no_scores_no_report(tmp_path: Path):
    with pytest.raises(ValueError, match="score table is empty"):
        write_report(report_tables.scores_alone(report_tables.scores([])), tmp_path / "report")
    assert list(tmp_path.iterdir()) == []


def test_a_notice_stands_before_the_figures_on_both_pages(tmp_path: Path):
    data = report_tables.scores_alone(report_tables.uars({"cnn": 0.5}), notice="Spoken by a <synthesiser>.")
    page.write_report(data, tmp_path / "report")
    html = (tmp_path / "report/index.html").read_text()
    markdown = (tmp_path / "report/report.md").read_text()
    assert html.index("Spoken by a &lt;synthesiser&gt;.") < html.index("<h2>Scores")
    assert markdown.index("**Spoken by a <synthesiser>.**") < markdown.index("## Scores")
