"""The documentation names files, commands and remedies that exist."""

import re
import tomllib
from pathlib import Path

import click
import pytest

from ser_assets.cli import main
from ser_assets.rejections import Problem

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md")), ROOT / "data" / "README.md"]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
OLD_NAMES = {"replay-notebook", "calibrate-speaker"}
COMMAND = re.compile(
    r"(?:^|[`/ ])ser-assets ([a-z]+(?:-[a-z]+)*(?: (?:ablation|profile-size|settings))?)", re.MULTILINE
)


def command_names(group: click.Group) -> set[str]:
    names = set()
    for name, command in group.commands.items():
        inner = command_names(command) if isinstance(command, click.Group) else set()
        names |= {f"{name} {each}" for each in inner} | {name}
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    targets = [target for target in LINK.findall(page.read_text()) if "://" not in target]
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_commands_exist(page: Path) -> None:
    code = "\n".join(re.findall(r"`[^`\n]+`|^```sh\n.*?^```", page.read_text(), re.MULTILINE | re.DOTALL))
    assert set(COMMAND.findall(code)) - command_names(main) - OLD_NAMES == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_make_targets_exist(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"[`\n]make ([a-z-]+)", page.read_text()))
    assert {target for target in targets if not target.startswith("bench-") and f"\n{target}:" not in makefile} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_named_modules_and_packages_exist(page: Path) -> None:
    named = re.findall(r"`([a-z_]+/[a-z_/]*(?:\.py)?)`", page.read_text())
    places = [ROOT, ROOT / "ser_assets"]
    modules = [name for name in named if name.endswith(".py") or (ROOT / "ser_assets" / name.split("/")[0]).is_dir()]
    assert [name for name in modules if not any((place / name).exists() for place in places)] == []


def test_every_command_is_described() -> None:
    described = COMMAND.findall((ROOT / "docs" / "commands.md").read_text())
    assert command_names(main) - {"study"} == set(described) - {"study"}


def test_every_remedy_is_described() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+) \|$", (ROOT / "docs" / "recordings.md").read_text(), re.MULTILINE)
    assert {(str(problem), problem.remedy) for problem in Problem} <= set(rows)


def test_the_citation_names_the_present_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"\nversion: {project['version']}\n" in (ROOT / "CITATION.cff").read_text()
