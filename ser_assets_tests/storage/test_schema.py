"""Tables are declared once: their page is made from the declarations, and stored tables are compared with them."""

import runpy
from pathlib import Path

import pytest

from ser_assets.storage import tables
from ser_assets.storage.schema.columns import Column, Table, deviations
from ser_assets.storage.schema.tables import DECLARED

ROOT = Path(__file__).resolve().parents[2]
PAGES = runpy.run_path(str(ROOT / "tools/pages.py"))["PAGES"]
SCORES = Table(
    "scores",
    ("metrics_report",),
    "one score",
    (Column("value", "DOUBLE", "the score"), Column("p_<emotion>", "DOUBLE", "a probability", "0 to 1")),
)


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_as_the_code_has_it(name: str) -> None:
    written = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert written == PAGES[name]().rstrip() + "\n", "run: python tools/pages.py"


def test_every_table_that_has_a_name_is_declared() -> None:
    names = {value for name, value in vars(tables).items() if name.isupper() and name.lower() == value}
    assert set(DECLARED) == names


def test_a_declared_table_deviates_nowhere() -> None:
    assert deviations(SCORES, {"value": "DOUBLE", "p_sad": "DOUBLE", "p_angry": "DOUBLE"}) == []


@pytest.mark.parametrize(
    ("stored", "found"),
    [
        ({"p_sad": "DOUBLE"}, "value is missing"),
        ({"value": "DOUBLE", "uar": "DOUBLE"}, "uar is not declared"),
        ({"value": "FLOAT"}, "value is FLOAT, not DOUBLE"),
        ({"value": "DOUBLE", "p_sad": "VARCHAR"}, "p_sad is VARCHAR, not DOUBLE"),
    ],
)
def test_what_deviates_is_named(stored: dict[str, str], found: str) -> None:
    assert deviations(SCORES, stored) == [found]


def test_columns_have_a_description_and_a_name_of_their_own() -> None:
    for table in DECLARED.values():
        assert all(column.description for column in table.columns)
        assert len({column.name for column in table.columns}) == len(table.columns)
