"""Show rows without the values of sensitive columns: in no quarantine, preview, sample or difference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from cascade.declarations.schema_fields import columns_of
from cascade.declarations.sensitive import sensitive_columns
from cascade.schemas.rows import Reason, RefusedRow, refuse

LEFT_OUT = "cascade:left_out"
"""The key under which the JSON of a refused row lists the fields that it lacks."""


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
