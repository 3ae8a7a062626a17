"""What is affected, and the summary, without a run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cascade.exceptions import UsageError
from cascade.framework.ci.affected import AffectedNames, last_keys, read_affected, read_affected_file
from cascade.framework.ci.contract_differences import ContractDifference
from cascade.framework.ci.differences import TableDifference
from cascade.framework.ci.summary import CiSummary
from cascade.framework.runs import CheckOutcome, RunOutcome
from cascade.iceberg.ledger import PartitionSet, Scheme

DOCUMENT = {
    "version": 1,
    "assets": [{"table": "raw.a"}, {"table": None}],
    "models": [{"name": "gold"}],
    "checks": [{"table": "raw.b", "name": "checked"}, {"name": "rows_match", "kind": "test"}],
}


def test_the_document_of_pants_is_read(tmp_path: Path) -> None:
    file = tmp_path / "affected.json"
    file.write_text(json.dumps(DOCUMENT))
    expected = AffectedNames(frozenset({"raw.a", "raw.b"}), frozenset({"gold"}), frozenset({"rows_match"}))
    assert read_affected_file(str(file), "") == read_affected_file("-", json.dumps(DOCUMENT)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("[]", "is not what `cascade-affected` prints"),
        (json.dumps({**DOCUMENT, "version": 2}), "has version 2 of its format"),
        (json.dumps({**DOCUMENT, "models": [{}]}), "is not what `cascade-affected` prints: KeyError"),
        (json.dumps({**DOCUMENT, "assets": ["raw.a"]}), "is not what `cascade-affected` prints"),
    ],
)
def test_another_document_is_refused(text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_affected(text, "x.json")


def test_the_newest_partitions_are_the_last_ones_of_all_ranges() -> None:
    days = Scheme("daily", "UTC")
    found = PartitionSet.of_keys(days, ["2024-01-01", "2024-01-02", "2024-01-05"])
    assert [last_keys(found, number) for number in (1, 2, 9)] == [
        ["2024-01-05"],
        ["2024-01-02", "2024-01-05"],
        ["2024-01-01", "2024-01-02", "2024-01-05"],
    ]


def test_a_summary_counts_and_cannot_be_broken_by_names() -> None:
    checks = [
        CheckOutcome("t", "good", True, "ERROR"),
        CheckOutcome("t", "bad", False, "ERROR", "3 | <b>rows</b>\nfailed"),
        CheckOutcome("t", "warns", False, "WARN"),
    ]
    summary = CiSummary(
        "ci_x",
        reasons={"t": "you named it"},
        left_out={"mart": "only workflows and dbt models write to a branch"},
        outcomes=[RunOutcome("t", "2024-01-01", "id", True, 1.25, checks=checks, rows=7)],
        tables=[TableDifference("raw.t", 1, 2, 3, ["n in 3"], ["The column n was added: long."])],
        contracts=[ContractDifference("raw.t", "breaking", "m: removed | gone", ("model a (m)", "mart b (*)"))],
    )
    assert not summary.passed
    assert summary.headline == "1 run of 1 asset; all succeeded; 1 of 3 checks passed, 1 failed, 1 warned."
    lines = summary.markdown().splitlines()
    assert "| raw.t | 1 | 2 | 3 | n in 3; The column n was added: long. |" in lines
    assert r"| raw.t | breaking | m: removed \| gone | model a (m); mart b (\*) |" in lines
    assert r"| bad | t 2024-01-01 | failed: 3 \| \<b\>rows\</b\> failed |" in lines
    assert "| mart | only workflows and dbt models write to a branch |" in lines
    unloaded = CiSummary("ci_x", not_loaded=["x.py:1: <b>wrong</b>"])
    assert not unloaded.passed and r"Not loaded: x.py:1: \<b\>wrong\</b\>" in unloaded.markdown()
    assert CiSummary("ci_x").headline == "The change affects nothing that runs." and CiSummary("ci_x").passed
