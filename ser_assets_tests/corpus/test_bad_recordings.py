"""What is accepted and what rejected of all that people bring; docs/recordings.md says the same."""

from pathlib import Path

import numpy as np
import pytest

from ser_assets.audio.decoding.mono import load_mono
from ser_assets.audio.features.extract import extract_features
from ser_assets.corpus.interface import path_of
from ser_assets.rejections import Problem
from ser_assets_tests.factories.bad_recordings import ACCEPTED, CASES, REJECTED, Case, open_folder, table, take_in

PAGE = Path(__file__).parents[2] / "docs" / "recordings.md"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.what)
def test_each_is_dealt_with_for_the_right_reason(case: Case) -> None:
    with open_folder() as folder:
        found = take_in(case, folder)
    assert found.outcome == case.outcome
    assert case.says in found.reason
    if case.outcome == REJECTED:
        assert found.row is not None
        assert Problem(str(found.row.problem)).remedy


@pytest.mark.parametrize("case", [case for case in CASES if case.outcome == ACCEPTED], ids=lambda case: case.what)
def test_what_is_accepted_can_be_opened_by_its_name_and_measured(case: Case, tmp_path: Path) -> None:
    found = take_in(case, tmp_path)
    assert found.row is not None
    samples = load_mono(path_of(found.row.path, tmp_path), 22050)
    assert abs(samples.mean()) < 0.01
    assert 0.1 < np.abs(samples).max() < 1.5
    assert np.isfinite(extract_features(samples, 22050).functionals).all()


def test_every_problem_has_a_remedy() -> None:
    assert all(problem.remedy for problem in Problem)


def test_the_documentation_shows_what_these_tests_see() -> None:
    assert table() in PAGE.read_text()
