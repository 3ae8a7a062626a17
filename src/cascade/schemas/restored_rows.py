"""Rows of Arrow as a pydantic model expects them: with omitted columns, and with types that Arrow lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pydantic

from cascade.schemas.columns import Column, DeclaredSchema

Restore: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]


def as_given(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row unchanged."""
    return row


class Restorer:
    """Restores rows of Arrow batches.

    A missing nullable column is null, because writers omit columns without values. A strict field gets the UUIDs, Enum
    members and tuples that Arrow has no types for.

    Args:
        declared: the columns of the model.
        model: the model that validates the rows.
        restores: whether the model can have strict fields.
    """

    def __init__(self, declared: DeclaredSchema, model: type[pydantic.BaseModel], *, restores: bool) -> None:
        self._declared = declared
        self._model = model
        self._strict = [column for column in declared.columns if restores and _is_strict(model, column)]

    @property
    def columns(self) -> frozenset[str]:
        """The columns that get types that Arrow lacks."""
        return frozenset(column.name for column in self._strict)

    def of(self, present: Sequence[str]) -> Restore:
        """Return what restores a row of a batch.

        Args:
            present: the columns of the batch.
        """
        absent = {
            c.source_name: None
            for c in self._declared.columns
            if self._fills(c) and not set(present).intersection(c.source_names)
        }
        changes = [
            (name, column.value_type.strict_from)
            for column in self._strict
            if column.value_type is not None and column.value_type.strict_from is not None
            for name in column.source_names
            if name in present
        ]

        def restore(row: dict[str, Any]) -> dict[str, Any]:
            seen = {**row, **absent}
            for name, change in changes:
                if seen.get(name) is not None:
                    seen[name] = change(seen[name])
            return seen

        return restore if absent or changes else as_given

    def _fills(self, column: Column) -> bool:
        return not column.required and self._model.model_fields[column.name].is_required()


def _is_strict(model: type[pydantic.BaseModel], column: Column) -> bool:
    if model.model_config.get("strict"):
        return True
    return any(getattr(item, "strict", None) for item in model.model_fields[column.name].metadata)
