"""Where the rows that are to be erased are: in branches, tags, other snapshots, and files of no snapshot."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from cascade.iceberg.erasing.condition import Condition
from cascade.iceberg.files import read_file
from cascade.iceberg.heads import is_audit_branch
from cascade.iceberg.maintenance.named_files import named_files
from cascade.iceberg.snapshot.cache import live_entries, manifests_in
from cascade.iceberg.snapshot.tasks import data_files
from cascade.iceberg.stored_files import StoredFile, canonical, stored_files

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile, ManifestFile
    from pyiceberg.table import Table
    from pyiceberg.table.snapshots import Snapshot

_DELETES_ID = "2147483546"
"""The field id of the paths in position delete files, which hold no rows."""


@dataclass
class Survey:
    """The states of a table that hold rows to be erased, or whose manifests name files that do.

    Args:
        branches: the number of such rows that readers of each of these branches see. Files can hold deleted ones.
        tags: tags whose snapshots hold such rows.
        snapshots: all such snapshots.
        files: paths of the data files that hold such rows.
    """

    branches: dict[str, int] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    snapshots: list[int] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.snapshots)


def survey(table: Table, condition: Condition) -> Survey:
    """Find out which states of a table hold rows to be erased.

    Args:
        table: the table, as loaded just now.
        condition: tells the rows.
    """
    from cascade.iceberg.branches import table_with

    found, metadata = Survey(), table.metadata
    holds = set()
    for snapshot in metadata.snapshots:
        paths = {file.file_path for file in _files(table, snapshot) if condition.count(table, file)}
        if paths:
            holds.add(snapshot.snapshot_id)
            found.files |= paths
    names = _Removed(table, found.files)
    found.snapshots = [one.snapshot_id for one in metadata.snapshots if one.snapshot_id in holds or names.tainted(one)]
    for name, ref in metadata.refs.items():
        # The manifests of what is removed rather than rewritten repeat no more than two values of a column.
        is_rewritten = ref.snapshot_ref_type == "branch" and not is_audit_branch(name)
        if ref.snapshot_id not in (found.snapshots if is_rewritten else holds):
            continue
        if ref.snapshot_ref_type == "branch":
            found.branches[name] = _rows(table_with(table, current_snapshot_id=ref.snapshot_id), condition)
        else:
            found.tags.append(name)
    return found


@dataclass
class _Removed:
    """Tells which snapshots name files that have left the table and hold rows to be erased."""

    table: Table
    files: Collection[str]
    _known: dict[str, bool] = field(default_factory=dict)

    def tainted(self, snapshot: Snapshot) -> bool:
        """Return whether a manifest of a snapshot does."""
        manifests = manifests_in(self.table.io, snapshot.manifest_list)
        return any([self._is_tainted(manifest) for manifest in manifests if manifest.deleted_files_count != 0])

    def _is_tainted(self, manifest: ManifestFile) -> bool:
        if manifest.manifest_path not in self._known:
            self._known[manifest.manifest_path] = names_removed(self.table, manifest, self.files)
        return self._known[manifest.manifest_path]


def names_removed(table: Table, manifest: ManifestFile, files: Collection[str]) -> bool:
    """Return whether a manifest says of one of some files that it has left the table.

    Args:
        table: the table, for its storage.
        manifest: the manifest.
        files: paths of data files.
    """
    from pyiceberg.manifest import ManifestEntryStatus

    return bool(files) and any(
        entry.status == ManifestEntryStatus.DELETED and entry.data_file.file_path in files
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False)
    )


@dataclass(frozen=True)
class Holding:
    """A stored file that holds rows to be erased.

    Args:
        file: the file.
        rows: number of such rows.
        named: whether a state of the table names it.
    """

    file: StoredFile
    rows: int
    named: bool


def holding(table: Table, condition: Condition) -> tuple[list[Holding], int]:
    """Read every file that is stored for a table, whatever any manifest says of it.

    Args:
        table: the table, as loaded just now.
        condition: tells the rows.

    Returns:
        The files that hold rows to be erased, and the number of files that were read.
    """
    found, read = [], 0
    named: set[str] | None = None
    for file in stored_files(table):
        if not file.name.endswith(".parquet") or (data := _as_data_file(table, file)) is None:
            continue
        read += 1
        rows = condition.read_count(table, data)
        if rows:
            named = named_files(table) if named is None else named
            found.append(Holding(file, rows, canonical(file.location) in named))
    return found, read


def _files(table: Table, snapshot: Snapshot) -> Iterator[DataFile]:
    from pyiceberg.manifest import DataFileContent

    for manifest in manifests_in(table.io, snapshot.manifest_list):
        for entry in live_entries(table.io, manifest):
            if entry.data_file.content == DataFileContent.DATA:
                yield entry.data_file


def _rows(table: Table, condition: Condition) -> int:
    tasks = [task for task in data_files(table) if condition.count(table, task.file)]
    return sum(len(condition.matches(read_file(table, task, condition.columns))) for task in tasks)


def _as_data_file(table: Table, file: StoredFile) -> DataFile | None:
    """Return a stored file as a data file; None if it is a delete file, or incomplete."""
    from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
    from pyiceberg.typedef import Record

    try:
        with table.io.new_input(file.location).open() as opened:
            parquet = pq.ParquetFile(opened)
            rows, schema = parquet.metadata.num_rows, parquet.schema_arrow
    except Exception:
        # A killed process has left its beginning, which nobody can read.
        return None
    if any((column.metadata or {}).get(b"PARQUET:field_id") == _DELETES_ID.encode() for column in schema):
        return None
    found: DataFile = DataFile.from_args(
        content=DataFileContent.DATA,
        file_path=file.location,
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=rows,
        file_size_in_bytes=file.size,
    )
    found.spec_id = table.metadata.default_spec_id
    return found
