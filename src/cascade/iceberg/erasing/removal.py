"""Let snapshots go, and remove their files at once.

Which files those are is known only from the snapshots' manifest lists. So the commit in which they expire writes these
down in a property of the table, and the property goes when the files are gone: an erasure that was interrupted between
the two finds there what is left to do.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CommitError, CommitRefusedError
from cascade.iceberg.attempt import property_updates, send
from cascade.iceberg.changes import PropertyChange
from cascade.iceberg.commit_outcomes import Outcome, described, outcome_of
from cascade.iceberg.heads import expected_heads, removed_branch
from cascade.iceberg.maintenance.named_files import named_files
from cascade.iceberg.snapshot.expiry import guards
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.stored_files import canonical

if TYPE_CHECKING:
    from pyiceberg.table import Table
    from pyiceberg.table.update import TableRequirement, TableUpdate

    from cascade.iceberg.catalog import Lakehouse
    from cascade.table_ref import TableRef

ERASING = "cascade.erasing"
"""The property of a table that holds the manifest lists of snapshots that have expired and whose files go at once."""

_ATTEMPTS = 20
_WAIT_SECONDS = 0.05
# A catalog has a limit for the length of a property.
_AT_ONCE = 100
_NO_BRANCH = ""

Change = tuple[tuple["TableRequirement", ...], tuple["TableUpdate", ...]]


def drop_refs(lakehouse: Lakehouse, ref: TableRef, names: Sequence[str]) -> None:
    """Remove branches and tags of a table.

    Args:
        lakehouse: the lakehouse.
        ref: the table.
        names: their names. Those that are gone are passed over.

    Raises:
        CommitError: other writers committed first every time, or the catalog did not answer.
    """

    def change(table: Table) -> Change | None:
        there = [name for name in names if name in table.metadata.refs]
        return (tuple(expected_heads(table, there)), tuple(map(removed_branch, there))) if there else None

    _persistent(lakehouse, ref, change)


def let_go(lakehouse: Lakehouse, ref: TableRef, snapshots: Iterable[int]) -> None:
    """Let snapshots expire, and remove every file that only they need.

    Args:
        lakehouse: the lakehouse.
        ref: the table.
        snapshots: their ids. One that has become the head of a branch meanwhile stays.

    Raises:
        CommitRefusedError: the catalog lets no snapshot expire.
        CommitError: other writers committed first every time, or the catalog did not answer.
    """
    from pyiceberg.table.update import RemoveSnapshotsUpdate

    waiting = list(snapshots)
    finish(lakehouse, ref)
    for start in range(0, len(waiting), _AT_ONCE):
        part = set(waiting[start : start + _AT_ONCE])

        def change(table: Table, part: set[int] = part) -> Change | None:
            heads = {head.snapshot_id for head in table.metadata.refs.values()}
            gone = [one for one in table.metadata.snapshots if one.snapshot_id in part - heads]
            if not gone:
                return None
            lists = json.dumps([*_lists(table), *(one.manifest_list for one in gone)])
            fields: dict[str, Any] = {"snapshot-ids": [one.snapshot_id for one in gone]}
            noted = property_updates(PropertyChange({ERASING: lists}))
            return tuple(guards(table, _NO_BRANCH)), (*noted, RemoveSnapshotsUpdate(**fields))

        _persistent(lakehouse, ref, change)
        finish(lakehouse, ref)


def finish(lakehouse: Lakehouse, ref: TableRef) -> None:
    """Remove the files of snapshots that have expired, if an erasure has not done so yet.

    Args:
        lakehouse: the lakehouse.
        ref: the table.

    Raises:
        CascadeError: a file cannot be removed.
    """
    table = lakehouse.require(ref)
    lists = _lists(table)
    if not lists:
        return
    needed = named_files(table)
    with storage_errors_named(lakehouse, ref):
        for manifest_list in lists:
            for path in [*_files_of(table, manifest_list), manifest_list]:
                if canonical(path) not in needed:
                    with suppress(FileNotFoundError):
                        table.io.delete(path)

    def change(table: Table) -> Change | None:
        left = [one for one in _lists(table) if one not in lists]
        if len(left) == len(_lists(table)):
            return None
        properties = PropertyChange({ERASING: json.dumps(left)}) if left else PropertyChange({}, (ERASING,))
        return (), tuple(property_updates(properties))

    _persistent(lakehouse, ref, change)


def _lists(table: Table) -> list[str]:
    return list(json.loads(table.metadata.properties.get(ERASING, "[]")))


def _files_of(table: Table, manifest_list: str) -> Iterator[str]:
    """Yield the files of a snapshot, each before the one that names it, so that a later try still finds the rest."""
    from pyiceberg.manifest import read_manifest_list

    try:
        manifests = list(read_manifest_list(table.io.new_input(manifest_list)))
    except FileNotFoundError:
        return
    for manifest in manifests:
        with suppress(FileNotFoundError):
            entries = manifest.fetch_manifest_entry(table.io, discard_deleted=False)
            yield from [entry.data_file.file_path for entry in entries]
        yield manifest.manifest_path


def _persistent(lakehouse: Lakehouse, ref: TableRef, change: Callable[[Table], Change | None]) -> None:
    """Carry out a change of metadata, and try again if another writer came first or the catalog did not answer."""
    from pyiceberg.table.update import AssertTableUUID

    for attempt in range(_ATTEMPTS):
        table = lakehouse.require(ref)
        wanted = change(table)
        if wanted is None:
            return
        requirements, updates = wanted
        try:
            with storage_errors_named(lakehouse, ref):
                send(table, (AssertTableUUID(uuid=table.metadata.table_uuid), *requirements), updates)
            return
        except Exception as error:
            outcome = outcome_of(error)
            if outcome is Outcome.REFUSED:
                raise CommitRefusedError(
                    f"The catalog refused to let snapshots of {ref.full_name} go, so their rows are still there: "
                    f"{described(error)}",
                    hint="Let them expire with the catalog's own tools, then run it again.",
                ) from error
            if outcome not in (Outcome.CONFLICT, Outcome.UNKNOWN):
                raise
            if attempt == _ATTEMPTS - 1:
                raise CommitError(
                    f"Could not let snapshots of {ref.full_name} go in {_ATTEMPTS} attempts: {described(error)}",
                    hint="Run it again.",
                ) from error
            time.sleep(_WAIT_SECONDS * (attempt + 1))
    raise AssertionError("unreachable")
