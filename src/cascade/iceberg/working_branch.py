"""A branch that stands for `main`, for a run of CI or a person who tries something on the tables of others.

A table gets the branch when something is first written to it, at the snapshot that `main` is on: no row is copied.
Reads go to the branch where a table has it, and to `main` elsewhere. The branch may have a schema of its own, which
the snapshot at its head names: the table's current schema is what readers of `main` see, and stays.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CommitError, UsageError
from cascade.iceberg.attempt import prepared, send
from cascade.iceberg.branch_support import keeps_branches
from cascade.iceberg.changes import FileChange
from cascade.iceberg.commit_outcomes import Outcome, described, outcome_of
from cascade.iceberg.heads import AuditBranch, BranchHead, expected_heads
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.table_ref import MAIN_BRANCH, TableRef

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse

CREATED_ON = "cascade.created-on-branch"
"""The property of a table that says on which branch it was created: `main` had no rows then."""

_RECORD = "tables.jsonl"
_ATTEMPTS = 20
_WAIT_SECONDS = 0.05


@dataclass(frozen=True)
class BranchedTable:
    """A table that got the branch, as recorded before it did.

    Args:
        ref: the table on the branch.
        base: the snapshot where the branch starts; None if the table was empty.
    """

    ref: TableRef
    base: int | None


def require_main(lakehouse: Lakehouse) -> None:
    """Raise if a lakehouse is on another branch than `main`, for what only `main` has.

    Args:
        lakehouse: the lakehouse.

    Raises:
        UsageError: it is.
    """
    if lakehouse.branch != MAIN_BRANCH:
        raise UsageError(
            f'This concerns {MAIN_BRANCH} of the tables, and the branch "{lakehouse.branch}" is set.',
            hint="Unset CASCADE_BRANCH.",
        )


def branched_tables(directory: Path, branch: str) -> list[BranchedTable]:
    """Return the tables that this machine gave a branch, in the order in which they got it.

    Args:
        directory: the directory of the branch; see `branch_directory`.
        branch: its name.
    """
    found: dict[str, BranchedTable] = {}
    try:
        lines = (directory / _RECORD).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    for line in lines:
        try:
            entry = json.loads(line)
        except ValueError:
            continue  # A killed process wrote half of it, and then gave nothing a branch.
        found[entry["table"]] = BranchedTable(TableRef.parse(entry["table"], branch=branch), entry["base"])
    return list(found.values())


def written(lakehouse: Lakehouse, ref: TableRef) -> TableRef:
    """Return where a write to a table goes, and let an existing table have the lakehouse's branch.

    Args:
        lakehouse: the lakehouse.
        ref: the table and its branch.

    Raises:
        UsageError: the catalog keeps no branches.
        CommitError: other writers committed first every time, or the catalog did not answer.
    """
    target = lakehouse.target(ref)
    if target != ref:
        start_branch(lakehouse, ref)
    return target


def start_branch(lakehouse: Lakehouse, ref: TableRef) -> Table | None:
    """Let a table have the lakehouse's branch, unless it has it.

    Args:
        lakehouse: the lakehouse, whose branch is not `main`.
        ref: the table on `main`.

    Returns:
        The table on the branch; None if it does not exist.

    Raises:
        UsageError: the catalog keeps no branches.
        CommitError: other writers committed first every time, or the catalog did not answer.
    """
    table = lakehouse.load(ref)
    if table is None or lakehouse.branch in table.metadata.refs:
        return table
    _require_branches(lakehouse, ref)

    def begin(table: Table) -> Table:
        head = table.metadata.refs.get(MAIN_BRANCH)
        _record(lakehouse, ref, head.snapshot_id if head else None)
        if head is None:
            # A branch needs a snapshot.
            return prepared(table, MAIN_BRANCH, FileChange(), {}, audit=AuditBranch(lakehouse.branch, None)).send()
        from pyiceberg.table.update import AssertTableUUID

        heads = expected_heads(table, {MAIN_BRANCH, lakehouse.branch})
        requirements = (AssertTableUUID(uuid=table.metadata.table_uuid), *heads)
        return send(table, requirements, (BranchHead(lakehouse.branch, head.snapshot_id).update(table),))

    return _persistent(lakehouse, ref, begin, lambda table: lakehouse.branch in table.metadata.refs)


def evolve_branch(lakehouse: Lakehouse, ref: TableRef, evolved: Callable[[Table], Schema | None]) -> Table:
    """Give the branch of a table another schema. That of `main` stays.

    Args:
        lakehouse: the lakehouse, whose branch is not `main`.
        ref: the table on `main`, which has the branch.
        evolved: returns the new schema of the table on its branch; None if it has that.

    Returns:
        The table on the branch.

    Raises:
        CommitError: other writers committed first every time, or the catalog did not answer.
        Exception: what `evolved` raised.
    """

    def evolve(table: Table) -> Table:
        schema = evolved(table)
        if schema is None:
            return table
        return _with_schema(table, schema, lakehouse.branch)

    return _persistent(lakehouse, ref, evolve, lambda table: evolved(table) is None)


def created_on(lakehouse: Lakehouse, ref: TableRef) -> dict[str, str]:
    """Record that a table is about to be created for the lakehouse's branch, and return the property that says so.

    Args:
        lakehouse: the lakehouse, whose branch is not `main`.
        ref: the table on `main`.

    Raises:
        UsageError: the catalog keeps no branches.
    """
    _require_branches(lakehouse, ref)
    _record(lakehouse, ref, None)
    return {CREATED_ON: lakehouse.branch}


def _require_branches(lakehouse: Lakehouse, ref: TableRef) -> None:
    if not keeps_branches(lakehouse, ref):
        raise UsageError(
            f"The catalog at {lakehouse.uri} keeps no branches of tables, so nothing can be written to the branch "
            f'"{lakehouse.branch}".',
            hint="Set CASCADE_ICEBERG_CATALOG and CASCADE_ICEBERG_WAREHOUSE to a lakehouse of your own.",
        )


def _with_schema(table: Table, schema: Schema, branch: str) -> Table:
    """Commit a snapshot without new rows to a branch, in a schema that the table adds and does not make current."""
    from pyiceberg.table.update import AddSchemaUpdate, AssertLastAssignedFieldId

    from cascade.iceberg.branches import table_with

    metadata, known = table.metadata, {each.schema_id for each in table.metadata.schemas}
    base = table_with(
        table,
        schemas=[*metadata.schemas, *([schema] if schema.schema_id not in known else [])],
        current_schema_id=schema.schema_id,
        last_column_id=max(metadata.last_column_id, schema.highest_field_id),
    )
    given: dict[str, Any] = {"schema": schema}
    last: dict[str, Any] = {"last-assigned-field-id": metadata.last_column_id}
    new = schema.schema_id not in known
    return prepared(
        base,
        branch,
        FileChange(),
        {},
        requires=(AssertLastAssignedFieldId(**last),) if new else (),
        before=(AddSchemaUpdate(**given),) if new else (),
    ).send()


def _persistent(
    lakehouse: Lakehouse, ref: TableRef, change: Callable[[Table], Table], done: Callable[[Table], bool]
) -> Table:
    """Carry out a change of metadata, and try again if another writer came first or the catalog did not answer."""
    for attempt in range(_ATTEMPTS):
        # The branch of the lakehouse, if the table has it; whether a lost answer landed shows here too.
        table = lakehouse.require(ref)
        if done(table):
            return table
        try:
            with storage_errors_named(lakehouse, ref):
                return lakehouse.at(change(table), ref)
        except Exception as error:
            if outcome_of(error) not in (Outcome.CONFLICT, Outcome.UNKNOWN):
                raise
            if attempt == _ATTEMPTS - 1:
                raise CommitError(
                    f'Could not change the branch "{lakehouse.branch}" of {ref.full_name} in {_ATTEMPTS} attempts. '
                    f"The last one: {described(error)}",
                    hint="Run it again.",
                ) from error
            time.sleep(_WAIT_SECONDS * (attempt + 1))
    raise AssertionError("unreachable")


def _record(lakehouse: Lakehouse, ref: TableRef, base: int | None) -> None:
    directory = lakehouse.dlt_directory.parent
    directory.mkdir(parents=True, exist_ok=True)
    line = json.dumps({"table": ref.full_name, "base": base}) + "\n"
    # One write, since several processes may append.
    descriptor = os.open(directory / _RECORD, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
