"""The rows of a batch, as the source gave them, and what became of them."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any, TypeAlias

import pyarrow as pa

from cascade.exceptions import MissingColumnError
from cascade.schemas.columns import Column, DeclaredSchema
from cascade.spelling import nearest

Batch: TypeAlias = list[dict[str, object]] | pa.Table
"""A batch of rows as the source gave them: dicts, or an Arrow table."""

Reason: TypeAlias = tuple[str, str | None, str]
"""Why a row was refused: rule, field, message."""

RULE_KEY = "unique_key"
NULL_KEY = "A field of the unique key is null"
RULE_UNREADABLE = "unreadable_value"

_SHOWN_REASONS = 10


@dataclass(frozen=True)
class RefusedRow:
    """A row that did not pass, and why.

    Args:
        rule: name of the first rule that refused it: a pydantic error type, a pandera check, or one of Cascade's own
            (see validate_pydantic.py and validate_pandera.py).
        field: the field of the source row that broke it, with dots for nested fields; None for a rule of the whole row.
        message: every reason, in whole words; the first one is that of `rule`.
        row: the row as the source gave it.
    """

    rule: str
    field: str | None
    message: str
    row: Mapping[str, object]

    @property
    def row_json(self) -> str:
        """The row as JSON text: dates and times in ISO 8601, decimals, NaN and infinities as text, bytes as base64."""
        text = json.dumps(_jsonable(self.row), ensure_ascii=False, allow_nan=False)
        try:
            text.encode()
        except UnicodeEncodeError:  # a lone surrogate, which only its escape can express
            return json.dumps(_jsonable(self.row), allow_nan=False)
        return text


@dataclass(frozen=True)
class ValidationResult:
    """What became of a batch.

    Args:
        good: the rows that passed, in the source's order, exactly in `DeclaredSchema.arrow`.
        refused: the rows that did not, in the source's order.
        dropped_fields: fields of the source that the schema lacks, in the order they were met.
    """

    good: pa.Table
    refused: tuple[RefusedRow, ...]
    dropped_fields: tuple[str, ...]


def refuse(row: object, reasons: Sequence[Reason]) -> RefusedRow:
    """A refused row: the first reason is its rule, and the message tells all of them, each once."""
    reasons = list(dict.fromkeys(reasons))
    rule, field, message = reasons[0]
    if len(reasons) > 1:
        shown = [f"{where}: {text}" if where else text for _, where, text in reasons[:_SHOWN_REASONS]]
        if len(reasons) > _SHOWN_REASONS:
            shown.append(f"and {len(reasons) - _SHOWN_REASONS} more")
        message = "; ".join(shown)
    return RefusedRow(rule, field, message, row if isinstance(row, dict) else {"value": row})


def field_names(batch: Batch) -> list[str]:
    """The fields that occur in a batch, in the order they are met."""
    if isinstance(batch, pa.Table):
        return list(batch.column_names)
    names: dict[str, None] = {}
    for row in batch:
        if isinstance(row, dict) and not row.keys() <= names.keys():
            names.update(dict.fromkeys(row))
    return list(names)


def python_rows(table: pa.Table) -> tuple[list[dict[str, object]], dict[int, tuple[str, str]]]:
    """The rows of an Arrow table as dicts of Python values; nanoseconds are cut to microseconds.

    Returns:
        The rows, and for each row that holds a value that Python cannot express its field and the reason, by position.
    """
    unreadable: dict[int, tuple[str, str]] = {}
    columns = []
    for name in table.column_names:
        given, problems = python_values(table.column(name))
        columns.append(given)
        for position, reason in problems.items():
            unreadable.setdefault(position, (name, reason))
    names = table.column_names
    if not names:
        return [{} for _ in range(table.num_rows)], unreadable
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)], unreadable


def python_values(column: pa.ChunkedArray) -> tuple[list[Any], dict[int, str]]:
    """The values of one Arrow column in Python, and why some could not be had, by position."""
    wanted = _in_microseconds(column.type)
    try:
        column = column.cast(wanted, safe=False) if wanted != column.type else column
        return column.to_pylist(), {}
    except (pa.ArrowException, OverflowError, ValueError):
        pass
    values: list[Any] = []
    problems: dict[int, str] = {}
    for position, scalar in enumerate(column):
        try:
            values.append(scalar.as_py())
        except (pa.ArrowException, OverflowError, ValueError) as error:
            shown = _shown(scalar)
            values.append(shown)
            problems[position] = f"{shown} is no value that Python can express: {error}"
    return values, problems


def _shown(scalar: pa.Scalar) -> str:
    try:
        return str(scalar)
    except (pa.ArrowException, OverflowError, ValueError):
        return f"{scalar.value} as {scalar.type}"


def _in_microseconds(arrow: pa.DataType) -> pa.DataType:
    """The same type with microseconds for nanoseconds, which Python's own types lack."""
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
    if pa.types.is_list(arrow):
        return pa.list_(_field_in_microseconds(arrow.value_field))
    if pa.types.is_large_list(arrow):
        return pa.large_list(_field_in_microseconds(arrow.value_field))
    return arrow


def _field_in_microseconds(field: pa.Field) -> pa.Field:
    return field.with_type(_in_microseconds(field.type))


def missing_column(declared: DeclaredSchema, column: Column, present: Iterable[str]) -> MissingColumnError:
    """The error for a required column that no row of a batch has, with the nearest field of the source."""
    present = list(present)
    names = " or ".join(f'"{name}"' for name in column.source_names)
    column_name = "" if column.source_names == (column.name,) else f", for column {column.name},"
    near = _nearest(column.source_names, [name for name in present if name not in declared_names(declared)])
    fields = ", ".join(present[:20]) + (" and more" if len(present) > 20 else "")
    if near is not None:
        found = f'The nearest field of the source is "{near}".'
        hint = (
            f'Either rename it in the workflow, or read it by an alias: Field(validation_alias="{near}").'
            if hasattr(declared.model, "model_fields")
            else f'Rename "{near}" to "{column.source_name}", in the workflow or the column in the schema.'
        )
    else:
        found = f"The source has {fields}." if present else "The source's rows have no fields at all."
        hint = "Give the field in the workflow, or make the column optional in the schema."
    return MissingColumnError(
        f"{declared.name} requires the field {names}{column_name} and no row of the batch has it. {found}",
        location=declared.location,
        hint=hint,
    )


def declared_names(declared: DeclaredSchema) -> frozenset[str]:
    """Every field of a source row that some column may be read from."""
    return frozenset(name for column in declared.columns for name in column.source_names)


def _nearest(wanted: Sequence[str], present: Sequence[str]) -> str | None:
    plain = {_plain(name): name for name in reversed(present)}
    for name in wanted:
        near = nearest(_plain(name), plain)
        if near is not None:
            return plain[near]
    return None


def _plain(name: str) -> str:
    """A name without what different conventions write differently: `stationId` and `station_id` are near."""
    return "".join(character for character in name.lower() if character.isalnum())


def _jsonable(value: object) -> Any:
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
        return {str(key): _jsonable(item) for key, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted((_jsonable(item) for item in value), key=repr)
    if isinstance(value, Iterable):
        return [_jsonable(item) for item in value]
    return str(value)
