"""Files under the location of a table that belong to no state of it.

Runs that were killed leave such files, and so do snapshots that expire. A file that a run is about to publish looks the
same, and so does one that a slow reader is about to open, so only old ones are orphans.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError
from cascade.iceberg.maintenance.named_files import named_files, recent_files
from cascade.iceberg.overview import table_identifiers
from cascade.iceberg.snapshot.retention import LONGEST_COMMIT_SECONDS
from cascade.iceberg.stored_files import StoredFile, canonical, stored_files
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.catalog import Lakehouse


class FilesKept(CascadeError):
    """No file of a table may be removed, because its owner or its catalog says so."""


Locations = Mapping[str, str]
"""The canonical location of each table of a catalog, by its full name."""


def table_locations(lakehouse: Lakehouse) -> Locations:
    """Return where the tables of a catalog are.

    Args:
        lakehouse: the lakehouse.

    Raises:
        CascadeError: a table cannot be loaded, so that nobody knows which files are its own.
    """
    found = {}
    for identifier in table_identifiers(lakehouse.catalog):
        name = ".".join(identifier)
        try:
            table = lakehouse.load(TableRef.parse(name))
        except Exception as error:
            raise CascadeError(
                f"The table {name} cannot be read, so it is not known where its files are: {error}",
                hint="No file was removed. Repair the table, or remove it from the catalog.",
            ) from error
        if table is not None:
            found[name] = canonical(table.location())
    return found


def orphans_of(
    lakehouse: Lakehouse, ref: TableRef, locations: Locations, *, age: float, now: float
) -> list[StoredFile]:
    """Find the orphans of a table.

    Args:
        lakehouse: the lakehouse that holds the table.
        ref: the table.
        locations: where all tables of the catalog are.
        age: seconds that a file must be old; it must exceed what the longest run and the slowest reader take.
        now: seconds since the epoch.

    Raises:
        UnreadableMetadataError: it is not known which files belong to the table.
        FilesKept: none may be removed.
        CascadeError: the files of another table are in the same place.
        OSError: the storage cannot be listed.
    """
    # What is listed first and named by no later state is named by none: a run publishes only files of its own.
    table = lakehouse.require(ref)
    stored = stored_files(table)
    table = lakehouse.require(ref)
    since = now - max(age, LONGEST_COMMIT_SECONDS)
    own = canonical(table.location())
    others = {name: place for name, place in locations.items() if name != ref.full_name}
    check_removable(lakehouse, table, ref, locations)
    candidates = [one for one in stored if one.written < since]
    if not candidates:
        return []
    needed = named_files(table) | recent_files(table, stored, since)
    nested = tuple(f"{place}/" for place in others.values() if place.startswith(f"{own}/"))
    return [
        one
        for one in candidates
        if (name := canonical(one.location)) not in needed and not (nested and name.startswith(nested))
    ]


def check_removable(lakehouse: Lakehouse, table: Table, ref: TableRef, locations: Locations) -> None:
    """Check that no other table, and no state that the catalog does not show, may need files of a table.

    Args:
        lakehouse: the lakehouse that holds the table.
        table: the table.
        ref: its name.
        locations: where all tables of the catalog are.

    Raises:
        FilesKept: the table or its catalog forbids the removal of its files.
        CascadeError: another table has its files in the same place.
    """
    own = canonical(table.location())
    if table.properties.get("gc.enabled", "true").strip().lower() == "false":
        raise FilesKept(
            f"The table {ref.full_name} has the property gc.enabled=false, so none of its files are removed."
        )
    if any(name.startswith("nessie.") for name in lakehouse.catalog.properties):
        raise FilesKept(
            f"Branches of Nessie may need files of {ref.full_name} that this one does not name, so none are removed.",
            hint="Use Nessie's own garbage collector.",
        )
    for name, place in locations.items():
        if own == place and name != ref.full_name:
            raise CascadeError(
                f"The tables {ref.full_name} and {name} have their files in the same place, {own}.",
                hint="No file was removed. Move one of the tables.",
            )
