from __future__ import annotations

import string
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import dagster as dg
import pyarrow as pa
from dagster._serdes import deserialize_value, serialize_value
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.runs.overwritten import Overwritten
from cascade.runs.report import Preview, Refusal, RunReport
from cascade.table_ref import TableRef

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
NAME = st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=8)
COUNT = st.integers(0, 2**40)
FINITE = st.floats(allow_nan=False, allow_infinity=False)
CELL = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), FINITE, TEXT)


@st.composite
def previews(draw: st.DrawFn) -> Preview:
    names = draw(st.lists(NAME, max_size=3, unique=True))
    kinds = st.sampled_from(["bool", "int", "float", "string"])
    rows = draw(st.lists(st.fixed_dictionaries(dict.fromkeys(names, CELL)), max_size=3)) if names else []
    return Preview(tuple((name, draw(kinds)) for name in names), tuple(rows))


REPORTS = st.builds(
    RunReport,
    ref=st.builds(TableRef, NAME, NAME, st.sampled_from(["main", "audit_1"])),
    partition=st.one_of(st.none(), TEXT),
    run_id=TEXT,
    rows_in=COUNT,
    rows_good=COUNT,
    rows_refused=COUNT,
    rows_inserted=COUNT,
    rows_updated=COUNT,
    rows_removed=COUNT,
    snapshot_id=st.one_of(st.none(), st.integers(1, 2**63 - 1)),
    committed=st.booleans(),
    partition_rows=COUNT,
    table_rows=COUNT,
    seconds=st.floats(0, 1e6),
    refused=st.lists(st.builds(Refusal, TEXT, st.one_of(st.none(), TEXT), TEXT, TEXT), max_size=3).map(tuple),
    dropped_fields=st.lists(st.one_of(TEXT, st.sampled_from(["", ", ", "a, b", "[", '["a"]'])), max_size=3).map(tuple),
    notices=st.lists(st.sampled_from(["One line.", "a, b", '"x": 1 is [1].']), max_size=3).map(tuple),
    sample=previews(),
    timings=st.dictionaries(NAME, st.floats(0, 1e6), max_size=3),
    overwritten=st.one_of(st.none(), st.builds(Overwritten, TEXT, TEXT)),
)


@settings(deadline=None, max_examples=200)
@given(REPORTS)
def test_a_report_survives_a_round_trip_through_its_metadata(report: RunReport) -> None:
    assert RunReport.from_metadata(report.to_metadata()) == report


@settings(deadline=None, max_examples=50)
@given(REPORTS)
def test_a_report_survives_a_round_trip_through_dagsters_event_log(report: RunReport) -> None:
    event = dg.AssetMaterialization("flights", metadata=report.to_metadata())
    stored = deserialize_value(serialize_value(event), dg.AssetMaterialization)
    assert RunReport.from_metadata(stored.metadata) == report


def test_metadata_of_another_asset_is_not_a_report() -> None:
    assert RunReport.from_metadata({}) is None
    assert RunReport.from_metadata({"cascade/rows_in": 3, "dagster/row_count": 3}) is None


def test_a_preview_contains_only_values_that_a_browser_can_show() -> None:
    at = datetime(2013, 1, 15, 12, tzinfo=UTC)
    values: dict[str, list[Any]] = {
        "id": [2**60, 1],
        "x": [float("inf"), 2.5],
        "ok": [True, None],
        "at": [at, None],
        "price": [Decimal("1.10"), None],
        "tags": [["a"], None],
    }
    preview = Preview.of(pa.table(values))
    assert preview.columns == (
        ("id", "int"),
        ("x", "float"),
        ("ok", "bool"),
        ("at", "string"),
        ("price", "string"),
        ("tags", "string"),
    )
    assert preview.rows == (
        {"id": str(2**60), "x": "inf", "ok": True, "at": at.isoformat(), "price": "1.10", "tags": "['a']"},
        {"id": 1, "x": 2.5, "ok": None, "at": None, "price": None, "tags": None},
    )
