"""The asset check of every ingestion: whether a run refused rows. The op of the asset reports it."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from cascade.declarations import IngestionDeclaration
from cascade.exceptions import RowsRefusedError
from cascade.runs.report import Refusal
from cascade.terminal.words import counted

VALIDATION = "validation"
"""The name of the check."""


def validation_spec(declaration: IngestionDeclaration) -> dg.AssetCheckSpec:
    """Return Dagster's description of the check.

    Args:
        declaration: the workflow's declaration.
    """
    return dg.AssetCheckSpec(
        VALIDATION,
        asset=dg.AssetKey(list(declaration.asset_key)),
        description=f"Every row that the source returns matches {declaration.validation_schema.__name__}.",
    )


def validation_result(
    declaration: IngestionDeclaration, rows_in: int, rows_refused: int, shown: Sequence[Refusal] = ()
) -> dg.AssetCheckResult:
    """Return the result of a run whose good rows were written. Refused rows are a warning.

    Args:
        declaration: the workflow's declaration.
        rows_in: how many rows the source returned.
        rows_refused: how many of them were refused.
        shown: the first refused rows.
    """
    if rows_refused:
        text = f"{rows_refused} of {counted(rows_in, 'row')} refused, now in {declaration.table_ref.quarantine}."
    else:
        text = f"{counted(rows_in, 'row')}, none refused."
    return _result(declaration, rows_in, rows_refused, text, dg.AssetCheckSeverity.WARN, shown)


def failed_validation(declaration: IngestionDeclaration, error: RowsRefusedError) -> dg.AssetCheckResult:
    """Return the result of a run that fails because of its refused rows.

    Args:
        declaration: the workflow's declaration.
        error: why the run fails.
    """
    return _result(declaration, error.total, error.refused, error.message, dg.AssetCheckSeverity.ERROR)


def _result(
    declaration: IngestionDeclaration,
    rows_in: int,
    rows_refused: int,
    text: str,
    severity: dg.AssetCheckSeverity,
    shown: Sequence[Refusal] = (),
) -> dg.AssetCheckResult:
    rules = dict.fromkeys(f"{row.rule} in {row.field}" if row.field else row.rule for row in shown)
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(list(declaration.asset_key)),
        check_name=VALIDATION,
        passed=not rows_refused,
        severity=severity,
        description=text,
        metadata={
            "cascade/rows_in": rows_in,
            "cascade/rows_refused": rows_refused,
            **({"cascade/rules": ", ".join(rules)} if rules else {}),
        },
    )
