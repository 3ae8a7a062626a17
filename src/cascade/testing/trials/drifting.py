"""Schemas that drifted from the one of the trials, as a later version of a workflow would have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import AwareDatetime, BaseModel, Field

from cascade.testing.trials.cases import REFUSED, Measurement

if TYPE_CHECKING:
    from pyiceberg.schema import Schema


class WithNote(Measurement):
    """Has another column."""

    note: str | None = None


class OptionalValue(Measurement):
    """Allows null where the first version did not."""

    value: float | None = Field(None, lt=REFUSED)  # type: ignore[assignment]


class TextValue(Measurement):
    """Has another type that does not hold the values of the first."""

    value: str  # type: ignore[assignment]


class WithoutValue(BaseModel):
    """Lacks a required column."""

    at: AwareDatetime
    id: int
    seq: int


class RequiredNote(Measurement):
    """Requires a column that the rows in the table do not have."""

    note: str


def narrower(schema: Schema) -> Schema:
    """Return the same schema with narrower types: int for long, and float for double."""
    from pyiceberg.schema import Schema
    from pyiceberg.types import DoubleType, FloatType, IcebergType, IntegerType, LongType

    narrow: dict[IcebergType, IcebergType] = {LongType(): IntegerType(), DoubleType(): FloatType()}
    fields = [
        field.model_copy(update={"field_type": narrow.get(field.field_type, field.field_type)})
        for field in schema.fields
    ]
    return Schema(*fields, identifier_field_ids=schema.identifier_field_ids)
