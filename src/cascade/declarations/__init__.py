"""What a decorator records about a workflow, checked where it is given.

A declaration is inert: it holds a function and plain values, and making one imports neither Dagster nor a
data library. `cascade.ingestion` makes an asset of it when somebody asks for the asset.
"""

from __future__ import annotations

from cascade.declarations.arguments import IngestionArguments, OnInvalid, PartitionKind
from cascade.declarations.declare import declare_ingestion
from cascade.declarations.functions import location_of
from cascade.declarations.ingestion import (
    QUARANTINE_SUFFIX,
    IngestionDeclaration,
    PartitionField,
)
from cascade.declarations.problems import collecting_problems, is_broken, report

__all__ = [
    "QUARANTINE_SUFFIX",
    "IngestionArguments",
    "IngestionDeclaration",
    "OnInvalid",
    "PartitionField",
    "PartitionKind",
    "collecting_problems",
    "declare_ingestion",
    "is_broken",
    "location_of",
    "report",
]
