"""Apply a mask to the columns of a batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cascade.schemas.mask.compile import UNSET, CompiledMask, MaskedField
from cascade.schemas.mask.plan import Given, Plan
from cascade.schemas.values import to_arrow


@dataclass(frozen=True)
class Cells:
    """The values of one source field.

    Args:
        values: the values, null where they are suspect or absent.
        suspect: the positions of values that the mask cannot read.
        absent: which rows lack the field, and take its default; none if None.
        native: whether the values were Enum members or UUIDs, which strict fields accept.
    """

    values: pa.ChunkedArray
    suspect: Sequence[int] = ()
    absent: pa.Array | None = None
    native: bool = False


def cells_of_table(table: pa.Table, mask: CompiledMask) -> dict[str, Cells]:
    """Return the columns of a table that the fields of a mask are read from, by the name of the field."""
    names = set(table.column_names)
    # Every row has every column, so the preferred name decides.
    found = ((field.name, next((name for name in field.sources if name in names), None)) for field in mask.fields)
    return {name: Cells(table.column(source)) for name, source in found if source is not None}


@dataclass(frozen=True)
class Cleared:
    """What a mask found.

    Args:
        rows: which rows it clears; all if None.
        columns: the landed values of its fields by column, of no meaning in rows that it does not clear.
    """

    rows: pa.Array | None
    columns: Mapping[str, pa.Array]


@dataclass(frozen=True)
class _Part:
    """One field of a batch, with its plan."""

    field: MaskedField
    cells: Cells
    values: pa.ChunkedArray
    plan: Plan


def clear(
    mask: CompiledMask, cells: Mapping[str, Cells], count: int, *, restored: frozenset[str], fills: bool
) -> Cleared | frozenset[str] | None:
    """Return which rows of a batch are valid in the fields of a mask, and the values that land.

    Args:
        mask: the mask.
        cells: the values of each field that the batch has, by the name of the field.
        count: the number of rows.
        restored: the columns whose Enum members and UUIDs are restored from what Arrow has for them.
        fills: whether an optional column that the batch lacks is null, even if its field has no default.

    Returns:
        What it found, the names of fields that it cannot clear in this batch, or None if it clears no row.
    """
    parts: list[_Part] = []
    unclear: set[str] = set()
    columns: dict[str, pa.Array] = {}
    for field in mask.fields:
        if field.name in cells:
            part = _planned(field, cells[field.name], restored)
            if part is None:
                unclear.add(field.name)
            else:
                parts.append(part)
            continue
        constant = constant_of(field, count, fills=fills)
        if constant is None:
            return None
        if field.column is not None:
            columns[field.column.name] = constant
    if unclear:
        return frozenset(unclear)
    try:
        return _combined(parts, columns, count)
    except pa.ArrowException:  # more text than one array holds, for example
        return None


def _planned(field: MaskedField, cells: Cells, restored: frozenset[str]) -> _Part | None:
    values = cells.values
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    # Arrow can compute little with views.
    if pa.types.is_string_view(values.type) or pa.types.is_binary_view(values.type):
        values = values.cast(pa.large_string() if pa.types.is_string_view(values.type) else pa.large_binary())
    if pa.types.is_null(values.type):
        wanted = field.column.type if field.column is not None else pa.string()
        return _Part(field, cells, pa.chunked_array([pa.nulls(len(values), wanted)]), Plan())
    is_restored = cells.native or (field.column is not None and field.column.name in restored)
    plan = field.rule.plan(Given(values.type, field.strict, is_restored))
    if plan is None:
        return None
    try:
        return _Part(field, cells, plan.prepare(values), plan)
    except pa.ArrowException:
        return None


def _combined(parts: Sequence[_Part], columns: dict[str, pa.Array], count: int) -> Cleared | None:
    series: dict[str, Any] = {}
    wanted: list[Any] = []
    oks: dict[int, pa.Array] = {}
    for index, part in enumerate(parts):
        if part.plan.ok is not None or part.plan.value is not None:
            _add_expressions(index, part, series, wanted)
    frame = None
    if wanted:
        import polars as pl

        frame = pl.DataFrame(series).select(wanted)
    rows: pa.Array | None = None
    for index, part in enumerate(parts):
        ok = _cleared(index, part, frame, count)
        if ok is not None:
            oks[index] = ok
            rows = ok if rows is None else pc.and_(rows, ok)
    if rows is not None and not rows.true_count:
        return None
    for index, part in enumerate(parts):
        if part.field.column is not None:
            columns[part.field.column.name] = _landed(index, part, frame, oks.get(index))
    return Cleared(rows, columns)


def _add_expressions(index: int, part: _Part, series: dict[str, Any], wanted: list[Any]) -> None:
    import polars as pl

    name = f"x{index}"
    series[name] = pl.from_arrow(part.values)
    if part.plan.ok is not None:
        ok = part.plan.ok(pl.col(name)).fill_null(False)
        wanted.append((ok | pl.col(name).is_null() if part.values.null_count else ok).alias(f"ok{index}"))
    if part.plan.value is not None:
        wanted.append(part.plan.value(pl.col(name)).alias(f"value{index}"))


def _cleared(index: int, part: _Part, frame: Any, count: int) -> pa.Array | None:
    """Return which rows a field clears, or None if it clears all."""
    ok: pa.Array | None = None
    if part.plan.ok is not None:
        found = frame.get_column(f"ok{index}")
        ok = None if found.all() else found.to_arrow()
    if part.values.null_count and not part.field.nullable:
        valid = _flat(part.values.is_valid())
        if part.cells.absent is not None:
            valid = pc.or_(valid, part.cells.absent)
        ok = valid if ok is None else pc.and_(ok, valid)
    if part.cells.suspect:
        given = pc.invert(pc.is_in(pa.arange(0, count), value_set=pa.array(part.cells.suspect, pa.int64())))
        ok = given if ok is None else pc.and_(ok, given)
    return ok


def _landed(index: int, part: _Part, frame: Any, ok: pa.Array | None) -> pa.Array:
    column = part.field.column
    assert column is not None
    is_computed = part.plan.value is not None
    values = frame.get_column(f"value{index}").to_arrow() if is_computed else _flat(part.values)
    if values.type != column.type:
        if ok is not None:  # what is not cleared may not convert
            values = pc.if_else(ok, values, pa.scalar(None, values.type))
        values = values.cast(pa.binary(16)).cast(column.type) if column.type == pa.uuid() else values.cast(column.type)
    if part.cells.absent is not None and part.field.default is not None:
        constant = constant_of(part.field, 1)
        if constant is not None:
            return _with_default(values, part.cells.absent, constant)
    return values


def _with_default(values: pa.Array, absent: pa.Array, constant: pa.Array) -> pa.Array:
    order = pc.if_else(absent, len(values), pa.arange(0, len(values)))
    return pa.concat_arrays([values, constant]).take(order)


def constant_of(field: MaskedField, count: int, *, fills: bool = False) -> pa.Array | None:
    """Return the value of a field that rows lack as a column, or None if pydantic must decide."""
    if field.default is UNSET and not (fills and field.required and field.nullable and field.column is not None):
        return None
    if field.column is None:
        return pa.nulls(count)
    default = None if field.default is UNSET else field.default
    value_type = field.column.value_type
    assert value_type is not None
    array, unfit = to_arrow([default], value_type)
    if unfit or (default is None and field.column.required):
        return None
    return array if count == 1 else array.take(pa.array([0] * count, pa.int8()))


def _flat(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
