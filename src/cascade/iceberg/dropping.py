"""Drop a branch that stood for `main`, with all that was made for it."""

from __future__ import annotations

import time
import uuid
from typing import TYPE_CHECKING

from cascade.iceberg.attempt import send
from cascade.iceberg.commit_outcomes import Outcome, outcome_of
from cascade.iceberg.heads import expected_heads, is_branch_of, removed_branch
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.working_branch import CREATED_ON
from cascade.notices import notice
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse

_ATTEMPTS = 20
_WAIT_SECONDS = 0.05


def drop_working_branch(lakehouse: Lakehouse, ref: TableRef, branch: str) -> bool:
    """Remove a branch from a table, and those on which rows waited to get onto it. `main` does not change.

    A table that was created for the branch and has no rows on `main` is removed with its files.

    Args:
        lakehouse: the lakehouse, on `main`.
        ref: the table on `main`.
        branch: name of the branch.

    Returns:
        Whether there was anything to remove.

    Raises:
        Exception: what the catalog raised. It can be called again.
    """
    removed = _remove_refs(lakehouse, ref, branch)
    table = lakehouse.load(ref)
    if table is not None and table.metadata.properties.get(CREATED_ON) == branch and not table.metadata.refs:
        removed |= _remove_table(lakehouse, ref)
    return removed


def _remove_refs(lakehouse: Lakehouse, ref: TableRef, branch: str) -> bool:
    from pyiceberg.table.update import AssertTableUUID

    for attempt in range(_ATTEMPTS):
        table = lakehouse.load(ref)
        names = _names(table, branch)
        if table is None or not names:
            # An answer may have been lost.
            return attempt > 0
        requirements = (AssertTableUUID(uuid=table.metadata.table_uuid), *expected_heads(table, names))
        try:
            with storage_errors_named(lakehouse, ref):
                send(table, requirements, tuple(map(removed_branch, names)))
                return True
        except Exception as error:
            if outcome_of(error) not in (Outcome.CONFLICT, Outcome.UNKNOWN) or attempt == _ATTEMPTS - 1:
                raise
            time.sleep(_WAIT_SECONDS * (attempt + 1))
    raise AssertionError("unreachable")


def _names(table: Table | None, branch: str) -> list[str]:
    return [name for name in table.metadata.refs if is_branch_of(name, branch)] if table is not None else []


def _remove_table(lakehouse: Lakehouse, ref: TableRef) -> bool:
    """Remove a table that was created for a branch, unless somebody has written to `main` meanwhile.

    Under another name, nobody writes to it any more. Only then is it certain that it has no rows.
    """
    catalog = lakehouse.catalog
    aside = TableRef(ref.namespace, f"{ref.name}__dropped_{uuid.uuid4().hex[:8]}")
    catalog.rename_table(ref.identifier, aside.identifier)
    table = lakehouse.require(aside)
    if table.metadata.refs:
        try:
            catalog.rename_table(aside.identifier, ref.identifier)
        except Exception as error:
            notice(
                f"{ref.full_name} got rows while it was dropped, and is now {aside.full_name}, because another table "
                f"has its name: {error}"
            )
        return False
    catalog.purge_table(aside.identifier)
    return True
