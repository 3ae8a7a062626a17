"""The rows of a batch as the source returned them, and the result of their validation."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any, TypeAlias

import pyarrow as pa

from cascade.exceptions import MissingColumnError
from cascade.schemas.columns import Column, DeclaredSchema
from cascade.schemas.dict_rows import DictRows
from cascade.schemas.values import unprintable
from cascade.spelling import nearest

Batch: TypeAlias = list[dict[str, object]] | pa.Table
"""A batch of rows as the source returned them: dicts, or an Arrow table."""

Reason: TypeAlias = tuple[str, str | None, str]
"""Why a row was refused: rule, field, message."""

RULE_KEY = "unique_key"
NULL_KEY = "A field of the unique key is null"
RULE_UNREADABLE = "unreadable_value"

_SHOWN_REASONS = 10
# The last one is of a map in which a key occurs twice.
_UNREADABLE = (pa.ArrowException, OverflowError, ValueError, KeyError)


@dataclass(frozen=True)
class RefusedRow:
    """A row that failed validation, and why.

    Args:
        rule: the first rule that refused the row: a pydantic error type, a pandera check, or one of Cascade's own
            rules (see validate_pydantic.py and validate_pandera.py).
        field: the source field that broke the rule, with dots for nested fields, or None for a rule of the whole row.
        message: all reasons, that of `rule` first.
        row: the row as the source returned it.
        position: its position in the batch.
        reasons: each reason, if there is more than the message.
    """

    rule: str
    field: str | None
    message: str
    row: Mapping[str, object]
    position: int = dataclasses.field(default=0, compare=False)
    reasons: tuple[Reason, ...] = dataclasses.field(default=(), compare=False, repr=False)

    @property
    def row_json(self) -> str:
        """The row as JSON: dates and times in ISO 8601, decimals, NaN and infinities as strings, bytes as base64."""
        text = json.dumps(_jsonable(self.row), ensure_ascii=False, allow_nan=False)
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate, which only an escape can represent
            return json.dumps(_jsonable(self.row), allow_nan=False)
        return text


@dataclass(frozen=True)
class ValidationResult:
    """The result of validating a batch.

    Args:
        good: the rows that passed, in source order, with exactly the schema `DeclaredSchema.arrow`.
        refused: the rows that failed, in source order.
        dropped_fields: source fields that the schema lacks, in order of appearance.
    """

    good: pa.Table
    refused: tuple[RefusedRow, ...]
    dropped_fields: tuple[str, ...]


def refuse(row: object, reasons: Sequence[Reason], position: int = 0) -> RefusedRow:
    """Build a refused row. The first reason determines the rule, and the message lists each distinct reason."""
    reasons = list(dict.fromkeys(reasons))
    rule, field, message = reasons[0]
    if len(reasons) > 1:
        shown = [f"{where}: {text}" if where else text for _, where, text in reasons[:_SHOWN_REASONS]]
        if len(reasons) > _SHOWN_REASONS:
            shown.append(f"and {len(reasons) - _SHOWN_REASONS} more")
        message = "; ".join(shown)
    given = row if isinstance(row, dict) else {"value": row}
    return RefusedRow(rule, field, message, given, position, tuple(reasons))


def field_names(batch: Batch) -> list[str]:
    """Return the fields that occur in a batch, in order of appearance."""
    if isinstance(batch, pa.Table):
        return list(batch.column_names)
    if isinstance(batch, DictRows):
        return batch.names
    names: dict[str, None] = {}
    for row in batch:
        if isinstance(row, dict) and not row.keys() <= names.keys():
            names.update(dict.fromkeys(row))
    return list(names)


def python_rows(
    table: pa.Table, reads: Container[str] | None = None
) -> tuple[list[dict[str, object]], dict[int, tuple[str, str]]]:
    """Convert an Arrow table to dicts of Python values. Nanoseconds are truncated to microseconds.

    Args:
        table: the table.
        reads: the fields whose values matter; all if None.

    Returns:
        The rows, and, by position, the first such field whose value Python cannot represent, and the reason.
    """
    unreadable: dict[int, tuple[str, str]] = {}
    columns = []
    for name in table.column_names:
        given, problems = python_values(table.column(name))
        columns.append(given)
        for position, reason in problems.items() if reads is None or name in reads else ():
            unreadable.setdefault(position, (name, reason))
    names = table.column_names
    if not names:
        return [{} for _ in range(table.num_rows)], unreadable
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)], unreadable


def python_values(column: pa.ChunkedArray) -> tuple[list[Any], dict[int, str]]:
    """Convert an Arrow column to Python values, and return, by position, why some could not be converted.

    Nanoseconds are truncated to microseconds, and maps become dicts.
    """
    wanted = _in_microseconds(column.type)
    try:
        column = column.cast(wanted, safe=False) if wanted != column.type else column
        return column.to_pylist(maps_as_pydicts="strict"), {}
    except _UNREADABLE:
        pass
    values: list[Any] = []
    problems: dict[int, str] = {}
    for position, scalar in enumerate(column):
        try:
            values.append(scalar.as_py(maps_as_pydicts="strict"))
        except _UNREADABLE as error:
            shown = _shown(scalar)
            values.append(shown)
            problems[position] = f"Python cannot represent {shown}: {error}"
    return values, problems


def _shown(scalar: pa.Scalar) -> str:
    try:
        return str(scalar)
    except _UNREADABLE:
        if isinstance(scalar, (pa.StringScalar, pa.LargeStringScalar, pa.StringViewScalar)):
            return repr(scalar.as_buffer().to_pybytes())
        return f"{scalar.value} as {scalar.type}"


def _in_microseconds(arrow: pa.DataType) -> pa.DataType:
    """Return the type with microseconds in place of nanoseconds, which Python's own types lack."""
    if pa.types.is_timestamp(arrow) and arrow.unit == "ns":
        return pa.timestamp("us", arrow.tz)
    if pa.types.is_duration(arrow) and arrow.unit == "ns":
        return pa.duration("us")
    if pa.types.is_time64(arrow) and arrow.unit == "ns":
        return pa.time64("us")
    if pa.types.is_dictionary(arrow):
        return arrow.value_type
    if pa.types.is_struct(arrow):
        return pa.struct([_field_in_microseconds(arrow.field(i)) for i in range(arrow.num_fields)])
    if pa.types.is_fixed_size_list(arrow):
        return pa.list_(_field_in_microseconds(arrow.value_field), arrow.list_size)
    if pa.types.is_map(arrow):
        return pa.map_(arrow.key_field, _field_in_microseconds(arrow.item_field))
    if pa.types.is_list(arrow):
        return pa.list_(_field_in_microseconds(arrow.value_field))
    if pa.types.is_large_list(arrow):
        return pa.large_list(_field_in_microseconds(arrow.value_field))
    return arrow


def _field_in_microseconds(field: pa.Field) -> pa.Field:
    return field.with_type(_in_microseconds(field.type))


def missing_column(declared: DeclaredSchema, column: Column, present: Iterable[str]) -> MissingColumnError:
    """Build the error for a required column that no row of a batch has, with the nearest source field."""
    present = list(present)
    names = " or ".join(f'"{name}"' for name in column.source_names)
    column_name = "" if column.source_names == (column.name,) else f" (column {column.name})"
    near = _nearest(column.source_names, [name for name in present if name not in declared_names(declared)])
    fields = ", ".join(present[:20]) + (" and more" if len(present) > 20 else "")
    if near is not None:
        found = f'The nearest source field is "{near}".'
        hint = (
            f'Rename it in the workflow, or read it by an alias: Field(validation_alias="{near}").'
            if hasattr(declared.model, "model_fields")
            else f'Rename "{near}" to "{column.source_name}" in the workflow, or rename the column in the schema.'
        )
    else:
        found = f"The source has {fields}." if present else "The source rows have no fields."
        hint = "Add the field in the workflow, or make the column optional in the schema."
    return MissingColumnError(
        f"{declared.name} requires the field {names}{column_name}, but no row of the batch has it. {found}",
        location=declared.location,
        hint=hint,
    )


def declared_names(declared: DeclaredSchema) -> frozenset[str]:
    """Return every source field that a column can be read from."""
    return frozenset(name for column in declared.columns for name in column.source_names)


def _nearest(wanted: Sequence[str], present: Sequence[str]) -> str | None:
    plain = {_plain(name): name for name in reversed(present)}
    for name in wanted:
        near = nearest(_plain(name), plain)
        if near is not None:
            return plain[near]
    return None


def _plain(name: str) -> str:
    """Return a name without case and punctuation, so that `stationId` and `station_id` are alike."""
    return "".join(character for character in name.lower() if character.isalnum())


def _jsonable(value: object) -> Any:
    try:
        return _plain_json(value)
    except Exception:  # Code of the value itself, such as its `__iter__`, or a value that contains itself.
        return unprintable(value)


def _plain_json(value: object) -> Any:
    if value is None or (isinstance(value, (bool, int)) and not isinstance(value, Enum)):
        return value
    if isinstance(value, Enum):
        return _jsonable(value.value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode()
    if isinstance(value, Mapping):
        return {_text(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_jsonable(item) for item in value), key=repr)
    if isinstance(value, Iterable):
        return [_jsonable(item) for item in value]
    return _text(value)


def _text(value: object) -> str:
    """Return the text of a value, or the name of its type if its own code fails: the row must still be refused."""
    try:
        return str.__str__(str(value))
    except Exception:
        return unprintable(value)
