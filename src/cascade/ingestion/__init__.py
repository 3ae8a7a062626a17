"""Ingestion: from a decorated function to rows in an Iceberg table."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cascade.ingestion.decorator import IngestionWorkflow, cascade_ingestion

__all__ = ["IngestionWorkflow", "cascade_ingestion"]


def __getattr__(name: str) -> object:
    """Import a public name when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cascade.ingestion import decorator

    return getattr(decorator, name)


def __dir__() -> list[str]:
    return sorted(__all__)
