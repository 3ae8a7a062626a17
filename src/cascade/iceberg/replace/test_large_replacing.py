from __future__ import annotations

import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pyiceberg.schema import Schema
from pyiceberg.types import DateType, DoubleType, ListType, LongType, NestedField, StringType

from cascade.declarations import PartitionField
from cascade.iceberg.append import append_rows
from cascade.iceberg.append.large_appending import append_large
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.conftest import MACHINE, Settings, on_disk
from cascade.iceberg.hidden import hidden_properties, visible, with_hidden
from cascade.iceberg.merge.costs import Costs
from cascade.iceberg.replace import Scope, WholeTable, Window, replace_rows
from cascade.iceberg.replace.large_replacing import replace_large
from cascade.iceberg.replace.unordered import fingerprint
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

NAME = TableRef("raw", "events")
SCHEMA = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "day", DateType(), required=True),
    NestedField(3, "value", DoubleType(), required=False),
    NestedField(4, "tags", ListType(5, StringType(), element_required=False), required=False),
)
BY_POSITION = Costs(small_rows=0, deleted_share=0.99)
LAYOUTS: list[list[PartitionField]] = [[], [PartitionField("day", "identity")]]
Row = dict[str, Any]


def event(id: int, day: int = 0, value: float | None = 1.0, tags: list[str | None] | None = None) -> Row:
    return {"id": id, "day": day, "value": value, "tags": tags}


def opened(lakehouse: Lakehouse, schema: Schema = SCHEMA, layout: list[PartitionField] | None = None) -> Lakehouse:
    ensure_table(lakehouse, NAME, schema, partition_spec=layout or [], properties=hidden_properties())
    return lakehouse


def batch(rows: list[Row]) -> pa.Table:
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    return pa.Table.from_pylist(rows, schema=schema_to_pyarrow(SCHEMA, include_field_ids=False))


def in_table(lakehouse: Lakehouse) -> list[str]:
    table = lakehouse.require(NAME)
    rows = table.scan().to_arrow()
    return sorted(map(repr, rows.select(visible(rows.column_names)).to_pylist()))


def files_of(lakehouse: Lakehouse) -> set[str]:
    return {str(path) for path in Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.parquet")}


def shown(rows: list[Row]) -> list[str]:
    return sorted(map(repr, batch(rows).to_pylist()))


def test_a_large_batch_replaces_the_rows_of_its_window_alone(lakehouse: Lakehouse) -> None:
    opened(lakehouse)
    rows = [event(id, id // 20) for id in range(60)]
    replace_large(lakehouse, NAME, on_disk(batch(rows)), WholeTable(), run_id="run")
    new = [event(id, 1, 7.0) for id in (3, 3, *range(20, 60))]
    done = replace_large(lakehouse, NAME, on_disk(batch(new)), Window("day", 1, 2), run_id="run", costs=BY_POSITION)
    assert (done.plan.removed, done.plan.rows.num_rows) == (20, 42)
    assert in_table(lakehouse) == shown([*rows[:20], *new, *rows[40:]])
    assert len(lakehouse.require(NAME).snapshots()) == 2


def test_the_same_rows_in_another_order_change_nothing(lakehouse: Lakehouse) -> None:
    opened(lakehouse)
    rows = [event(id, value=float("nan"), tags=[None, "a"]) for id in (3, 1, 2, 1)]
    first = replace_large(lakehouse, NAME, on_disk(batch(rows)), WholeTable(), run_id="run")
    before = files_of(lakehouse)
    again = replace_large(lakehouse, NAME, on_disk(batch(rows[::-1]), 1, 1), WholeTable(), run_id="run")
    assert again.snapshot_id is None and again.plan.digest == first.plan.digest
    assert replace_rows(lakehouse, NAME, batch(rows), WholeTable(), run_id="run").snapshot_id is None
    assert files_of(lakehouse) == before


def test_a_full_run_of_a_table_without_partitions_adds_its_rows_unless_they_are_those_of_the_run_before(
    lakehouse: Lakehouse,
) -> None:
    opened(lakehouse, with_hidden(SCHEMA))
    rows = [event(id) for id in range(10)]
    for run_id in ("1", "2"):
        append_large(lakehouse, NAME, on_disk(batch(rows)), run_id=run_id)
    assert in_table(lakehouse) == shown(rows)
    append_large(lakehouse, NAME, on_disk(batch(rows[:9])), run_id="3")
    assert in_table(lakehouse) == shown(rows + rows[:9])


VALUES = st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.0, 2.0, float("nan")]))
TAGS = st.sampled_from([None, [], ["x", None], ["x"]])
ROWS = st.lists(st.builds(event, st.integers(0, 9), st.integers(0, 2), VALUES, TAGS), max_size=30)


@settings(max_examples=100, deadline=None)
@given(ROWS, st.randoms(use_true_random=False))
def test_rows_have_the_fingerprint_of_their_permutations_and_of_no_other_rows(rows: list[Row], random: Any) -> None:
    def found(rows: list[Row], size: int) -> str:
        return fingerprint(on_disk(batch(rows), size, size).chunks(), batch([]).column_names)

    shuffled = random.sample(rows, len(rows))
    assert found(shuffled, 2) == found(rows, 5)
    # Values that change places between rows make other rows.
    ids = [row["id"] for row in shuffled]
    other = [{**row, "id": id} for row, id in zip(rows, ids, strict=True)]
    assert (found(other, 5) == found(rows, 5)) == (shown(other) == shown(rows))


def parts_of(directory: str, schema: Schema, layout: list[PartitionField]) -> Iterator[Lakehouse]:
    for name in ("memory", "disk"):
        yield opened(open_lakehouse(Settings(Path(directory) / name)), schema, layout)


class BothWays(RuleBasedStateMachine):
    """Write the same batches in memory and from disk: two tables keep the same rows."""

    schema = SCHEMA

    @initialize(
        costs=st.sampled_from([BY_POSITION, Costs(small_rows=0, deleted_share=0.3), Costs()]),
        layout=st.sampled_from(LAYOUTS),
        rows_per_file=st.sampled_from([3, 250_000]),
    )
    def open(self, costs: Costs, layout: list[PartitionField], rows_per_file: int) -> None:
        self._directory = tempfile.TemporaryDirectory()
        self._patch = pytest.MonkeyPatch()
        for module in ("data_file_writer", "large.writing"):
            self._patch.setattr(f"cascade.iceberg.{module}.ROWS_PER_FILE", rows_per_file)
        self.memory, self.disk = parts_of(self._directory.name, self.schema, layout)
        self.costs = costs
        self.runs = count()

    def teardown(self) -> None:
        if hasattr(self, "_directory"):
            self._patch.undo()
            self._directory.cleanup()

    def written_in_both(self, small: Any, large: Any, rows: list[Row], again: bool, **arguments: Any) -> None:
        """Write rows to both tables, and again to that on disk, which must change nothing."""
        run_id = str(next(self.runs))
        expected = small(self.memory, NAME, batch(rows), run_id=run_id, costs=self.costs, **arguments)
        found = large(self.disk, NAME, on_disk(batch(rows)), run_id=run_id, costs=self.costs, **arguments)
        assert (found.snapshot_id is None) == (expected.snapshot_id is None)
        assert (found.plan.removed, found.plan.rows.num_rows) == (expected.plan.removed, expected.plan.rows.num_rows)
        if again:
            files = files_of(self.disk)
            for write, given in ((large, on_disk(batch(rows[::-1]))), (small, batch(rows))):
                if write is small or not arguments.get("unique_key"):
                    assert write(self.disk, NAME, given, run_id="again", **arguments).snapshot_id is None
            assert files_of(self.disk) == files

    @invariant()
    def both_tables_have_the_same_rows(self) -> None:
        if hasattr(self, "disk"):
            assert in_table(self.disk) == in_table(self.memory)


class Replacements(BothWays):
    @rule(
        rows=ROWS,
        scope=st.sampled_from([WholeTable(), Window("day", 1, 2)]),
        key=st.sampled_from([(), ("id",)]),
        partition=st.sampled_from([None, "monday"]),
    )
    def replace(self, rows: list[Row], scope: Scope, key: tuple[str, ...], partition: str | None) -> None:
        inside = [{**row, "day": 1} for row in rows] if isinstance(scope, Window) else rows
        self.written_in_both(
            replace_rows, replace_large, inside, True, scope=scope, unique_key=key, partition=partition
        )


class Additions(BothWays):
    schema = with_hidden(SCHEMA)

    @rule(
        rows=ROWS,
        partition=st.sampled_from([None, "monday", "tuesday"]),
        since=st.sampled_from([None, "one", "two"]),
    )
    def add(self, rows: list[Row], partition: str | None, since: str | None) -> None:
        incremental = since is not None
        arguments = {"partition": partition, "since": since, "incremental": incremental}
        self.written_in_both(append_rows, append_large, rows, bool(rows) and not incremental, **arguments)


TestReplacements = Replacements.TestCase
TestReplacements.settings = settings(MACHINE, max_examples=8, stateful_step_count=5)
TestAdditions = Additions.TestCase
TestAdditions.settings = settings(MACHINE, max_examples=8, stateful_step_count=5)
