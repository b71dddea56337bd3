"""Every example (`>>>`) in a docstring shows what really happens."""

import doctest
import importlib
from pathlib import Path

import pytest

import ser_assets

PACKAGE = Path(ser_assets.__file__).parent
WITH_EXAMPLES = sorted(path for path in PACKAGE.rglob("*.py") if ">>> " in path.read_text(encoding="utf-8"))
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
FEWEST_EXAMPLES = 30


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)


@pytest.mark.parametrize("module", map(module_of, WITH_EXAMPLES))
def test_examples_show_what_happens(module: str) -> None:
    ran = doctest.testmod(importlib.import_module(module), optionflags=FLAGS)
    assert ran.attempted > 0
    assert ran.failed == 0


def test_there_are_examples_in_all_packages_of_pure_functions() -> None:
    packages = {path.relative_to(PACKAGE).parts[0] for path in WITH_EXAMPLES}
    assert {"audio", "corpus", "learning", "reporting", "storage", "serving"} <= packages
    assert sum(path.read_text(encoding="utf-8").count(">>> ") for path in WITH_EXAMPLES) >= FEWEST_EXAMPLES
