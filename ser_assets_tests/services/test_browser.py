"""The pages of the UI in a real browser: they load without a JavaScript error, and show what whoever runs it needs."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ser_assets_tests.services.conftest import BRIEFLY, MakePlatform
from ser_assets_tests.services.platform import Platform, running

pytestmark = pytest.mark.services

WINDOW = {"width": 1440, "height": 900}
PATIENCE_MS = 30_000
PAGES = {
    "features": ("/assets/features", "features"),
    "metrics_report": ("/assets/metrics_report", "metrics_report"),
    "champion_model": ("/assets/champion_model", "champion_model"),
    "runs": ("/runs", "Success"),
    "schedule": ("/locations/__repository__@ser_assets/schedules/retraining", "retraining"),
}


@pytest.fixture(scope="module")
def platform(make_platform: MakePlatform, prepared: "os.PathLike[str]") -> Iterator[Platform]:
    """The services, on a platform on which everything has been made."""
    with running(make_platform(prepared)) as platform:
        yield platform


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for pictures of the pages: `SER_SCREENSHOTS`, or a temporary one."""
    named = os.environ.get("SER_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def opened(browser: Any, platform: Platform, path: str, text: str, picture: Path) -> tuple[Any, list[str]]:
    """Open a page, wait until it shows a text on the first screen, and take a picture.

    Returns: the page, and the errors of its scripts.
    """
    page = browser.new_page(viewport=WINDOW)
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(platform.ui.url + path)
    try:
        page.get_by_text(text).locator("visible=true").first.wait_for(timeout=PATIENCE_MS)
        # What a page loads after its first words, such as plots, is in the picture, too.
        page.wait_for_timeout(2000)
    finally:
        page.screenshot(path=picture)
    return page, errors


def test_the_asset_graph_shows_every_asset_of_its_groups(platform: Platform, browser: Any, screenshots: Path) -> None:
    page, errors = opened(browser, platform, "/asset-groups", "champion", screenshots / "asset_groups.png")
    page.keyboard.press("Alt+e")
    for asset in ("raw_videos", "features", "complex_cnn", "ensemble", "metrics_report", "champion_model"):
        page.get_by_text(asset, exact=True).locator("visible=true").first.wait_for(timeout=PATIENCE_MS)
    page.wait_for_timeout(2000)
    page.screenshot(path=screenshots / "asset_graph.png")
    page.close()
    assert errors == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_without_an_error_of_its_scripts(
    platform: Platform, browser: Any, screenshots: Path, name: str
) -> None:
    path, text = PAGES[name]
    page, errors = opened(browser, platform, path, text, screenshots / f"{name}.png")
    page.close()
    assert errors == []


def test_the_first_screen_of_a_failed_run_shows_the_reason(platform: Platform, browser: Any, screenshots: Path) -> None:
    takes = sorted((platform.data / "raw" / "Actor_02").iterdir())
    shutil.copy(takes[-1], takes[0])
    run = platform.ui.launch(["random_forest"], config={"random_forest": BRIEFLY["random_forest"]})
    assert platform.ui.run_end(run) == "FAILURE"
    reason, *_ = platform.ui.reasons(run)
    assert "02" in reason
    # The page may break the sentence into lines, and cut a long one: its beginning is enough.
    page, errors = opened(browser, platform, f"/runs/{run}", "random_forest", screenshots / "failed_run.png")
    on_screen = page.get_by_text(reason[:40]).locator("visible=true")
    assert on_screen.count() > 0
    assert any((place.bounding_box() or {"y": 1e9})["y"] < WINDOW["height"] for place in on_screen.all())
    page.close()
    assert errors == []
