"""Fixtures that several rooms share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ser_assets.settings import Settings
from ser_assets_tests.factories.zenodo_server import Zenodo, serving


def real_recordings() -> Path | None:
    """Folder of real recordings, if there is one."""
    beside = Path(__file__).resolve().parents[2] / "shared" / "ravdess"
    folder = Path(os.environ.get("SER_RAVDESS", beside))
    return folder if folder.is_dir() else None


@pytest.fixture(scope="session")
def ravdess() -> Path:
    """Folder of real recordings; tests that ask for it are skipped where there are none."""
    folder = real_recordings()
    if folder is None:
        pytest.skip("no real recordings: set SER_RAVDESS to the folder that holds Actor_01, Actor_02, …")
    return folder


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Point the settings at a data folder of their own, everything done in this process."""
    monkeypatch.setenv("SER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("SER_WORKERS", "1")
    return Settings()


@pytest.fixture
def zenodo(monkeypatch: pytest.MonkeyPatch) -> Iterator[Zenodo]:
    """Serve archives on this machine, whatever proxy the environment names."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with serving() as server:
        yield server


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start with the longest file, so that the other core has done all the rest when it ends."""
    items.sort(key=lambda item: "test_end_to_end" not in item.nodeid)
