"""The columns whose values are shown to nobody: in no quarantine, preview, sample or difference.

A schema marks them:

    class Patient(BaseModel):
        id: int
        name: Annotated[str, Sensitive]
        email: str = Field(json_schema_extra={"sensitive": True})

    class Patients(pa.DataFrameModel):
        id: int
        name: str = pa.Field(metadata={"sensitive": True})

A column of nested models is sensitive if one of their fields is.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pyarrow as pa

from cascade.declarations.schema_fields import columns_of
from cascade.schemas.rows import Reason, RefusedRow, refuse

LEFT_OUT = "cascade:left_out"
"""The key under which the JSON of a refused row lists the fields that it lacks."""


class Sensitive:
    """Marks a field of a pydantic model as sensitive: `name: Annotated[str, Sensitive]`."""


@lru_cache(maxsize=512)
def sensitive_columns(schema: type) -> frozenset[str]:
    """Return the names of a schema's sensitive columns.

    Args:
        schema: a pydantic model, or a pandera DataFrameModel.
    """
    return frozenset(name for name, column in (columns_of(schema) or {}).items() if _is_sensitive(column, frozenset()))


def without_sensitive(rows: pa.Table, schema: type) -> pa.Table:
    """Return rows without the columns that a schema marks as sensitive, to show them to somebody.

    Args:
        rows: the rows.
        schema: the schema of the table.
    """
    sensitive = sensitive_columns(schema)
    return rows.select([name for name in rows.column_names if name not in sensitive]) if sensitive else rows


@dataclass(frozen=True)
class Redaction:
    """Leaves sensitive values out of refused rows.

    Only the fields that the schema declares, and does not mark, remain: any other may be a misspelled sensitive one.

    Args:
        shown: the source fields that remain.
    """

    shown: frozenset[str]

    @classmethod
    def of(cls, schema: type) -> Redaction | None:
        """Return the redaction of a schema; None for a schema without sensitive columns."""
        sensitive = sensitive_columns(schema)
        if not sensitive:
            return None
        columns = columns_of(schema) or {}
        shown = {name for column, field in columns.items() for name in _sources(schema, column, field)}
        hidden = {name for column in sensitive for name in _sources(schema, column, columns[column])}
        return cls(frozenset(shown - hidden))

    def apply(self, refused: RefusedRow) -> RefusedRow:
        """Return a refused row without sensitive values, in its fields and in its message."""
        reasons = refused.reasons or ((refused.rule, refused.field, refused.message),)
        row = {name: value for name, value in refused.row.items() if name in self.shown}
        gone = [name for name in refused.row if name not in self.shown]
        shown = refuse({**row, LEFT_OUT: gone} if gone else row, [self._told(reason) for reason in reasons])
        return replace(shown, position=refused.position)

    def _told(self, reason: Reason) -> Reason:
        rule, field, _ = reason
        if field is not None and field.partition(".")[0] in self.shown:
            return reason
        return rule, field, "The value is left out, because it is sensitive or may contain something that is"


def _sources(schema: type, name: str, field: Any) -> tuple[str, ...]:
    if not hasattr(schema, "model_fields"):
        return (name,)
    from cascade.schemas.pydantic_fields import source_names

    return source_names(schema, name, field)


def _is_sensitive(column: Any, seen: frozenset[type]) -> bool:
    """Return whether a pydantic FieldInfo or a pandera Column is marked, or a field of a nested model is."""
    extra = getattr(column, "json_schema_extra", None)
    if isinstance(extra, Mapping) and extra.get("sensitive"):
        return True
    metadata = getattr(column, "metadata", None)
    if isinstance(metadata, Mapping):  # pandera's
        return bool(metadata.get("sensitive"))
    annotation = getattr(column, "annotation", None)
    if any(map(_is_mark, metadata or ())) or any(map(_is_mark, _marks_in(annotation))):
        return True
    return any(
        _is_sensitive(field, seen | {model})
        for model in _models_in(annotation)
        if model not in seen
        for field in model.model_fields.values()  # type: ignore[attr-defined]
    )


def _is_mark(item: object) -> bool:
    return item is Sensitive or isinstance(item, Sensitive)


def _marks_in(annotation: Any) -> Iterator[Any]:
    """Yield what Annotated adds to a type, also inside `X | None`, lists and aliases."""
    annotation = getattr(annotation, "__value__", annotation)
    yield from getattr(annotation, "__metadata__", ())
    for inner in typing.get_args(annotation):
        if not isinstance(inner, (str, int)):
            yield from _marks_in(inner)


def _models_in(annotation: Any) -> Iterator[type]:
    annotation = getattr(annotation, "__value__", annotation)
    if isinstance(annotation, type) and hasattr(annotation, "model_fields"):
        yield annotation
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
