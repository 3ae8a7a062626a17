"""Tables that exist while Trino merges: a copy of a table, and the rows of a batch.

Each has a location of its own, beside that of the table: SeaweedFS removes the directory of a table that is dropped,
so no hidden table may have the location of another one. The copy has metadata of its own that name the snapshot of the
table, without its history, and let data files be written where those of the table are.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError
from cascade.iceberg.attempt import prepared
from cascade.iceberg.changes import FileChange
from cascade.iceberg.commit_outcomes import described
from cascade.iceberg.large.writing import write_parts
from cascade.iceberg.stored_files import stored_files
from cascade.table_ref import MAIN_BRANCH

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table
    from pyiceberg.table.metadata import TableMetadata
    from pyiceberg.table.snapshots import Snapshot

PREFIX = "cascade_hidden_"
ABANDONED_SECONDS = 24 * 3600.0
"""Seconds after which a hidden table that another machine has made is dropped."""

_OWNER = "cascade.hidden-owner"
_OF = "cascade.hidden-of"
_DATA = "write.data.path"


@contextmanager
def hidden_copy(catalog: Catalog, table: Table) -> Iterator[Table]:
    """Make a copy of a table, at its current snapshot, and drop it afterwards. No data file is copied or removed.

    Args:
        catalog: the catalog.
        table: the table, on its branch, with a snapshot.

    Yields:
        The copy, whose branch `main` is the branch of the table. What is written to it refers to data files in the
        place of the table's own, and to the same fields.

    Raises:
        CascadeError: the catalog has no way to make such a table.
    """
    head = table.current_snapshot()
    assert head is not None
    problem = "it shows other columns, layouts or files than those of the table"
    for make in (_registered, _created):
        name, place = _new_place(table)
        metadata = _metadata_of_copy(table, head, place)
        try:
            copy = make(catalog, table, metadata, name)
        except Exception as error:
            problem = described(error)
            continue
        with _dropped(catalog, copy):
            found = catalog.load_table(name)
            if _is_copy(found.metadata, metadata):
                yield found
                return
    raise CascadeError(
        f"The catalog cannot make a copy of {'.'.join(table.name())} for Trino: {problem}",
        hint="Let Cascade merge itself: unset CASCADE_MERGE_ENGINE.",
    )


@contextmanager
def hidden_rows(catalog: Catalog, table: Table, parts: Iterable[pa.Table]) -> Iterator[Table]:
    """Store rows as a table, and drop it afterwards, with its files.

    Args:
        catalog: the catalog.
        table: the table whose columns the rows have.
        parts: the rows, in parts, in the schema of `arrow_schema`.

    Yields:
        The table of the rows.
    """
    name, place = _new_place(table)
    rows = catalog.create_table(name, table.schema(), location=place, properties=_owned(table))
    with _dropped(catalog, rows):
        attempt = prepared(rows, MAIN_BRANCH, FileChange(added=tuple(write_parts(rows, parts))), {})
        yield attempt.send()


def _metadata_of_copy(table: Table, head: Snapshot, place: str) -> TableMetadata:
    """Return the metadata of a table with one snapshot alone, for a table in another place."""
    from pyiceberg.table.locations import load_location_provider
    from pyiceberg.table.refs import SnapshotRef, SnapshotRefType
    from pyiceberg.table.snapshots import SnapshotLogEntry

    data = load_location_provider(table.location(), table.properties).data_path
    kept = {key: value for key, value in table.properties.items() if key.startswith("write.")}
    # pydantic's names of these fields are their aliases.
    ref: dict[str, Any] = {"snapshot-id": head.snapshot_id, "type": SnapshotRefType.BRANCH}
    logged: dict[str, Any] = {"snapshot-id": head.snapshot_id, "timestamp-ms": head.timestamp_ms}
    return table.metadata.model_copy(
        update={
            "table_uuid": uuid.uuid4(),
            "location": place,
            "properties": {**kept, **_owned(table), _DATA: data, "gc.enabled": "false"},
            "snapshots": [head],
            "current_snapshot_id": head.snapshot_id,
            "refs": {MAIN_BRANCH: SnapshotRef(**ref)},
            "snapshot_log": [SnapshotLogEntry(**logged)],
            "metadata_log": [],
            "statistics": [],
            "partition_statistics": [],
        }
    )


def _registered(catalog: Catalog, table: Table, metadata: TableMetadata, name: tuple[str, ...]) -> Table:
    """Write the metadata as a file, and let the catalog register it."""
    from pyiceberg.serializers import ToOutputFile

    location = f"{metadata.location}/metadata/00000-{uuid.uuid4()}.metadata.json"
    ToOutputFile.table_metadata(metadata, table.io.new_output(location))
    try:
        return catalog.register_table(name, location)
    except Exception:
        with suppress(Exception):
            table.io.delete(location)
        raise


def _created(catalog: Catalog, table: Table, metadata: TableMetadata, name: tuple[str, ...]) -> Table:
    """Let the catalog create a table from everything that makes up the metadata.

    SeaweedFS 4.48 shows a table that it has registered without its columns, but creates one as it is told.
    """
    from pyiceberg.table import StagedTable, Table
    from pyiceberg.table import update as updates

    # pydantic's names of some fields are their aliases.
    update: Any = updates
    first, *others = metadata.partition_specs
    begun = catalog.create_table_transaction(name, table.schema(), location=metadata.location, partition_spec=first)
    # A server refuses a snapshot that is older than the table by more than a minute.
    snapshot = metadata.snapshots[0].model_copy(update={"schema_id": 0, "timestamp_ms": int(time.time() * 1000)})
    changes = (
        update.AssignUUIDUpdate(uuid=begun.table_metadata.table_uuid),
        update.UpgradeFormatVersionUpdate(format_version=metadata.format_version),
        update.AddSchemaUpdate(schema_=table.schema()),
        update.SetCurrentSchemaUpdate(schema_id=-1),
        *(update.AddPartitionSpecUpdate(spec=spec) for spec in (first, *others)),
        update.SetDefaultSpecUpdate(spec_id=metadata.default_spec_id),
        update.AddSortOrderUpdate(sort_order=table.sort_order()),
        update.SetDefaultSortOrderUpdate(sort_order_id=-1),
        update.SetLocationUpdate(location=metadata.location),
        update.SetPropertiesUpdate(updates=dict(metadata.properties)),
        update.AddSnapshotUpdate(snapshot=snapshot),
        update.SetSnapshotRefUpdate(ref_name=MAIN_BRANCH, type="branch", snapshot_id=snapshot.snapshot_id),
    )
    staged = StagedTable(name, metadata, "", table.io, catalog)
    answer = catalog.commit_table(staged, (update.AssertCreate(),), changes)
    return Table(name, answer.metadata, answer.metadata_location, table.io, catalog)


def _is_copy(found: TableMetadata, wanted: TableMetadata) -> bool:
    """Return whether files mean the same in a copy: their fields, their partitions and their order."""
    return (
        found.schema() == wanted.schema()
        and found.partition_specs == wanted.partition_specs
        and found.default_spec_id == wanted.default_spec_id
        and found.current_snapshot_id == wanted.current_snapshot_id
        and getattr(found, "last_sequence_number", 0) >= (wanted.snapshots[0].sequence_number or 0)
        and found.location.rstrip("/") == wanted.location
        and found.properties.get(_DATA) == wanted.properties[_DATA]
    )


def is_hidden(name: str) -> bool:
    """Return whether a table exists only while Trino merges.

    Args:
        name: its name, without the namespace.
    """
    return name.startswith(PREFIX)


def drop_abandoned(catalog: Catalog, namespace: str | tuple[str, ...]) -> int:
    """Drop the hidden tables of runs that were killed, and return how many there were.

    A run of this machine has been killed if its process is gone, and one of another machine if it began a day ago.

    Args:
        catalog: the catalog.
        namespace: the namespace.
    """
    found = 0
    for identifier in catalog.list_tables(namespace):
        if not is_hidden(identifier[-1]):
            continue
        with suppress(Exception):
            table = catalog.load_table(identifier)
            if is_abandoned(table):
                drop_hidden(catalog, table)
                found += 1
    return found


def hidden_tables_of(catalog: Catalog, table: Table) -> Iterator[Table]:
    """Yield the hidden tables that belong to a table, those of killed runs and those of merges under way.

    Args:
        catalog: the catalog.
        table: the table.
    """
    from pyiceberg.exceptions import NoSuchTableError

    full_name = ".".join(table.name())
    for identifier in catalog.list_tables(table.name()[:-1]):
        if is_hidden(identifier[-1]):
            with suppress(NoSuchTableError):
                found = catalog.load_table(identifier)
                # Cascade did not always note whose they are.
                if found.properties.get(_OF, full_name) == full_name:
                    yield found


def _new_place(table: Table) -> tuple[tuple[str, ...], str]:
    """Return a new name in the namespace of a table, and a location beside its own."""
    name = f"{PREFIX}{uuid.uuid4().hex}"
    location = table.location().rstrip("/")
    above, _, last = location.rpartition("/")
    # A table may be all of a bucket.
    place = location if not last or above.endswith(":/") else above
    return (*table.name()[:-1], name), f"{place}/{name}"


def _owned(table: Table) -> dict[str, str]:
    return {_OWNER: f"{socket.gethostname()} {os.getpid()}", _OF: ".".join(table.name())}


def is_abandoned(table: Table) -> bool:
    """Return whether the run that made a hidden table was killed; see `drop_abandoned`.

    Args:
        table: the hidden table.
    """
    host, _, process = table.properties.get(_OWNER, "").rpartition(" ")
    if host == socket.gethostname() and process.isdigit():
        try:
            os.kill(int(process), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            pass
    return time.time() - table.metadata.last_updated_ms / 1000 > ABANDONED_SECONDS


@contextmanager
def _dropped(catalog: Catalog, table: Table) -> Iterator[None]:
    try:
        yield
    finally:
        with suppress(Exception):
            drop_hidden(catalog, table)


def drop_hidden(catalog: Catalog, table: Table) -> None:
    """Drop a hidden table, and remove the files below its own location, where nothing else is.

    Its metadata goes last: a process that is killed meanwhile leaves a table that can be dropped again, and no row in a
    place that nobody knows.

    Args:
        catalog: the catalog.
        table: the table.
    """
    files = stored_files(table) if is_hidden(table.location().rpartition("/")[2]) else []
    for file in files:
        if ".metadata.json" not in file.name:
            file.remove()
    catalog.drop_table(table.name())
    for file in files:
        with suppress(OSError):
            file.remove()
