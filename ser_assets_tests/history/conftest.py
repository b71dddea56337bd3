"""A folder with the `dagster.yaml` of this repository, and no variable that names another history."""

import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Go into such a folder."""
    for name in ("DAGSTER_HOME", "SER_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path
