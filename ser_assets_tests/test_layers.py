"""Imports run downwards only, and what is heavy is imported where it is used."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ser_assets

PACKAGE = Path(ser_assets.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
PACKAGES = sorted(path.parent for path in PACKAGE.rglob("__init__.py"))

KNOW_DAGSTER = {"assets", "definitions", "history", "orchestration", "withdrawal"}
HEAVY = {"tensorflow", "keras", "librosa", "matplotlib", "seaborn", "scipy", "sklearn", "moviepy", "soundfile"}
LAYERS = [
    {"cli"},
    {"definitions"},
    {"orchestration"},
    {"baseline"},
    {"assets"},
    {"withdrawal"},
    {"history", "serving"},
    {"reporting"},
    {"storage"},
    {"chosen_corpus", "model_settings"},
    {"environment"},
    {"settings"},
    {"data_folder"},
    {"learning"},
    {"corpus"},
    {"encoders"},
    {"audio"},
    {"runtime", "rejections", "plain_words"},
]
INNER_LAYERS = {
    "learning": ["studies", "evaluation", "models", "protocols", "speakers", "data"],
    "audio": ["features", "decoding"],
    "corpus": ["zenodo", "demo", "table"],
    "assets": ["training", "by_actor", "metadata"],
    "reporting": ["figures"],
    "storage": ["schema"],
}
"""The packages inside a package from top to bottom; its own modules may import all of them."""
MOST_FILES = 12
MOST_LINES = 250


def layer_of(module: str) -> str:
    """Name the part of the platform that `ser_assets.<part>.…` belongs to."""
    return module.split(".")[1] if "." in module else module


def part_of(module: Path) -> str:
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
    assert not knows or part_of(module) in KNOW_DAGSTER


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_package_imports_only_itself_and_those_below(module: Path) -> None:
    if part_of(module) == "__init__":
        return
    height = next(number for number, layer in enumerate(LAYERS) if part_of(module) in layer)
    below = {part_of(module)}.union(*LAYERS[height + 1 :])
    used = {layer_of(name) for name in imports(module) if name.startswith("ser_assets.")}
    assert used <= below


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_an_inner_package_imports_only_itself_and_those_below_it(module: Path) -> None:
    package, *inner = module.relative_to(PACKAGE).with_suffix("").parts
    if package not in INNER_LAYERS or inner[0] not in INNER_LAYERS[package]:
        return
    layers = INNER_LAYERS[package]
    above = set(layers[: layers.index(inner[0])])
    used = {name.split(".")[2] for name in imports(module) if name.startswith(f"ser_assets.{package}.")}
    assert not used & above


def test_every_inner_package_has_its_layer() -> None:
    inner = {(path.parent.parent.name, path.parent.name) for path in PACKAGE.glob("*/*/__init__.py")}
    assert inner == {(package, name) for package, layers in INNER_LAYERS.items() for name in layers}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: str(path.relative_to(PACKAGE.parent)))
def test_a_package_is_small_and_states_what_belongs_in_it(package: Path) -> None:
    assert len([path for path in package.glob("*.py") if path.name != "__init__.py"]) <= MOST_FILES
    assert ast.get_docstring(ast.parse((package / "__init__.py").read_text()))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_short_or_states_why_not(module: Path) -> None:
    text = module.read_text()
    assert len(text.splitlines()) <= MOST_LINES or "Long because" in (ast.get_docstring(ast.parse(text)) or "")


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_libraries_are_imported_inside_functions(module: Path) -> None:
    assert not {name.split(".")[0] for name in imports(module, at_top=True)} & HEAVY


def test_the_documentation_lists_the_parts_in_the_order_of_the_layers() -> None:
    layout = (PACKAGE.parent / "docs" / "architecture.md").read_text().split("```")[1]
    named = re.findall(r"^  ([a-z_]+)(?:/|\.py) ", layout, re.MULTILINE)
    heights = [next(number for number, layer in enumerate(LAYERS) if part in layer) for part in named]
    assert heights == sorted(heights)
    assert set(named) == set().union(*LAYERS)


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


def test_a_prediction_loads_neither_training_nor_the_platform() -> None:
    loaded = loaded_by("import ser_assets.serving.predictor, ser_assets.learning.models.inference, onnxruntime")
    assert "onnxruntime" in loaded
    assert not loaded & {"tensorflow", "keras", "sklearn", "pandas", "pyarrow", "duckdb", "dagster", "matplotlib"}


def test_the_command_answers_without_dagster() -> None:
    assert not loaded_by("import ser_assets.cli") & (HEAVY | {"dagster", "pandas", "numpy"})
