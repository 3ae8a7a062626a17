"""The manifests of a snapshot: what is carried, copied and left out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyiceberg.exceptions import ValidationException
from pyiceberg.manifest import DataFile, ManifestContent, ManifestEntry, ManifestFile, read_manifest_list
from pyiceberg.table import Table

from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.snapshot import cache
from cascade.iceberg.snapshot.tasks import data_files
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.test_commit import NAME, SCHEMA
from cascade.iceberg.test_snapshots import committed, ids_of, position_deletes, written


@pytest.fixture
def table(lakehouse: Lakehouse) -> Table:
    return ensure_table(lakehouse, NAME, SCHEMA)


def entries_of(table: Table) -> Iterator[tuple[ManifestFile, ManifestEntry]]:
    """Yield the entries of the current snapshot's manifests, as they are on disk."""
    head = table.current_snapshot()
    assert head is not None
    for manifest in read_manifest_list(table.io.new_input(head.manifest_list)):
        for entry in manifest.fetch_manifest_entry(table.io, discard_deleted=False):
            yield manifest, entry


def test_a_manifest_of_nothing_but_deleted_files_lives_for_one_snapshot(lakehouse: Lakehouse, table: Table) -> None:
    (old,) = written(table, [0])
    done = committed(lakehouse, added=[old])
    for n in range(1, 12):
        (new,) = written(table, [n])
        deletes = position_deletes(table, old, [0])
        committed(lakehouse, added=[deletes])
        done = committed(lakehouse, added=[new], deleted=[old, deletes])
        found = [(manifest.content, entry.status.name, entry.data_file) for manifest, entry in entries_of(done.table)]
        assert sorted(found, key=lambda one: (one[0], one[1])) == [
            (ManifestContent.DATA, "ADDED", new),
            (ManifestContent.DATA, "DELETED", old),
            (ManifestContent.DELETES, "DELETED", deletes),
        ]
        old = new


@pytest.mark.parametrize("forgetful", [False, True], ids=["from the cache", "from disk"])
def test_a_copied_entry_keeps_the_sequence_number_of_its_file(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch, forgetful: bool
) -> None:
    """A file must keep the number that says which delete files apply to it."""
    if forgetful:
        monkeypatch.setattr(cache, "_entries", cache.BoundedCache(0))
    numbers, before = {}, list[DataFile]()
    for n in range(20):
        files = written(table, [n]) + written(table, [100 + n])
        done = committed(lakehouse, added=files, deleted=before)
        head = done.table.current_snapshot()
        assert head is not None
        numbers[files[0].file_path] = (head.sequence_number, head.snapshot_id)
        before = files[1:]
    found = {}
    for manifest, entry in entries_of(done.table):
        assert entry.sequence_number == entry.file_sequence_number
        assert entry.sequence_number is not None and manifest.min_sequence_number <= entry.sequence_number
        found[entry.data_file.file_path] = (entry.sequence_number, entry.snapshot_id)
    assert {path: found[path] for path in numbers} == numbers
    assert len({manifest.manifest_path for manifest, _ in entries_of(done.table)}) < 20


@pytest.mark.parametrize("codec", ["uncompressed", "gzip", "zstd"])
def test_manifests_are_compressed_as_the_table_asks(lakehouse: Lakehouse, codec: str) -> None:
    table = ensure_table(lakehouse, NAME, SCHEMA, properties={"write.avro.compression-codec": codec})
    done = committed(lakehouse, added=written(table, range(3)))
    assert ids_of(done.table) == [0, 1, 2]


def test_a_file_that_is_not_there_cannot_be_removed(lakehouse: Lakehouse, table: Table) -> None:
    committed(lakehouse, added=written(table, [1]))
    with pytest.raises(ValidationException, match="1 files are not in the table anymore"):
        committed(lakehouse, deleted=written(table, [1]))
    assert len(list(Path(lakehouse.warehouse.removeprefix("file://")).rglob("*.avro"))) == 2


@pytest.mark.parametrize("forgetful", [False, True], ids=["from the cache", "from disk"])
def test_files_are_planned_as_pyiceberg_plans_them(
    lakehouse: Lakehouse, table: Table, monkeypatch: pytest.MonkeyPatch, forgetful: bool
) -> None:
    if forgetful:
        monkeypatch.setattr(cache, "_entries", cache.BoundedCache(0))
    assert data_files(table) == []
    for n in range(12):
        files = written(table, range(10 * n, 10 * n + 5))
        deletes = [position_deletes(table, files[0], [0, n % 5])] if n % 3 == 0 else []
        done = committed(lakehouse, added=[*files, *deletes])
    done = committed(lakehouse, added=written(done.table, [1000]), deleted=files)
    mine, theirs = (
        sorted(
            (task.file.file_path, task.file.spec_id, *(one.file_path for one in task.delete_files)) for task in tasks
        )
        for tasks in (data_files(done.table), done.table.scan().plan_files())
    )
    assert mine == theirs
    assert sum(len(one) > 2 for one in mine) == 4
