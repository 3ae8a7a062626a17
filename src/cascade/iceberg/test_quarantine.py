from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.quarantine import add_to_quarantine, clear_quarantine, content, contents
from cascade.table_ref import TableRef

NAME = TableRef("raw", "readings").quarantine
DAY = "2013-01-15"


@dataclass(frozen=True)
class Row:
    """A refused row."""

    rule: str
    row_json: str
    field: str | None = "celsius"
    message: str = "too hot"


def added(lakehouse: Lakehouse, *rows: Row, partition: str | None = DAY, run_id: str = "run") -> int | None:
    committed = add_to_quarantine(lakehouse, NAME, rows, run_id=run_id, partition=partition)
    return committed.snapshot_id if committed else None


def test_equal_rows_of_sources_that_continue_are_kept_for_each_state(lakehouse: Lakehouse) -> None:
    for since, number in (("one", 1), ("two", 2), ("two", 2)):
        add_to_quarantine(lakehouse, NAME, [Row("hot", "{1}")], run_id=since, partition=DAY, since=since)
        assert len(rows_of(lakehouse)) == number


def kept(lakehouse: Lakehouse, rows: Iterable[Row], partition: str | None = DAY) -> int | None:
    wanted = {content(row) for row in rows}

    def keep(found: pa.Table) -> list[bool]:
        return [digest in wanted for digest in contents(found)]

    committed = clear_quarantine(lakehouse, NAME, keep, run_id="clear", partition=partition)
    return committed.snapshot_id if committed else None


def rows_of(lakehouse: Lakehouse) -> list[tuple[str | None, str, str, str]]:
    found = lakehouse.require(NAME).scan().to_arrow().to_pylist()
    return sorted((row["partition"] or "", row["rule"], row["run_id"], row["row"]) for row in found)


def test_without_refused_rows_no_table_is_created(lakehouse: Lakehouse) -> None:
    assert added(lakehouse) is None
    assert kept(lakehouse, []) is None
    assert lakehouse.load(NAME) is None


def test_rows_are_added_once_for_each_reason_and_partition(lakehouse: Lakehouse) -> None:
    hot = Row("hot", "{1}")
    assert added(lakehouse, hot, hot, Row("wet", "{1}", field=None), run_id="1") is not None
    assert added(lakehouse, Row("wet", "{1}", field=None), hot, run_id="2") is None
    assert added(lakehouse, hot, Row("hot", "{2}"), run_id="3") is not None
    assert added(lakehouse, hot, partition="2013-01-16", run_id="4") is not None
    assert rows_of(lakehouse) == [
        (DAY, "hot", "1", "{1}"),
        (DAY, "hot", "3", "{2}"),
        (DAY, "wet", "1", "{1}"),
        ("2013-01-16", "hot", "4", "{1}"),
    ]


def test_only_a_partitions_own_rows_are_removed(lakehouse: Lakehouse) -> None:
    hot, cold = Row("hot", "{1}"), Row("cold", "{2}")
    added(lakehouse, hot, cold)
    added(lakehouse, hot, partition="2013-01-16")
    added(lakehouse, hot, partition=None)
    assert kept(lakehouse, [cold]) is not None
    assert rows_of(lakehouse) == [
        ("", "hot", "run", "{1}"),
        (DAY, "cold", "run", "{2}"),
        ("2013-01-16", "hot", "run", "{1}"),
    ]
    assert kept(lakehouse, [], partition=None) is not None
    assert kept(lakehouse, []) is not None
    assert rows_of(lakehouse) == [("2013-01-16", "hot", "run", "{1}")]


def test_rows_that_all_stay_commit_nothing(lakehouse: Lakehouse) -> None:
    rows = [Row("hot", "{1}"), Row("wet", "{2}", field=None)]
    added(lakehouse, *rows)
    assert kept(lakehouse, rows) is None
    assert kept(lakehouse, rows[:1], partition="2013-01-16") is None
    assert len(rows_of(lakehouse)) == 2
