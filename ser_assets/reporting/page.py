"""Writes the report: one page as HTML, as Markdown and as JSON, and its pictures, whole or not at all."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ser_assets.reporting.content import machine_readable, page_content
from ser_assets.reporting.labels import decimal, percent, points
from ser_assets.reporting.report_data import ReportData
from ser_assets.storage.files import atomic_folder

_OWN_FILES = {"index.html", "report.md", "report.json", "pictures"}


def write_report(data: ReportData, folder: Path, store: Callable[[], None] = lambda: None) -> Path:
    """Write `index.html`, `report.md`, `report.json` and `pictures/` into `folder`, whole or not at all.

    The page stands alone (pictures and style inside it), and the same data give the same bytes. Everything is written
    to a sibling folder first, which then takes the place of the old report; a failure leaves the old one as it was.
    `store` is called in between, so that tables of the same figures stay as they were, too.

    Returns: the path of `index.html`.

    Raises:
        ValueError: there are no scores, or a model has no UAR.
        FileExistsError: `folder` holds something that is no report and would be lost.
    """
    _refuse_to_replace_foreign_files(folder)
    with atomic_folder(folder) as part:
        _write_files(data, part)
        store()
    return folder / "index.html"


def _refuse_to_replace_foreign_files(folder: Path) -> None:
    foreign = (
        sorted(path.name for path in folder.iterdir() if path.name not in _OWN_FILES and not path.name.startswith("."))
        if folder.exists()
        else []
    )
    if foreign:
        raise FileExistsError(f"{folder} holds more than a report ({', '.join(foreign[:3])}); choose another folder")


def _write_files(data: ReportData, folder: Path) -> None:
    content = page_content(data)
    (folder / "pictures").mkdir()
    for picture in content["pictures"]:
        (folder / "pictures" / f"{picture.name}.png").write_bytes(picture.png)
    for template, target in (("index.html.jinja", "index.html"), ("report.md.jinja", "report.md")):
        (folder / target).write_text(_render(template, content), encoding="utf-8")
    figures = json.dumps(machine_readable(data), indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(figures + "\n", encoding="utf-8")


def _render(template: str, content: dict[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=PackageLoader("ser_assets.reporting"),
        autoescape=select_autoescape(["html.jinja"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "percent": percent,
        "decimal": decimal,
        "points": points,
        "unbroken": lambda text: text.replace(" %", "\u00a0%"),
        "cell": lambda text: " ".join(str(text).split()).replace("|", "\\|"),
    }
    return environment.get_template(template).render(content)
