"""What differs between two states of a table: rows, columns and schema."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from cascade.iceberg.branches import table_with
from cascade.iceberg.columns import storage_of
from cascade.iceberg.diff.changed_files import changed_rows
from cascade.iceberg.diff.points import Point
from cascade.iceberg.hidden import visible
from cascade.iceberg.same import same_rows

if TYPE_CHECKING:
    import polars as pl
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

_LEFT, _RIGHT = "cascade:left", "cascade:right"
EXAMPLES = 5
"""How many rows of each kind are shown."""


@dataclass(frozen=True)
class ChangedRow:
    """A row that both states have, with different values.

    Args:
        key: its key.
        before: its values before, of the columns that changed.
        after: the same columns afterwards.
    """

    key: Mapping[str, Any]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class RowDiff:
    """What differs between two states of a table.

    Args:
        before: what the user called the first state.
        after: the second state.
        unique_key: the columns that identify a row. Without any, rows are only added or removed.
        added: number of rows that only the second state has.
        removed: number of rows that only the first state has.
        changed: number of rows that both have, with different values.
        changed_columns: for each column, the number of changed rows in which it differs, most first.
        schema_changes: one sentence for each column that only one state has, or has with another type.
        added_rows: the first added rows.
        removed_rows: the first removed rows.
        changed_rows: the first changed rows.
    """

    before: str
    after: str
    unique_key: tuple[str, ...]
    added: int = 0
    removed: int = 0
    changed: int = 0
    changed_columns: Mapping[str, int] = field(default_factory=dict)
    schema_changes: tuple[str, ...] = ()
    added_rows: tuple[Mapping[str, Any], ...] = ()
    removed_rows: tuple[Mapping[str, Any], ...] = ()
    changed_rows: tuple[ChangedRow, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything differs."""
        return bool(self.added or self.removed or self.changed or self.schema_changes)


def diff_tables(
    before: Point,
    after: Point,
    *,
    examples: int = EXAMPLES,
    shown: Callable[[Iterable[str]], list[str]] = list,
) -> RowDiff:
    """Compare two states of one table. Only files that differ are read, in the schema of the second.

    Args:
        before: the first state.
        after: the second state.
        examples: how many rows of each kind to return.
        shown: chooses the columns that examples may show.
    """
    schema = after.table.schema()
    columns = visible(column.name for column in schema.fields)
    unique_key = tuple(name for name in columns if name in schema.identifier_field_names())
    old, new = changed_rows(_in_schema(before, schema), _in_schema(after, schema), columns)
    gone, pairs, come = _pairs(old, new, unique_key) if unique_key else _unpaired(old, new)
    old_pairs, new_pairs = _taken(old, pairs[0]), _taken(new, pairs[1])
    same = {name: same_rows(old_pairs.select([name]), new_pairs.select([name])) for name in columns}
    differs = _any([pc.invert(column) for column in same.values()], len(pairs[0]))
    counts = Counter({name: same[name].false_count for name in columns})
    names = shown(columns)
    return RowDiff(
        before=before.name,
        after=after.name,
        unique_key=unique_key,
        added=len(come),
        removed=len(gone),
        changed=differs.true_count,
        changed_columns={name: count for name, count in counts.most_common() if count},
        schema_changes=tuple(_schema_changes(_schema_at(before), _schema_at(after))),
        added_rows=tuple(new.select(names).take(come[:examples]).to_pylist()) if names else (),
        removed_rows=tuple(old.select(names).take(gone[:examples]).to_pylist()) if names else (),
        changed_rows=tuple(_examples(old_pairs, new_pairs, same, differs, unique_key, names, examples)),
    )


def _examples(
    old: pa.Table,
    new: pa.Table,
    same: Mapping[str, pa.Array],
    differs: pa.Array,
    unique_key: tuple[str, ...],
    shown: list[str],
    examples: int,
) -> Iterable[ChangedRow]:
    if not shown:
        return
    for row in pc.indices_nonzero(differs)[:examples].to_pylist():
        changed = [name for name in shown if not same[name][row].as_py()]
        [key] = old.select([name for name in unique_key if name in shown]).slice(row, 1).to_pylist()
        [was], [now] = (rows.select(changed).slice(row, 1).to_pylist() for rows in (old, new))
        yield ChangedRow(key, was, now)


def _taken(rows: pa.Table, positions: pa.Array) -> pa.Table:
    """Return some rows. All rows in their order are not copied."""
    if len(positions) == rows.num_rows and positions.equals(pa.arange(0, rows.num_rows).cast(positions.type)):
        return rows
    return rows.take(positions)


def _any(columns: list[pa.Array], rows: int) -> pa.Array:
    found = pa.array([False] * rows, pa.bool_())
    for column in columns:
        found = pc.or_(found, column)
    return found


_Found = tuple[pa.Array, tuple[pa.Array, pa.Array], pa.Array]
"""Rows that only the first table has, rows of both that belong together, and rows that only the second has."""


def _pairs(old: pa.Table, new: pa.Table, unique_key: tuple[str, ...]) -> _Found:
    """Match rows by their key."""
    if _have_same_keys(old, new, unique_key):
        every, none = pa.arange(0, old.num_rows), pa.array([], pa.int64())
        return none, (every, every), none
    left, right = _frame(old, unique_key, _LEFT), _frame(new, unique_key, _RIGHT)
    both = left.join(right, on=list(unique_key), nulls_equal=True).select(_LEFT, _RIGHT).sort(_RIGHT)
    return (
        _others(both[_LEFT], old.num_rows),
        (both[_LEFT].to_arrow(), both[_RIGHT].to_arrow()),
        _others(both[_RIGHT], new.num_rows),
    )


def _have_same_keys(old: pa.Table, new: pa.Table, unique_key: tuple[str, ...]) -> bool:
    """Return whether two tables have the same keys in the same order, as those of a file that was written anew."""
    if old.num_rows != new.num_rows:
        return False
    names = list(unique_key)
    return bool(same_rows(old.select(names), new.select(names)).false_count == 0)


def _others(positions: pl.Series, rows: int) -> pa.Array:
    """Return the positions of a table that are not among some."""
    import numpy as np

    left = np.ones(rows, dtype=bool)
    left[positions.to_numpy()] = False
    return pa.array(np.flatnonzero(left))


def _unpaired(old: pa.Table, new: pa.Table) -> _Found:
    """Match equal rows: of a row that is there several times, as many as both have."""
    columns = old.column_names
    count = "cascade:count"
    left, right = (
        _frame(rows, columns, name).with_columns(_repeats(columns, count))
        for rows, name in ((old, _LEFT), (new, _RIGHT))
    )
    joined = left.join(right, on=[*columns, count], how="full", nulls_equal=True)
    gone = joined.filter(joined[_RIGHT].is_null())[_LEFT].sort()
    come = joined.filter(joined[_LEFT].is_null())[_RIGHT].sort()
    none = pa.array([], pa.uint32())
    return gone.to_arrow(), (none, none), come.to_arrow()


def _repeats(columns: list[str], name: str) -> pl.Expr:
    """Return the column that numbers equal rows."""
    import polars as pl

    return pl.int_range(pl.len()).over(columns).alias(name)


def _frame(rows: pa.Table, columns: Iterable[str], index: str) -> pl.DataFrame:
    import polars as pl

    plain = pa.table({name: storage_of(rows.column(name)) for name in columns})
    frame = pl.from_arrow(plain)
    assert isinstance(frame, pl.DataFrame)
    return frame.with_row_index(index)


def _schema_at(point: Point) -> Schema:
    """Return the schema that the table had then; its current one if it had no rows."""
    schemas, snapshot = point.table.metadata.schemas, point.snapshot
    wanted = snapshot.schema_id if snapshot is not None else None
    return next((schema for schema in schemas if schema.schema_id == wanted), point.table.schema())


def _twins(old: Schema, new: Schema) -> dict[int, int]:
    """Return the columns that a branch and `main` both got after the branch began, which Iceberg takes for two.

    Args:
        old: the schema of the first state.
        new: the schema of the second state.

    Returns:
        The ids in the first state of columns with the same name and type, by their ids in the second one.
    """
    ids = [{column.field_id for column in schema.fields} for schema in (old, new)]
    names = {column.name: column for column in old.fields if column.field_id not in ids[1]}
    return {
        column.field_id: twin.field_id
        for column in new.fields
        if column.field_id not in ids[0]
        and (twin := names.get(column.name)) is not None
        and twin.field_type == column.field_type
    }


def _in_schema(point: Point, schema: Schema) -> Table:
    """Return a state of a table in another schema, with its own columns where these have other ids there."""
    twins = _twins(_schema_at(point), schema)
    columns = [
        column.model_copy(update={"field_id": twins.get(column.field_id, column.field_id)}) for column in schema.fields
    ]
    known = point.table.metadata.schemas
    own = max(one.schema_id for one in known) + 1
    aligned = type(schema)(*columns, schema_id=own, identifier_field_ids=schema.identifier_field_ids)
    return table_with(point.table, current_schema_id=own, schemas=[*known, aligned])


def _schema_changes(old: Schema, new: Schema) -> Iterable[str]:
    twins = _twins(old, new)
    before = {column.field_id: column for column in old.fields}
    after = {twins.get(column.field_id, column.field_id): column for column in new.fields}
    for found, column in before.items():
        now = after.get(found)
        if now is None:
            yield f"The column {column.name} was removed."
            continue
        if now.name != column.name:
            yield f"The column {column.name} was renamed to {now.name}."
        if now.field_type != column.field_type:
            yield f"The column {now.name} was {column.field_type}, and is {now.field_type}."
        if now.required != column.required:
            yield f"The column {now.name} {'no longer takes' if now.required else 'takes'} nulls."
    for found, column in after.items():
        if found not in before:
            yield f"The column {column.name} was added: {column.field_type}."
