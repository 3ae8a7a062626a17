from __future__ import annotations

from dataclasses import dataclass

from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.quarantine import replace_quarantine
from cascade.table_ref import TableRef

NAME = TableRef("raw", "readings").quarantine


@dataclass(frozen=True)
class Row:
    """A refused row."""

    rule: str
    row_json: str
    field: str | None = "celsius"
    message: str = "too hot"


def replaced(lakehouse: Lakehouse, *rows: Row, partition: str | None = "2013-01-15", run_id: str = "run") -> int | None:
    committed = replace_quarantine(lakehouse, NAME, rows, run_id=run_id, partition=partition)
    return committed.snapshot_id if committed else None


def rows_of(lakehouse: Lakehouse) -> list[tuple[str | None, str, str, str]]:
    found = lakehouse.require(NAME).scan().to_arrow().to_pylist()
    return sorted((row["partition"] or "", row["rule"], row["run_id"], row["row"]) for row in found)


def test_without_refused_rows_no_table_is_created(lakehouse: Lakehouse) -> None:
    assert replaced(lakehouse) is None
    assert lakehouse.load(NAME) is None


def test_a_partitions_rows_are_replaced_and_others_stay(lakehouse: Lakehouse) -> None:
    replaced(lakehouse, Row("hot", "{1}"), Row("cold", "{2}"), run_id="1")
    replaced(lakehouse, Row("hot", "{3}"), partition="2013-01-16", run_id="2")
    replaced(lakehouse, Row("wet", "{4}"), run_id="3")
    assert rows_of(lakehouse) == [("2013-01-15", "wet", "3", "{4}"), ("2013-01-16", "hot", "2", "{3}")]


def test_a_clean_run_empties_its_partition(lakehouse: Lakehouse) -> None:
    replaced(lakehouse, Row("hot", "{1}"))
    assert replaced(lakehouse) is not None
    assert rows_of(lakehouse) == []
    assert replaced(lakehouse) is None


def test_the_same_refusals_commit_nothing(lakehouse: Lakehouse) -> None:
    replaced(lakehouse, Row("hot", "{1}"), Row("hot", "{1}"), Row("wet", "{2}", field=None), run_id="1")
    assert replaced(lakehouse, Row("wet", "{2}", field=None), Row("hot", "{1}"), Row("hot", "{1}"), run_id="2") is None
    assert [row[2] for row in rows_of(lakehouse)] == ["1", "1", "1"]
    assert replaced(lakehouse, Row("hot", "{1}"), Row("wet", "{2}", field=None), run_id="3") is not None


def test_a_table_without_partitions_has_one_set_of_refused_rows(lakehouse: Lakehouse) -> None:
    replaced(lakehouse, Row("hot", "{1}"), partition=None)
    replaced(lakehouse, Row("hot", "{2}"), partition="2013-01-15")
    replaced(lakehouse, Row("hot", "{3}"), partition=None, run_id="3")
    assert rows_of(lakehouse) == [("", "hot", "3", "{3}"), ("2013-01-15", "hot", "run", "{2}")]
