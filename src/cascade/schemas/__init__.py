"""Validation schemas: their columns, and the judgement of rows by them.

The names below are loaded on first use, so that `import cascade.schemas` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cascade.schemas.columns import Column, DeclaredSchema
    from cascade.schemas.converter import declared_schema, to_iceberg_schema
    from cascade.schemas.rows import Batch, RefusedRow, ValidationResult
    from cascade.schemas.validation import Validator, validator_for

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

_HOMES = {
    "Batch": "rows",
    "Column": "columns",
    "DeclaredSchema": "columns",
    "RefusedRow": "rows",
    "ValidationResult": "rows",
    "Validator": "validation",
    "declared_schema": "converter",
    "to_iceberg_schema": "converter",
    "validator_for": "validation",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
