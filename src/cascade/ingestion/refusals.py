"""Decide whether a run has so many refused rows that it must not publish the others."""

from __future__ import annotations

from decimal import Decimal

from cascade.clock import Clock
from cascade.declarations import IngestionDeclaration
from cascade.runs.dlt_session import DltSession
from cascade.runs.publish import Target, quarantine, settle_quarantine
from cascade.runs.staging import Staged
from cascade.runs.validate import rows_refused


def set_aside(
    declaration: IngestionDeclaration, target: Target, staged: Staged, rows_in: int, session: DltSession, clock: Clock
) -> None:
    """Add the refused rows of a run to the quarantine. Call it before `publish`.

    Args:
        declaration: the workflow's declaration.
        target: the table.
        staged: the rows of this run.
        rows_in: number of rows that the source returned.
        session: whether they are all rows of the source.
        clock: measures the stage as `quarantine`.

    Raises:
        RowsRefusedError: so many rows were refused that the run must not publish the others.
        CommitError: other writers committed first, every time, or the catalog did not answer.
        CommitRefusedError: the catalog refused the commit for good.
    """
    # Without a key, only the state from which a run started tells which rows its source would return again.
    since = None if declaration.unique_key else session.since
    quarantine(target, staged, clock, since)
    if not staged.rows_refused:
        return
    place = target.ref.quarantine
    if staged.rows_refused + staged.rows_superseded == rows_in:
        if not session.is_incremental:
            settle_quarantine(target, staged, None, clock, since)
        consequence = f"and they are in {place}"
        if staged.rows_superseded:
            consequence += f"; a refused row with the same key is newer than the other {staged.rows_superseded}"
        raise rows_refused(declaration.table, rows_in, staged, consequence)
    limit = declaration.refuse_over
    if limit is not None and staged.rows_refused > most_refused(limit, rows_in):
        # The rows of earlier runs stay in the quarantine: valid versions of them have not landed.
        allowed = f"the {most_refused(limit, rows_in)} that refuse_over={limit!r} allows"
        consequence = f"more than {allowed}, so no row was published. The refused rows are in {place}"
        raise rows_refused(declaration.table, rows_in, staged, consequence, by_rule=True)


def most_refused(limit: float, rows_in: int) -> int:
    """Return how many refused rows a run may have.

    Args:
        limit: a number of rows, or a share of all rows if it is below 1.
        rows_in: number of rows that the source returned.
    """
    # The product of floats can fall just below the whole number that is meant: 0.29 * 100 does.
    return limit if isinstance(limit, int) else int(Decimal(repr(limit)) * rows_in)
