"""What a decorator records about a function, checked when the decorator is applied.

A declaration contains a function and plain values, and creating one imports neither Dagster nor a data library.
`Declaration` is the base class, and `IngestionDeclaration` the first kind. `cascade.ingestion` builds an asset
from one on first use.
"""

from __future__ import annotations

from cascade.declarations.arguments import Argument, argument, arguments_of
from cascade.declarations.declaration import CONTEXT, Declaration, DeclarationArguments
from cascade.declarations.decorated import DecoratedFunction, decorator_of
from cascade.declarations.functions import is_resource_type
from cascade.declarations.ingestion import (
    IngestionArguments,
    IngestionDeclaration,
    OnInvalid,
    PartitionField,
    PartitionKind,
    WriteDisposition,
)
from cascade.declarations.problems import collecting_problems, is_broken, report

__all__ = [
    "CONTEXT",
    "Argument",
    "Declaration",
    "DeclarationArguments",
    "DecoratedFunction",
    "IngestionArguments",
    "IngestionDeclaration",
    "OnInvalid",
    "PartitionField",
    "PartitionKind",
    "WriteDisposition",
    "argument",
    "arguments_of",
    "collecting_problems",
    "decorator_of",
    "is_broken",
    "is_resource_type",
    "report",
]
