"""Find the table that a command names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.cli.context import Invocation
from cascade.exceptions import UsageError
from cascade.framework.project import unknown_name
from cascade.table_ref import QUARANTINE_SUFFIX, TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg import Lakehouse


def open_table(invocation: Invocation, name: str) -> tuple[Lakehouse, TableRef, Table]:
    """Open the lakehouse of the project, and a table that a user named.

    Args:
        invocation: the invocation, which must be inside of a project.
        name: what the user typed; the namespace `raw` may be left out.

    Raises:
        UsageError: there is no project, or no such table.
    """
    from cascade.iceberg import open_lakehouse

    invocation.require_project()
    lakehouse = open_lakehouse(invocation.config)
    return lakehouse, *require_table(invocation, lakehouse, name)


def require_table(invocation: Invocation, lakehouse: Lakehouse, name: str) -> tuple[TableRef, Table]:
    """Load a table that a user named.

    Args:
        invocation: the invocation, for its project.
        lakehouse: the lakehouse.
        name: what the user typed; the namespace `raw` may be left out.

    Raises:
        UsageError: there is no such table.
    """
    ref = TableRef.named(name)
    found = lakehouse.load(ref)
    if found is None:
        raise _no_such_table(invocation, lakehouse, name)
    return ref, found


def _no_such_table(invocation: Invocation, lakehouse: Lakehouse, name: str) -> UsageError:
    from cascade.iceberg.overview import table_identifiers

    workflow = invocation.workflow_named(name)
    if workflow is not None:
        declaration = workflow.declaration
        partition = " --partition KEY" if declaration.partitions else ""
        asset, quarantine = "/".join(declaration.asset_key), declaration.table_ref.quarantine
        # A run creates the table before it refuses rows.
        if lakehouse.load(quarantine) is not None:
            left = f"it was dropped, and {quarantine.full_name} still has its refused rows."
            return UsageError(
                f"The table {declaration.table} does not exist: {left}",
                hint=f"Fill it again: {invocation.program} materialize {asset}{partition}",
            )
        return UsageError(
            f"The table {declaration.table} is declared at {declaration.location} and does not exist yet.",
            hint=f"Create it: {invocation.program} materialize {asset}{partition}",
        )
    known = [".".join(identifier) for identifier in table_identifiers(lakehouse.catalog)]
    ref = TableRef.named(name)
    refusing = TableRef(ref.namespace, ref.name.removesuffix(QUARANTINE_SUFFIX))
    if refusing != ref and refusing.full_name in known:
        return UsageError(
            f"The table {ref} does not exist, because {refusing} has no refused rows.",
            hint=f"See the rows that landed: {invocation.program} table show {refusing}",
        )
    short = [table.removeprefix("raw.") for table in known]
    _, failures = invocation.loaded
    return unknown_name("table", name, [*known, *short], failures, f"{invocation.program} table list")
