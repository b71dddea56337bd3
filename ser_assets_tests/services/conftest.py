"""Recordings, platforms and a browser for the tests of the services."""

import json
import shutil
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ser_assets.corpus.demo.corpus import make_demo_corpus
from ser_assets_tests.services.platform import BRIEF_SETTINGS, Platform

ACTORS = ("01", "02")
NEWCOMER = "03"
STATEMENT_2 = "*-02-0?-0?.mp4"
BRIEFLY: dict[str, dict[str, Any]] = tomllib.loads(BRIEF_SETTINGS)

MakePlatform = Callable[..., Platform]


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of `Actor_01`, `Actor_02` and `Actor_03`, one statement of each demo actor."""
    folder = tmp_path_factory.mktemp("recordings")
    make_demo_corpus(folder, [*ACTORS, NEWCOMER], workers=2)
    for take in folder.rglob(STATEMENT_2):
        take.unlink()
    return folder


@pytest.fixture(scope="session")
def prepared(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a platform on which everything has been made for two actors, by the command of the shell."""
    platform = Platform(tmp_path_factory.mktemp("prepared") / "platform")
    add_actors(platform, recordings, *ACTORS)
    made_by_the_shell(platform, "01...02")
    return platform.folder


@pytest.fixture(scope="module")
def make_platform(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MakePlatform]:
    """Makes platforms whose processes are all killed at the end of the module.

    Called with the folder of a platform to copy, or with the actors to bring in, and with environment variables.
    """
    made: list[Platform] = []

    def make(copy_of: Path | None = None, actors: tuple[str, ...] = ACTORS, **environment: str) -> Platform:
        folder = tmp_path_factory.mktemp("platform") / "platform"
        if copy_of:
            shutil.copytree(copy_of, folder)
        platform = Platform(folder, environment)
        if not copy_of:
            add_actors(platform, recordings, *actors)
        made.append(platform)
        return platform

    yield make
    for platform in made:
        platform.kill_everything()


@pytest.fixture(autouse=True)
def _no_process_of_the_test_before(request: pytest.FixtureRequest) -> None:
    """Kill what a test before has left behind, so that a fault makes one test fail and not all that follow."""
    if "platform" in request.fixturenames:
        for process in request.getfixturevalue("platform").others():
            process.kill()


def made_by_the_shell(platform: Platform, partitions: str) -> None:
    """Make everything for a range of partitions, from the inventory to the champion, by the command of the shell."""
    config = json.dumps({"ops": {name: {"config": knobs} for name, knobs in BRIEFLY.items()}})
    command = ("dagster", "asset", "materialize", "--select", "*", "--partition-range", partitions)
    done = platform.command(*command, "--config-json", config, "-m", "ser_assets.definitions")
    assert done.returncode == 0, done.stderr[-3000:]


def add_actors(platform: Platform, recordings: Path, *actors: str) -> None:
    """Bring the recordings of actors into a platform."""
    for actor in actors:
        shutil.copytree(recordings / f"Actor_{actor}", platform.data / "raw" / f"Actor_{actor}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Print with a failure what the services said."""
    report = yield
    platform = getattr(item, "funcargs", {}).get("platform")
    if call.when == "call" and report.failed and isinstance(platform, Platform):
        report.sections.append(("output of the services", platform.output()))
    return report


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium; the tests are skipped where it or Playwright is missing."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="no Playwright: pip install playwright")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()
