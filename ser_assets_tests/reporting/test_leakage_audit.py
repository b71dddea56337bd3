"""What each protocol promises to keep apart, and whether every fold kept it."""

import pandas as pd
import pytest

from ser_assets.reporting.leakage_audit import actor_ranges, audits
from ser_assets_tests.factories import report_tables


def test_a_kept_promise_has_a_tick_and_what_is_not_promised_is_a_bare_count():
    [audit] = audits(report_tables.audit_table("random_split", "takes, recordings", (3, 0, 0), fold_scheme=""))
    assert [shared.text for shared in audit.folds[0].shared] == ["3", "0 ✓", "0 ✓"]
    assert [shared.state for shared in audit.folds[0].shared] == ["open", "kept", "kept"]
    assert audit.verdict == "Keeps takes and recordings disjoint: true in all 3 folds."
    assert audit.leaks == []


def test_a_broken_promise_is_named_with_its_fold():
    table = report_tables.audit_table("speaker_independent", "actors, takes, recordings", (0, 0, 0)).assign(
        shared_takes=[0, 2, 0]
    )
    [audit] = audits(table)
    assert not audit.is_kept
    assert audit.verdict.endswith("broken in fold 2.")
    assert audit.leaks == ["Speaker-independent, one fold for each actor, fold 2: takes"]
    assert audit.folds[1].shared[1].text == "2 ✗"


def test_a_protocol_that_promises_nothing_breaks_nothing():
    [audit] = audits(report_tables.audit_table("random_split_leaky", "", (3, 9, 9), fold_scheme=""))
    assert audit.is_kept
    assert "only counted" in audit.verdict
    assert {shared.state for shared in audit.folds[0].shared} == {"open"}


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_what_was_not_recorded_is_said_so_and_breaks_nothing(missing: float | None):
    [audit] = audits(report_tables.audit_table("random_split", "", (3, 1, 0), fold_scheme="").assign(disjoint=missing))
    assert audit.is_kept
    assert audit.verdict.startswith("What it keeps disjoint is not recorded")
    assert [shared.text for shared in audit.folds[0].shared] == ["3", "1", "0"]
    assert {shared.state for shared in audit.folds[0].shared} == {"open"}


def test_one_fold_without_a_record_takes_the_verdict_and_not_the_alarm():
    table = report_tables.audit_table("random_split", "takes", (3, 1, 0), fold_scheme="").assign(
        disjoint=["takes", None, "takes"]
    )
    [audit] = audits(table)
    assert audit.promised is None
    assert audit.leaks == ["Random split, fold 1: takes", "Random split, fold 3: takes"]


def test_protocols_and_schemes_are_in_their_order_and_folds_by_number():
    many = pd.concat(
        [
            report_tables.audit_table("speaker_independent", "actors", (0, 0, 0)).iloc[[0]].assign(fold=str(n))
            for n in (10, 2)
        ]
    )
    table = pd.concat(
        [
            report_tables.audit_table("random_split", "takes", (3, 0, 0), fold_scheme=""),
            report_tables.audit_table("speaker_normalised", "actors", (0, 0, 0), fold_scheme="luna5"),
            many,
            report_tables.audit_table("speaker_independent", "actors", (0, 0, 0), fold_scheme="luna5"),
        ]
    )
    found = audits(table)
    assert [audit.title for audit in found] == [
        "Speaker-independent, Luna-Jiménez's five folds by actor",
        "Speaker-independent, one fold for each actor",
        "Speaker-normalised, Luna-Jiménez's five folds by actor",
        "Random split",
    ]
    assert [fold.fold for fold in found[1].folds] == ["2", "10"]


def test_no_table_no_proof():
    assert audits(pd.DataFrame()) == []


@pytest.mark.parametrize(
    ("actors", "short"),
    [
        ("", ""),
        ("07", "07"),
        ("01, 02", "01, 02"),
        ("01, 02, 03, 05, 08, 09, 10", "01–03, 05, 08–10"),
        ("01, 02, 03, Anna B, Ben", "01–03, Anna B, Ben"),
    ],
)
def test_runs_of_three_and_more_actors_are_shortened(actors: str, short: str):
    assert actor_ranges(actors) == short
