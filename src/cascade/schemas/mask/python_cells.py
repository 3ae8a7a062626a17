"""Read the fields of rows that are dicts as Arrow columns, by the exact types of their values.

A value of a type that the rule of its field does not read is suspect, and pydantic decides its row.
"""

from __future__ import annotations

import datetime as dt
import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from operator import attrgetter
from typing import Any
from uuid import UUID

import pyarrow as pa

from cascade.schemas.dict_rows import ABSENT, Absent, DictRows
from cascade.schemas.mask.clear import Cells, constant_of
from cascade.schemas.mask.compile import CompiledMask, MaskedField
from cascade.schemas.values import CONVERSION_ERRORS

_NONE = type(None)
_SAFE_ZONES = (dt.timezone, zoneinfo.ZoneInfo)


def cells_of_rows(rows: DictRows, mask: CompiledMask) -> dict[str, Cells]:
    """Return the values of the fields of a mask that rows have, by the name of the field.

    Args:
        rows: the rows.
        mask: the mask.
    """
    found: dict[str, Cells] = {}
    present = set(rows.names)
    for field in mask.fields:
        sources = [name for name in field.sources if name in present]
        if sources:
            found[field.name] = _cells(rows, field, sources[0], is_only=len(sources) == 1)
    return found


def _cells(rows: DictRows, field: MaskedField, source: str, *, is_only: bool) -> Cells:
    values = rows.column(source)
    kinds = set(rows.types(source))
    suspect: list[int] = []
    absent = None
    if Absent in kinds:
        kinds.discard(Absent)
        flags = [value is ABSENT for value in values]
        values = [None if value is ABSENT else value for value in values]
        if is_only and constant_of(field, 1) is not None:
            absent = pa.array(flags, pa.bool_())
        else:
            suspect = [position for position, flag in enumerate(flags) if flag]
    kinds.discard(_NONE)
    array, more = _read(values, kinds, field)
    native = kinds == {UUID} or kinds == {field.rule.enum}
    # Arrow splits more than two gigabytes of text.
    column = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    return Cells(column, suspect + more, absent, native=native)


def _read(values: Sequence[Any], kinds: set[type], field: MaskedField) -> tuple[pa.Array | pa.ChunkedArray, list[int]]:
    """Return values as Arrow, and the positions of those that are suspect."""
    if not kinds:
        return pa.nulls(len(values)), []
    enum, python = field.rule.enum, field.rule.python
    if enum is not None and kinds == {enum}:
        return _members(values, python)
    if kinds == {int, float} and next(iter(python)) is float:
        kinds = {float}  # Arrow reads both as floats, and reports integers that it would round
    kind = next(iter(kinds)) if len(kinds) == 1 else _main(kinds, python)
    if kind not in python:
        return pa.nulls(len(values)), _others(values, ())
    suspect: list[int] = []
    if len(kinds) > 1:
        suspect = _others(values, (kind,))
        values = [value if type(value) is kind else None for value in values]
    arrow = python[kind]
    convert = _CONVERT.get(kind)
    if convert is not None:
        values, more = convert(values, arrow)
        suspect += more
    try:
        return pa.array(values, arrow), suspect
    except CONVERSION_ERRORS:
        values, more = _that_convert(values, arrow)
        return pa.array(values, arrow), suspect + more


def _main(kinds: set[type], python: Mapping[type, pa.DataType]) -> type:
    """Return the type that is the most natural of the field, of which the others are exceptions."""
    return next((kind for kind in python if kind in kinds), _NONE)


def _others(values: Sequence[Any], kinds: tuple[type, ...]) -> list[int]:
    return [position for position, value in enumerate(values) if value is not None and type(value) not in kinds]


def _that_convert(values: Sequence[Any], arrow: pa.DataType) -> tuple[Sequence[Any], list[int]]:
    kept: list[Any] = []
    suspect: list[int] = []
    for position, value in enumerate(values):
        try:
            pa.scalar(value, arrow)
        except CONVERSION_ERRORS:
            suspect.append(position)
            value = None
        kept.append(value)
    return kept, suspect


def _members(values: Sequence[Enum | None], python: Mapping[type, pa.DataType]) -> tuple[pa.Array, list[int]]:
    (arrow,) = python.values()
    return pa.array([None if member is None else member._value_ for member in values], arrow), []


def _is_utc(zone: Any) -> bool:
    return zone is dt.UTC or (isinstance(zone, zoneinfo.ZoneInfo) and zone.key == "UTC")


def _instants(values: Sequence[Any], arrow: pa.DataType) -> tuple[Sequence[Any], list[int]]:
    """Return datetimes in UTC, or without a time zone."""
    zones = set(map(attrgetter("tzinfo"), filter(None, values)))
    if all(map(_is_utc, zones)) if arrow.tz else zones <= {None}:
        return values, []
    kept: list[Any] = []
    suspect: list[int] = []
    for position, value in enumerate(values):
        if value is not None and (value.tzinfo is not None) is not bool(arrow.tz):
            suspect.append(position)
            value = None
        elif value is not None and arrow.tz:
            try:
                # Arrow may read the clock time of another zone as UTC.
                value = value.astimezone(dt.UTC) if isinstance(value.tzinfo, _SAFE_ZONES) else None
            except OverflowError:
                value = None
            if value is None:
                suspect.append(position)
        kept.append(value)
    return kept, suspect


def _clocks(values: Sequence[Any], arrow: pa.DataType) -> tuple[Sequence[Any], list[int]]:
    suspect = [position for position, value in enumerate(values) if value is not None and value.tzinfo is not None]
    return ([None if value is None or value.tzinfo else value for value in values] if suspect else values), suspect


def _identifiers(values: Sequence[Any], arrow: pa.DataType) -> tuple[Sequence[Any], list[int]]:
    return [None if value is None else value.bytes for value in values], []


_CONVERT: dict[type, Callable[[Sequence[Any], pa.DataType], tuple[Sequence[Any], list[int]]]] = {
    dt.datetime: _instants,
    dt.time: _clocks,
    UUID: _identifiers,
}
