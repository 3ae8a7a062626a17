"""The tables of a lakehouse: their names, and what their current snapshots say about them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError
from cascade.iceberg.commit_outcomes import described
from cascade.iceberg.ledger import published_partitions
from cascade.iceberg.row_count import live_bytes, live_rows
from cascade.iceberg.storage_errors import storage_errors_named
from cascade.iceberg.trino.hidden_tables import is_hidden
from cascade.table_ref import QUARANTINE_SUFFIX, TableRef

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse


@dataclass(frozen=True)
class TableOverview:
    """A table, as its current snapshot describes it.

    Args:
        name: its full name, such as `raw.flights`.
        rows: its number of rows; None if the snapshot does not say.
        size: the size of its data files in bytes; None if the snapshot does not say.
        snapshot_id: the current snapshot; None if the table never had rows.
        written_at: when that snapshot was committed, in UTC.
        published: number of partitions that its ledger has; None if it has no ledger.
        snapshots: number of snapshots that it keeps.
        problem: why the table cannot be read; None if it can.
    """

    name: str
    rows: int | None = None
    size: int | None = None
    snapshot_id: int | None = None
    written_at: datetime | None = None
    published: int | None = None
    problem: str | None = None
    snapshots: int | None = None

    @property
    def quarantine_of(self) -> str | None:
        """The table whose refused rows this one holds; None for any other table."""
        return self.name.removesuffix(QUARANTINE_SUFFIX) if self.name.endswith(QUARANTINE_SUFFIX) else None

    def document(self) -> dict[str, object]:
        """Return the overview for a JSON document."""
        return {
            "table": self.name,
            "quarantine_of": self.quarantine_of,
            "rows": self.rows,
            "published_partitions": self.published,
            "size_bytes": self.size,
            "written_at": self.written_at,
            # A string, because JavaScript cannot represent such large integers.
            "snapshot_id": str(self.snapshot_id) if self.snapshot_id else None,
            "problem": self.problem,
        }


def table_identifiers(catalog: Catalog) -> list[tuple[str, ...]]:
    """Return the namespace and name of each table of a catalog, sorted."""
    return sorted(tuple(identifier) for space in _namespaces(catalog) for identifier in catalog.list_tables(space))


def _namespaces(catalog: Catalog) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        above = waiting.pop()
        inner = [tuple(space) for space in catalog.list_namespaces(above)]
        # Some catalogs list every namespace at the top.
        new = [space for space in inner if space not in found and space != above]
        found += new
        waiting += new
    return found


def overviews(lakehouse: Lakehouse) -> Iterator[TableOverview]:
    """Describe every table of a lakehouse. A table that cannot be read has a problem and hides no other.

    Args:
        lakehouse: the lakehouse.

    Yields:
        The tables, sorted by name.
    """
    for identifier in table_identifiers(lakehouse.catalog):
        if is_hidden(identifier[-1]):
            continue
        name = ".".join(identifier)
        try:
            with storage_errors_named(lakehouse, name, "read"):
                table = lakehouse.at(lakehouse.catalog.load_table(identifier), TableRef.parse(name))
                found = overview_of(table, name)
        except CascadeError as error:
            yield TableOverview(name, problem=error.message)
            continue
        except Exception as error:
            yield TableOverview(name, problem=described(error))
            continue
        yield found


def overview_of(table: Table, name: str) -> TableOverview:
    """Describe a table.

    Args:
        table: the table, on its branch.
        name: its full name.
    """
    snapshot, ledger = table.current_snapshot(), published_partitions(table)
    published = len(ledger) if ledger.recorded else None
    if snapshot is None:
        return TableOverview(name, rows=0, size=0, published=published, snapshots=0)
    return TableOverview(
        name,
        rows=live_rows(snapshot),
        size=live_bytes(snapshot),
        snapshot_id=snapshot.snapshot_id,
        written_at=datetime.fromtimestamp(snapshot.timestamp_ms / 1000, UTC),
        published=published,
        snapshots=len(table.metadata.snapshots),
    )
