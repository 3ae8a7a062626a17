"""Read and write one branch of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.exceptions import UsageError
from cascade.spelling import did_you_mean
from cascade.table_ref import MAIN_BRANCH, TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table


def at_branch(table: Table, ref: TableRef, *, own_schema: bool = False) -> Table:
    """Return a table whose current snapshot is the head of a branch.

    Its scans read the branch in the table's current schema, which all branches share. pyiceberg's `use_ref` would read
    in the schema that the snapshot was written with, and miss columns that were added since.

    Args:
        table: the table, as loaded from the catalog.
        ref: the table's name and branch.
        own_schema: read the branch in the schema of its head, which need not be the table's; see `working_branch`.

    Returns:
        The same table for `main`, or a copy of it for another branch.

    Raises:
        UsageError: the table has no such branch. pyiceberg would create one without the rows of `main`.
    """
    if ref.branch == MAIN_BRANCH:
        return table
    from pyiceberg.table.refs import SnapshotRefType

    head = table.metadata.refs.get(ref.branch)
    if head is None:
        branches = [name for name, known in table.metadata.refs.items() if known.snapshot_ref_type == "branch"]
        raise missing_branch(ref, sorted({MAIN_BRANCH, *branches}))
    if head.snapshot_ref_type != SnapshotRefType.BRANCH:
        raise UsageError(f'"{ref.branch}" is a tag of {ref.full_name}, but only a branch can be read and written.')
    schema = schema_of(table, head.snapshot_id) if own_schema else table.metadata.current_schema_id
    return table_with(table, current_snapshot_id=head.snapshot_id, current_schema_id=schema)


def schema_of(table: Table, snapshot_id: int) -> int:
    """Return the id of the schema that a snapshot was written with; of the table's current one if it does not say.

    Args:
        table: the table.
        snapshot_id: the snapshot.
    """
    snapshot = table.snapshot_by_id(snapshot_id)
    written = snapshot.schema_id if snapshot is not None else None
    known = {schema.schema_id for schema in table.metadata.schemas}
    return written if written is not None and written in known else table.metadata.current_schema_id


def missing_branch(ref: TableRef, known: list[str]) -> UsageError:
    """Return the error for a branch that does not exist, with those that do.

    Args:
        ref: the table and the missing branch.
        known: names of the table's branches; empty if there is no table.
    """
    if not known:
        return UsageError(
            f'The branch "{ref.branch}" of {ref.full_name} does not exist, because the table does not.',
            hint=f"Write to {MAIN_BRANCH} first: that creates the table.",
        )
    return UsageError(
        f'The table {ref.full_name} has no branch "{ref.branch}".{did_you_mean(ref.branch, known)}',
        hint=f"Its branches: {', '.join(known)}. Create a branch before you write to it.",
    )


def table_with(table: Table, **metadata: object) -> Table:
    """Return a copy of a table object with some fields of its metadata replaced. The catalog is not contacted.

    Args:
        table: the table.
        metadata: fields of pyiceberg's `TableMetadata`.
    """
    from pyiceberg.table import Table

    return Table(
        identifier=table.name(),
        metadata=table.metadata.model_copy(update=metadata),
        metadata_location=table.metadata_location,
        io=table.io,
        catalog=table.catalog,
        config=table.config,
    )
