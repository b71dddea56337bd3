"""The page of the report in a real browser, as narrow as a phone and as wide as a desk."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ser_assets.reporting.page import write_report
from ser_assets_tests.factories import report_tables

pytestmark = pytest.mark.services

CONTENT_WIDTH = "document.documentElement.scrollWidth"
HIDDEN = "boxes => boxes.map(box => box.scrollWidth - box.clientWidth)"
LAST_COLUMN_ENDS = "box => box.querySelector('tr > :last-child').getBoundingClientRect().right"


@pytest.fixture(scope="module", params=[320, 390, 1280])
def page(request: pytest.FixtureRequest, browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A full report in a window of this width."""
    index: Path = write_report(report_tables.full_report(), tmp_path_factory.mktemp("made") / "report")
    page = browser.new_page(viewport={"width": request.param, "height": 844})
    page.goto(index.as_uri())
    yield page
    page.close()


def test_the_page_itself_never_scrolls_sideways(page: Any) -> None:
    assert page.evaluate(CONTENT_WIDTH) == page.viewport_size["width"]


def test_a_table_that_is_wider_scrolls_to_its_last_column(page: Any) -> None:
    tables = page.locator(".scroll:has(tr)")
    hidden = tables.evaluate_all(HIDDEN)
    assert any(pixels > 0 for pixels in hidden) == (page.viewport_size["width"] < 640)
    for table in tables.all():
        table.evaluate("box => box.scrollTo(box.scrollWidth, 0)")
        box = table.bounding_box()
        assert table.evaluate(LAST_COLUMN_ENDS) <= box["x"] + box["width"] + 1
