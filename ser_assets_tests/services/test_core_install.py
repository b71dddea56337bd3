"""The wheel without the platform: small, and enough to predict with a bundle."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ser_assets_tests.factories.bundles import make_bundle, spoken_takes, write_take

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = {"dagster", "tensorflow", "keras", "librosa", "moviepy", "scikit-learn", "pandas", "pyarrow", "duckdb"}

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Call:
    """Install the built wheel without extras into an empty environment; call a program of it."""
    folder = tmp_path_factory.mktemp("core")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)

    def call(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        command = [str(folder / "venv/bin" / program), *map(str, arguments)]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)

    # setuptools leaves a folder `build` where it builds.
    shutil.copytree(ROOT / "ser_assets", folder / "source/ser_assets")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder / "source")
    built = call("pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, folder / "source")
    if built.returncode and "No matching distribution" in built.stderr:
        pytest.skip("no package index can be reached")
    assert built.returncode == 0, built.stderr
    [wheel] = folder.glob("ser_assets-*.whl")
    installed = call("pip", "install", "--quiet", "--constraint", ROOT / "constraints.txt", wheel)
    assert installed.returncode == 0, installed.stderr
    return call


@pytest.mark.services
def test_the_core_installs_nothing_of_the_platform(core: Call) -> None:
    names = {package["name"].lower() for package in json.loads(core("pip", "list", "--format", "json").stdout)}
    assert "onnxruntime" in names
    assert not names & PLATFORM


@pytest.mark.services
def test_the_core_predicts_from_a_bundle(core: Call, tmp_path: Path) -> None:
    bundle, take = make_bundle(tmp_path / "bundle"), write_take(tmp_path, spoken_takes()[0])
    predicted = core("ser-assets", "predict", take, "--bundle", bundle, "--json")
    assert predicted.returncode == 0, predicted.stderr
    [answer] = json.loads(predicted.stdout)
    assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    assert answer["emotion"] == max(answer["probabilities"], key=answer["probabilities"].get)


@pytest.mark.services
def test_the_core_enrols_a_speaker(core: Call, tmp_path: Path) -> None:
    bundle, takes = make_bundle(tmp_path / "bundle"), [write_take(tmp_path, take) for take in spoken_takes()[:3]]
    enrolled = core("ser-assets", "enrol-speaker", *takes, "--bundle", bundle, "--out", tmp_path / "me.json")
    assert enrolled.returncode == 0, enrolled.stderr
    predicted = core("ser-assets", "predict", takes[0], "--bundle", bundle, "--profile", tmp_path / "me.json")
    assert predicted.returncode == 0, predicted.stderr


@pytest.mark.services
@pytest.mark.parametrize("command", [("run",), ("doctor",), ("scores",)])
def test_a_command_of_the_platform_names_what_to_install(core: Call, command: tuple[str, ...]) -> None:
    refused = core("ser-assets", *command)
    assert refused.returncode == 1
    assert f"`ser-assets {command[0]}` needs the platform" in refused.stderr
    assert "pip install 'ser-assets[platform]'" in refused.stderr
