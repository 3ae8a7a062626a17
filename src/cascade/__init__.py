"""Cascade turns declared workflows into validated, idempotent Iceberg tables and Dagster assets.

The names below are loaded on first use, so `import cascade` costs almost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.lazy import lazy_names

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.declarations.sensitive import Sensitive
    from cascade.exceptions import CascadeError
    from cascade.framework.definitions import build_definitions
    from cascade.iceberg import Lakehouse
    from cascade.ingestion import IngestionWorkflow, cascade_ingestion
    from cascade.partitions import PartitionWindow
    from cascade.quality import cascade_check, cascade_quality
    from cascade.version import __version__

__all__ = [
    "CascadeConfig",
    "CascadeError",
    "IngestionWorkflow",
    "Lakehouse",
    "PartitionWindow",
    "Sensitive",
    "__version__",
    "build_definitions",
    "cascade_check",
    "cascade_ingestion",
    "cascade_quality",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CascadeConfig": "config",
        "CascadeError": "exceptions",
        "IngestionWorkflow": "ingestion",
        "Lakehouse": "iceberg",
        "PartitionWindow": "partitions",
        "Sensitive": "declarations.sensitive",
        "__version__": "version",
        "build_definitions": "framework.definitions",
        "cascade_check": "quality",
        "cascade_ingestion": "ingestion",
        "cascade_quality": "quality",
    },
)
