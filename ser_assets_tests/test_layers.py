"""Imports run downwards only, and what is heavy is imported where it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ser_assets

PACKAGE = Path(ser_assets.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

KNOW_DAGSTER = {"assets", "definitions", "history", "orchestration", "storage", "withdrawal"}
HEAVY = {"tensorflow", "keras", "librosa", "matplotlib", "seaborn", "scipy", "sklearn", "moviepy", "soundfile"}
LAYERS = [
    {"definitions", "cli"},
    {"orchestration"},
    {"assets", "history", "replay", "studies", "predicting", "doctor", "withdrawal"},
    {"serving"},
    {"reporting"},
    {"learning", "storage"},
    {"corpus"},
    {"audio"},
    {"environment"},
    {"settings", "progress", "workers", "problems", "caches", "plain_words", "stopping"},
]


def room(name: str) -> str:
    return name.split(".")[1] if "." in name else name


def room_of(module: Path) -> str:
    return module.relative_to(PACKAGE).with_suffix("").parts[0]


def imports(module: Path, *, at_top: bool = False) -> set[str]:
    """Name every module that a module imports; with `at_top` only those imported as soon as it is loaded."""
    tree = ast.parse(module.read_text())
    nodes = tree.body if at_top else ast.walk(tree)
    found = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {
                f"{node.module}.{alias.name}" if node.module == "ser_assets" else node.module for alias in node.names
            }
    return found


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_orchestration_knows_dagster(module: Path) -> None:
    knows = any(name.split(".")[0].startswith("dagster") for name in imports(module))
    assert not knows or room_of(module) in KNOW_DAGSTER


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_only_its_own_and_those_below(module: Path) -> None:
    if room_of(module) == "__init__":
        return
    height = next(number for number, layer in enumerate(LAYERS) if room_of(module) in layer)
    below = set().union(*LAYERS[height:])
    used = {room(name) for name in imports(module) if name.startswith("ser_assets.")}
    assert used <= below


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_inside_functions(module: Path) -> None:
    assert not {name.split(".")[0] for name in imports(module, at_top=True)} & HEAVY


def loaded_by(statement: str) -> set[str]:
    script = f"import sys; {statement}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def test_loading_the_definitions_loads_nothing_heavy() -> None:
    loaded = loaded_by("import ser_assets.definitions")
    assert "dagster" in loaded
    assert not loaded & (HEAVY | {"numpy", "pandas", "pyarrow", "duckdb", "numba"})


def test_a_worker_process_loads_no_orchestration() -> None:
    assert not loaded_by("import ser_assets.assets.clip_steps") & {"dagster", "pandas", "duckdb", "tensorflow"}


def test_the_command_answers_without_dagster() -> None:
    assert not loaded_by("import ser_assets.cli") & (HEAVY | {"dagster", "pandas", "numpy"})
