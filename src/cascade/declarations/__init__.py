"""What a decorator records about a function, checked when the decorator is applied.

A declaration contains a function and plain values, and creating one imports neither Dagster nor a data library.
`Declaration` is the base class. `cascade.ingestion` builds an asset from an `IngestionDeclaration` on first use, and
`cascade.quality` runs the checks of a `QualityDeclaration` or a `CheckDeclaration`.
"""

from __future__ import annotations

from cascade.declarations.arguments import Argument, argument, arguments_of
from cascade.declarations.checks import Check, Scope
from cascade.declarations.declaration import CONTEXT, Declaration, DeclarationArguments
from cascade.declarations.decorated import DecoratedFunction, decorator_of
from cascade.declarations.frames import Frame
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
from cascade.declarations.quality import (
    CheckArguments,
    CheckDeclaration,
    QualityArguments,
    QualityDeclaration,
    TableChecks,
)

__all__ = [
    "CONTEXT",
    "Argument",
    "Check",
    "CheckArguments",
    "CheckDeclaration",
    "Declaration",
    "DeclarationArguments",
    "DecoratedFunction",
    "Frame",
    "IngestionArguments",
    "IngestionDeclaration",
    "OnInvalid",
    "PartitionField",
    "PartitionKind",
    "QualityArguments",
    "QualityDeclaration",
    "Scope",
    "TableChecks",
    "WriteDisposition",
    "argument",
    "arguments_of",
    "collecting_problems",
    "decorator_of",
    "is_broken",
    "is_resource_type",
    "report",
]
