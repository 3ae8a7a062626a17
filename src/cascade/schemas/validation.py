"""Validation of a batch of rows against the schema that a workflow declares.

    batch ──► Validator.validate ──► ValidationResult(good rows as Arrow, refused rows with their rule, dropped fields)

A validator lives as long as its workflow's run and judges any number of batches. One that needs the whole partition (a
uniqueness rule or a check of the whole frame) must get all rows of it in one batch.
"""

from __future__ import annotations

from typing import Protocol

from cascade.schemas.converter import declared_schema, is_pandera_model
from cascade.schemas.rows import Batch, RefusedRow, ValidationResult
from cascade.schemas.validate_pydantic import PydanticValidator

__all__ = ["Batch", "RefusedRow", "ValidationResult", "Validator", "validator_for"]


class Validator(Protocol):
    """Judges batches of rows."""

    @property
    def needs_whole_partition(self) -> bool:
        """Whether all rows of a partition must come in one batch."""
        ...

    def validate(self, batch: Batch) -> ValidationResult:
        """Judge a batch.

        Raises:
            MissingColumnError: a required column is absent from the whole batch.
            RowsRefusedError: a rule of the whole frame failed, so that no row can be told to be good.
        """
        ...


def validator_for(schema: type, *, unique_key: tuple[str, ...], validate: bool = True) -> Validator:
    """The validator of a schema.

    Args:
        schema: a pydantic model, or a pandera DataFrameModel for Polars or pandas.
        unique_key: names of the columns that identify a row; a null in them refuses the row.
        validate: False to convert to the declared types only.

    Raises:
        SchemaConversionError: a field of the schema cannot become a column.
    """
    declared = declared_schema(schema)
    if is_pandera_model(schema):
        from cascade.schemas.validate_pandera import PanderaValidator

        return PanderaValidator(declared, unique_key, types_only=not validate)
    return PydanticValidator(declared, unique_key, types_only=not validate)
