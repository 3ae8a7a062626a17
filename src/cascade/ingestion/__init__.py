"""Ingestion: from a decorated function to rows in an Iceberg table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.lazy import lazy_names

if TYPE_CHECKING:
    from cascade.ingestion.decorator import IngestionWorkflow, cascade_ingestion

__all__ = ["IngestionWorkflow", "cascade_ingestion"]

__getattr__, __dir__ = lazy_names(__name__, dict.fromkeys(__all__, "decorator"))
