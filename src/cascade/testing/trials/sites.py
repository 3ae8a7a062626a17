"""Where the trials run: a namespace of their own in somebody's catalog, which they leave as they found it."""

from __future__ import annotations

import dataclasses
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cascade.iceberg import open_lakehouse
from cascade.iceberg.stored_files import stored_files
from cascade.iceberg.turns import Turn
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg import Lakehouse
    from cascade.iceberg.catalog import LakehouseSettings

Values = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Site:
    """A namespace that nobody else uses.

    Args:
        settings: the settings of the lakehouse. Other processes get a copy, so they can be pickled.
        namespace: the namespace.
        directory: a temporary directory, for dlt's state and for staged rows.
    """

    settings: LakehouseSettings
    namespace: str
    directory: Path

    def open(self) -> Lakehouse:
        """Open the lakehouse, with dlt's state apart from that of the project."""
        return dataclasses.replace(open_lakehouse(self.settings), dlt_directory=self.directory / "dlt")

    def table(self, name: object) -> TableRef:
        """Return a table that no other call returns."""
        return TableRef(self.namespace, f"{name}_{secrets.token_hex(4)}")


@contextmanager
def new_site(settings: LakehouseSettings) -> Iterator[Site]:
    """Make a namespace, and remove it with all of its tables and their files.

    Args:
        settings: the settings of the lakehouse.

    Yields:
        The site.
    """
    namespace = f"cascade_conformance_{secrets.token_hex(6)}"
    with tempfile.TemporaryDirectory(prefix="cascade-conformance-", ignore_cleanup_errors=True) as directory:
        site = Site(settings, namespace, Path(directory))
        try:
            yield site
        finally:
            _remove(site.open(), namespace)


def rows_in(lakehouse: Lakehouse, ref: TableRef) -> Values:
    """Return the rows that readers of a table see, sorted: day, id, seq and value. A missing table has none."""
    table = lakehouse.load(ref)
    return [] if table is None else rows_of(table)


def rows_of(table: Table) -> Values:
    """Return the rows of a table, sorted: day, id, seq and value."""
    columns = table.scan(selected_fields=("at", "id", "seq", "value")).to_arrow().to_pydict()
    days = [str(at.date()) for at in columns["at"]]
    return sorted(zip(days, columns["id"], columns["seq"], columns["value"], strict=True))


def refused_in(lakehouse: Lakehouse, ref: TableRef) -> list[tuple[str | None, str]]:
    """Return the rows in the quarantine of a table, sorted: partition, and the row as JSON."""
    table = lakehouse.load(ref.quarantine)
    if table is None:
        return []
    columns = table.scan(selected_fields=("partition", "row")).to_arrow().to_pydict()
    return sorted(zip(columns["partition"], columns["row"], strict=True), key=repr)


def snapshot_of(lakehouse: Lakehouse, ref: TableRef) -> tuple[int | None, int | None]:
    """Return the current snapshots of a table and of its quarantine."""
    tables = [lakehouse.load(ref), lakehouse.load(ref.quarantine)]
    heads = [table.current_snapshot() if table is not None else None for table in tables]
    table, quarantine = (head.snapshot_id if head is not None else None for head in heads)
    return table, quarantine


def _remove(lakehouse: Lakehouse, namespace: str) -> None:
    catalog = lakehouse.catalog
    if not catalog.namespace_exists(namespace):
        return
    for identifier in catalog.list_tables(namespace):
        table = catalog.load_table(identifier)
        catalog.purge_table(identifier)
        # A run that was killed leaves files that no snapshot names.
        _remove_files(table, namespace)
        ref = TableRef(*identifier)
        for turn in (Turn.of(lakehouse.uri, ref), Turn.to_publish(lakehouse, ref)):
            if turn.path is not None:
                turn.path.unlink(missing_ok=True)
    with suppress(NotImplementedError):
        catalog.drop_namespace(namespace)


def _remove_files(table: Table, namespace: str) -> None:
    """Remove what is left of a table. The path has the namespace's random name, so it is nobody else's."""
    if namespace not in table.location():
        return
    for file in stored_files(table):
        file.remove()
    parts = urlsplit(table.location())
    if parts.scheme in ("", "file"):
        shutil.rmtree(parts.path, ignore_errors=True)
        with suppress(OSError):
            Path(parts.path).parent.rmdir()
