"""What other ways to write Iceberg do in the cases that Cascade promises, and why Cascade does not build on them.

Each test shows the other first. If a new release of it changes, the test fails: then see whether Cascade still has to
do this itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dlt
import pyarrow as pa
import pytest
from pyiceberg.exceptions import ValidationException
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import LongType, NestedField, StringType

from cascade.exceptions import UsageError
from cascade.framework.resources import throwaway_config
from cascade.iceberg import Lakehouse, ensure_table, merge_rows, open_lakehouse
from cascade.table_ref import TableRef

OURS, THEIRS = TableRef("raw", "ours"), ("raw", "theirs")
ID = NestedField(1, "id", LongType(), required=True)
N = NestedField(2, "n", LongType(), required=False)
SCHEMA = Schema(ID, N, identifier_field_ids=[1])
ARROW = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("n", pa.int64())])


@pytest.fixture
def lakehouse(tmp_path: Path) -> Lakehouse:
    lakehouse = open_lakehouse(throwaway_config(tmp_path))
    ensure_table(lakehouse, OURS, SCHEMA)
    lakehouse.catalog.create_table(THEIRS, SCHEMA)
    return lakehouse


def batch(*rows: tuple[int, int]) -> pa.Table:
    return pa.Table.from_pylist([{"id": id, "n": n} for id, n in rows], schema=ARROW)


def merged(lakehouse: Lakehouse, rows: pa.Table) -> None:
    merge_rows(lakehouse, OURS, rows, ["id"], run_id="run")


def theirs(lakehouse: Lakehouse) -> Table:
    return lakehouse.catalog.load_table(THEIRS)


def rows_of(table: Table) -> list[tuple[int, int]]:
    return sorted((row["id"], row["n"]) for row in table.scan().to_arrow().to_pylist())


def test_pyiceberg_upsert_makes_several_snapshots_of_one_change(lakehouse: Lakehouse) -> None:
    """Readers between them see half of a run. A merge is one snapshot."""
    for rows in (batch((1, 0), (2, 0)), batch((2, 1), (3, 1))):
        theirs(lakehouse).upsert(rows)
        merged(lakehouse, rows)
    assert len(theirs(lakehouse).snapshots()) == 4
    assert len(lakehouse.require(OURS).snapshots()) == 2
    assert rows_of(theirs(lakehouse)) == rows_of(lakehouse.require(OURS)) == [(1, 0), (2, 1), (3, 1)]


def test_pyiceberg_upsert_inserts_a_key_twice_if_two_writers_do(lakehouse: Lakehouse) -> None:
    """The second append is tried again without another look at the keys. A merge is planned again (G3)."""
    theirs(lakehouse).append(batch((5, 0)))
    first, second = theirs(lakehouse), theirs(lakehouse)
    first.upsert(batch((1, 1)))
    second.upsert(batch((1, 2)))
    assert rows_of(theirs(lakehouse)) == [(1, 1), (1, 2), (5, 0)]


def test_pyiceberg_upsert_gives_up_when_two_writers_change_one_row(lakehouse: Lakehouse) -> None:
    """Who comes second has to start again by hand."""
    theirs(lakehouse).append(batch((1, 0)))
    first, second = theirs(lakehouse), theirs(lakehouse)
    first.upsert(batch((1, 1)))
    with pytest.raises(ValidationException):
        second.upsert(batch((1, 2)))


def test_pyiceberg_upsert_refuses_a_batch_with_two_versions_of_a_row(lakehouse: Lakehouse) -> None:
    """Sources return such batches, and the last version wins."""
    assert theirs_raises(theirs(lakehouse), batch((1, 1), (1, 2)), "Duplicate rows")
    merged(lakehouse, batch((1, 1), (1, 2)))
    assert rows_of(lakehouse.require(OURS)) == [(1, 2)]


def test_pyiceberg_upsert_fails_on_old_rows_after_a_new_column(lakehouse: Lakehouse) -> None:
    """A new optional column is what drifts most often (G4). dlt's merge into Iceberg calls upsert too."""
    theirs(lakehouse).upsert(batch((1, 1)))
    merged(lakehouse, batch((1, 1)))
    with theirs(lakehouse).update_schema() as update:
        update.add_column("note", StringType())
    noted = batch((1, 2)).append_column("note", pa.array(["new"]))
    assert theirs_raises(theirs(lakehouse), noted, "field names are not matching")
    wider = Schema(ID, N, NestedField(3, "note", StringType()), identifier_field_ids=[1])
    ensure_table(lakehouse, OURS, wider)
    merged(lakehouse, noted)
    assert rows_of(lakehouse.require(OURS)) == [(1, 2)]


def theirs_raises(table: Table, rows: pa.Table, message: str) -> bool:
    with pytest.raises(ValueError, match=message):
        table.upsert(rows)
    return True


def test_pyiceberg_appends_to_a_branch_that_does_not_exist(lakehouse: Lakehouse) -> None:
    """The branch then lacks the rows of main. Here it is an error."""
    theirs(lakehouse).append(batch((1, 0)))
    theirs(lakehouse).append(batch((2, 0)), branch="typo")
    assert theirs(lakehouse).scan().use_ref("typo").to_arrow()["id"].to_pylist() == [2]
    with pytest.raises(UsageError, match="typo"):
        merge_rows(lakehouse, TableRef("raw", "ours", branch="typo"), batch((2, 0)), ["id"], run_id="run")


class TestDlt:
    """dlt's own merge into Iceberg, without Cascade."""

    @pytest.fixture
    def pipeline(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dlt.Pipeline:
        monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        return dlt.pipeline(
            "theirs",
            pipelines_dir=str(tmp_path / "pipelines"),
            destination=dlt.destinations.filesystem(str(tmp_path / "lake")),
            dataset_name="raw",
        )

    def source(self, *rows: tuple[int, int]) -> Any:
        data = [{"id": id, "n": n} for id, n in rows]
        return dlt.resource(data, name="counts", write_disposition="merge", primary_key="id", table_format="iceberg")

    def table(self, pipeline: dlt.Pipeline) -> Table:
        from dlt.common.libs.pyiceberg import get_iceberg_tables

        return get_iceberg_tables(pipeline)["counts"]

    def test_an_identical_run_makes_snapshots(self, pipeline: dlt.Pipeline, lakehouse: Lakehouse) -> None:
        """The id of the load is in every row, so that no two runs are identical (G1)."""
        counts = []
        for _ in range(2):
            pipeline.run(self.source((1, 1), (2, 1)))
            merged(lakehouse, batch((1, 1), (2, 1)))
            counts.append((len(self.table(pipeline).snapshots()), len(lakehouse.require(OURS).snapshots())))
        (before, ours), (after, ours_after) = counts
        assert after > before
        assert ours_after == ours == 1

    def test_a_run_after_an_interrupted_one_loads_old_rows_in_place_of_new_ones(self, pipeline: dlt.Pipeline) -> None:
        """The package of the interrupted run is pending, so that the next run does not ask its source (G2).

        So Cascade takes the rows out of dlt before it makes a package of them.
        """
        pipeline.run(self.source((0, 0)))
        pipeline.extract(self.source((1, 1)))
        pipeline.normalize()
        pipeline.run(self.source((2, 2)))
        assert rows_of(self.table(pipeline)) == [(0, 0), (1, 1)]
