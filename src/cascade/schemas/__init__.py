"""Validation schemas: the columns they declare, and the validation of rows against them.

The names below load on first use, so `import cascade.schemas` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.lazy import lazy_names

if TYPE_CHECKING:
    from cascade.schemas.columns import Column, DeclaredSchema
    from cascade.schemas.converter import Validator, declared_schema, to_iceberg_schema, validator_for
    from cascade.schemas.rows import Batch, RefusedRow, ValidationResult

__all__ = [
    "Batch",
    "Column",
    "DeclaredSchema",
    "RefusedRow",
    "ValidationResult",
    "Validator",
    "declared_schema",
    "to_iceberg_schema",
    "validator_for",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Batch": "rows",
        "Column": "columns",
        "DeclaredSchema": "columns",
        "RefusedRow": "rows",
        "ValidationResult": "rows",
        "Validator": "converter",
        "declared_schema": "converter",
        "to_iceberg_schema": "converter",
        "validator_for": "converter",
    },
)
