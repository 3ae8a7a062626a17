"""One attempt to commit a change of files on exactly one state of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.fault_points import FaultPoint, reach
from cascade.iceberg.branches import table_with

if TYPE_CHECKING:
    from pyiceberg.manifest import DataFile
    from pyiceberg.table import Table, Transaction
    from pyiceberg.table.update.snapshot import _SnapshotProducer


@dataclass(frozen=True)
class FileChange:
    """Data files that leave a table and files that enter it, in one snapshot."""

    deleted: tuple[DataFile, ...] = ()
    added: tuple[DataFile, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.deleted or self.added)


@dataclass(frozen=True)
class Attempt:
    """A snapshot whose manifests are written, and that the catalog does not know yet.

    Args:
        snapshot_id: id of the snapshot.
    """

    snapshot_id: int
    _transaction: Transaction
    _producer: _SnapshotProducer[Any]

    def send(self) -> Table:
        """Ask the catalog to commit the snapshot.

        Returns:
            The table afterwards, as the catalog returned it.

        Raises:
            Exception: whatever the catalog raised; see `outcome_of`. Nothing is deleted.
        """
        from pyiceberg.table.update import AssertTableUUID

        # `commit_transaction` would delete the manifests after each reported conflict. A commit that a proxy sent twice
        # can be reported as a conflict with itself.
        table = self._transaction._table
        reach(FaultPoint.COMMIT, ".".join(table.name()))
        same_table = AssertTableUUID(uuid=table.metadata.table_uuid)
        table._do_commit(self._transaction._updates, (*self._transaction._requirements, same_table))
        return table

    def discard(self) -> None:
        """Remove the manifests. Call it only if the snapshot can never arrive."""
        self._producer._clean_all_uncommitted()


def prepared(table: Table, branch: str, change: FileChange, summary: Mapping[str, str]) -> Attempt:
    """Write the manifests of a snapshot.

    Args:
        table: the table, on its branch. The snapshot is committed only if this is still its current snapshot.
        branch: the branch, which must exist unless it is an empty `main`.
        change: the data files that enter and leave the table.
        summary: properties of the snapshot's summary.
    """
    from pyiceberg.table import Transaction

    transaction = Transaction(table_with(table))
    snapshots = transaction.update_snapshot(snapshot_properties=dict(summary), branch=branch)
    producer: _SnapshotProducer[Any] = (
        snapshots.overwrite() if change.deleted else transaction._append_snapshot_producer(dict(summary), branch=branch)
    )
    try:
        with producer:
            for file in change.deleted:
                producer.delete_data_file(file)
            for file in change.added:
                producer.append_data_file(file)
    except BaseException:
        producer._clean_all_uncommitted()
        raise
    return Attempt(producer.snapshot_id, transaction, producer)
