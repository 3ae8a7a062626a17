"""Checks of a table: the decorators that declare them, the checks, and their results.

The names below are loaded on first use, so `import cascade.quality` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.lazy import lazy_names

if TYPE_CHECKING:
    from cascade.quality.counts import RowCount, RowCountChange
    from cascade.quality.decorators import QualityChecks, TableCheck, cascade_check, cascade_quality
    from cascade.quality.drift import Drift
    from cascade.quality.freshness import Freshness
    from cascade.quality.judging import judge
    from cascade.quality.keys import ForeignKey, Unique
    from cascade.quality.reconcile import Reconcile
    from cascade.quality.result import CheckResult
    from cascade.quality.row_checks import Length, NotNull, OneOf, Pattern, Range
    from cascade.quality.schema_checks import HasSchema, MatchesSchema
    from cascade.quality.sql_check import Sql
    from cascade.quality.subject import Subject

__all__ = [
    "CheckResult",
    "Drift",
    "ForeignKey",
    "Freshness",
    "HasSchema",
    "Length",
    "MatchesSchema",
    "NotNull",
    "OneOf",
    "Pattern",
    "QualityChecks",
    "Range",
    "Reconcile",
    "RowCount",
    "RowCountChange",
    "Sql",
    "Subject",
    "TableCheck",
    "Unique",
    "cascade_check",
    "cascade_quality",
    "judge",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CheckResult": "result",
        "Drift": "drift",
        "ForeignKey": "keys",
        "Freshness": "freshness",
        "HasSchema": "schema_checks",
        "Length": "row_checks",
        "MatchesSchema": "schema_checks",
        "NotNull": "row_checks",
        "OneOf": "row_checks",
        "Pattern": "row_checks",
        "QualityChecks": "decorators",
        "Range": "row_checks",
        "Reconcile": "reconcile",
        "RowCount": "counts",
        "RowCountChange": "counts",
        "Sql": "sql_check",
        "Subject": "subject",
        "TableCheck": "decorators",
        "Unique": "keys",
        "cascade_check": "decorators",
        "cascade_quality": "decorators",
        "judge": "judging",
    },
)
