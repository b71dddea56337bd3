"""The refresh that `ser-assets run` makes."""

import pytest

from ser_assets.corpus.ravdess import ACTORS
from ser_assets.orchestration.runner import partition_ranges


@pytest.mark.parametrize(
    ("actors", "ranges"),
    [
        (["01"], [("01", "01")]),
        (["03", "01", "02"], [("01", "03")]),
        (["01", "02", "05", "09", "10"], [("01", "02"), ("05", "05"), ("09", "10")]),
    ],
)
def test_actors_fall_into_unbrokenpartition_ranges(actors: list[str], ranges: list[tuple[str, str]]) -> None:
    assert partition_ranges(actors, ACTORS) == ranges
