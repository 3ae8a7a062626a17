"""Runs and the ledger of their table (G1, G2, G8)."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cascade.declarations.code_version import code_version
from cascade.exceptions import RowsRefusedError
from cascade.fault_points import FaultPoint, SimulatedCrash, fault_point_armed
from cascade.iceberg.catalog import Lakehouse
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.conftest import ARGUMENTS, AT, DAY, HOT, A, B, ran, table_rows
from cascade.ingestion.run import run_ingestion
from cascade.partitions import partitions_definition, window_for
from cascade.runs.report import RunReport

NEXT = "2013-01-16"


def version_of(function: object) -> str:
    declared: Any = SimpleNamespace(function=function, module=None)
    return code_version(declared)


VERSIONS = {version_of(ran), version_of(lambda: None)}


def published(lakehouse: Lakehouse) -> list[str | None]:
    found = lakehouse.published("raw.readings")
    assert {found.code_version(key) for key in found} <= VERSIONS
    return list(found)


def metadata(lakehouse: Lakehouse) -> str:
    return lakehouse.catalog.load_table(("raw", "readings")).metadata_location


@pytest.mark.parametrize(
    "arguments",
    [
        {"write_disposition": "merge"},
        {"write_disposition": "append"},
        {"write_disposition": "replace", "partition_column": "at"},
    ],
    ids=lambda arguments: arguments["write_disposition"],
)
def test_g1_a_run_publishes_its_partition_and_an_identical_one_commits_nothing(
    lakehouse: Lakehouse, arguments: dict[str, Any]
) -> None:
    declared = {name: value for name, value in ARGUMENTS.items() if name != "unique_key"}
    if arguments["write_disposition"] == "merge":
        declared = ARGUMENTS

    def run(*rows: object, key: str, run_id: str) -> RunReport:
        declaration = cascade_ingestion(**declared, **arguments)(lambda: list(rows)).declaration
        return run_ingestion(declaration, lakehouse=lakehouse, window=window_for(declaration, key), run_id=run_id)

    other = {**B, "at": AT.replace(day=16)}
    for key, row in ((DAY, A), (NEXT, other)):
        run(row, key=key, run_id=key)
        before = metadata(lakehouse)
        assert not run(row, key=key, run_id="again").committed
        assert metadata(lakehouse) == before
    run(key="2013-01-17", run_id="none")
    assert published(lakehouse) == [DAY, NEXT, "2013-01-17"]
    assert [(each.first, each.count) for each in lakehouse.published("raw.readings").ranges] == [(DAY, 3)]
    # A partition whose rows are gone from its source is still published.
    run(key=DAY, run_id="empty")
    assert published(lakehouse) == [DAY, NEXT, "2013-01-17"]


def test_none_publishes_and_a_failed_run_does_not(lakehouse: Lakehouse) -> None:
    ran(lakehouse, function=lambda: None, key=DAY)
    with pytest.raises(RowsRefusedError):
        ran(lakehouse, HOT, key=NEXT)
    with pytest.raises(ZeroDivisionError):
        ran(lakehouse, function=lambda: 1 // 0, key="2013-01-17")
    assert published(lakehouse) == [DAY]
    ran(lakehouse, A, HOT, key=NEXT)
    assert published(lakehouse) == [DAY, NEXT]


def test_a_workflow_without_partitions_is_published_once(lakehouse: Lakehouse) -> None:
    arguments: dict[str, Any] = {"partitions": None, "partition_start": None}
    ran(lakehouse, A, key=None, **arguments)
    assert published(lakehouse) == [None]
    assert lakehouse.published("raw.readings").missing(None) == ()


def test_rows_that_remove_keys_publish_like_others(lakehouse: Lakehouse) -> None:
    from pydantic import AwareDatetime, BaseModel

    class Deletable(BaseModel):
        station: str
        at: AwareDatetime
        gone: bool

    arguments: dict[str, Any] = {"validation_schema": Deletable, "hard_delete": "gone"}
    ran(lakehouse, {"station": "a", "at": AT, "gone": False}, **arguments)
    ran(lakehouse, {"station": "a", "at": AT, "gone": True}, key=NEXT, **arguments)
    assert table_rows(lakehouse) == [] and published(lakehouse) == [DAY, NEXT]


def test_g8_what_is_missing_is_what_no_run_published(lakehouse: Lakehouse) -> None:
    """Also the hour that clocks show twice, and not the one that they skip."""
    arguments: dict[str, Any] = {
        "partitions": "hourly",
        "partition_start": "2024-11-02T22:00",
        "partition_end": "2024-11-03T04:00",
        "partition_timezone": "America/New_York",
    }
    partitions = partitions_definition(cascade_ingestion(**{**ARGUMENTS, **arguments})(lambda: []).declaration)
    assert partitions is not None
    keys = list(partitions.get_partition_keys())
    assert "2024-11-03-01:00-0500" in keys and len(keys) == 7
    for key in (keys[1], keys[3], keys[4]):
        ran(lakehouse, key=key, run_id=key, **arguments)
    found = lakehouse.published("raw.readings")
    assert list(found) == [keys[1], keys[3], keys[4]]
    assert list(found.missing(partitions)) == [keys[0], keys[2], keys[5], keys[6]]


@pytest.mark.parametrize("rows", [(), (A,)], ids=["no rows", "rows"])
@pytest.mark.parametrize("point", list(FaultPoint))
def test_g2_ledger_and_rows_agree_after_a_crash(
    lakehouse: Lakehouse, point: FaultPoint, rows: tuple[dict[str, Any], ...]
) -> None:
    def source() -> Iterator[dict[str, Any]]:
        yield from rows

    try:
        with fault_point_armed(point, "raw.readings"):
            ran(lakehouse, function=source)
        crashed = False
    except SimulatedCrash:
        crashed = True
    landed = not crashed or point in (FaultPoint.PUBLISH, FaultPoint.STATE)
    assert published(lakehouse) == ([DAY] if landed else [])
    assert len(table_rows(lakehouse)) == (len(rows) if landed else 0)
    ran(lakehouse, function=source, run_id="again")
    assert published(lakehouse) == [DAY] and len(table_rows(lakehouse)) == len(rows)


def test_the_quarantine_has_no_ledger(lakehouse: Lakehouse) -> None:
    ran(lakehouse, A, HOT)
    assert not lakehouse.published("raw.readings__quarantine").recorded
