"""The names of fields as before version 1.0, when dlt renamed them. Only projects in the old layout need them.

`stationId` became `station_id`, and the field `login` in an object `actor` became `actor__login`. The schemas of such
projects have these names, and no others. A field that a schema reads by its own name keeps that.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping
from functools import lru_cache

import pyarrow as pa

from cascade.schemas import Batch
from cascade.schemas.dict_rows import DictRows

_BETWEEN = "__"
"""What dlt puts between the names of an object and of a field in it."""


def with_old_names(into: Callable[[Batch], None], reads: Container[str]) -> Callable[[Batch], None]:
    """Rename the fields of batches as dlt did, as far as a schema reads the new name and not the old one.

    Args:
        into: takes each batch.
        reads: the names of the fields that the schema reads.
    """

    def take(batch: Batch) -> None:
        into(_renamed_table(batch, reads) if isinstance(batch, pa.Table) else _renamed_rows(batch, reads))

    return take


def _renamed_table(table: pa.Table, reads: Container[str]) -> pa.Table:
    names = list(table.column_names)
    for position, name in enumerate(names):
        if name not in reads and (new := normalized(str(name))) in reads and new not in names:
            names[position] = new
    return table if names == table.column_names else table.rename_columns(names)


def _renamed_rows(rows: list[dict[str, object]], reads: Container[str]) -> list[dict[str, object]]:
    found = [dict(_added(row, reads)) for row in rows]
    if not any(found):
        return rows
    # What the schema does not read is dropped and named, so the renamed fields must not stay.
    taken = [{name for name in row if name not in reads and isinstance(name, str)} for row in rows]
    return DictRows(
        {**{name: value for name, value in row.items() if not new or name not in old}, **new}
        for row, new, old in zip(rows, found, map(_renamed_of, taken, found), strict=True)
    )


def _renamed_of(names: set[str], new: Mapping[str, object]) -> set[str]:
    """Return the fields of a row that became others: those whose new name, or the beginning of one, occurs."""
    return {
        name for name in names if any(f"{each}{_BETWEEN}".startswith(f"{normalized(name)}{_BETWEEN}") for each in new)
    }


def _added(row: Mapping[str, object], reads: Container[str]) -> Iterator[tuple[str, object]]:
    for name, value in row.items():
        if isinstance(name, str) and name not in reads:
            for new, inner in _flattened(normalized(name), value, reads):
                if new not in row:
                    yield new, inner


def _flattened(path: str, value: object, reads: Container[str]) -> Iterator[tuple[str, object]]:
    if path in reads:
        yield path, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            if isinstance(name, str):
                yield from _flattened(f"{path}{_BETWEEN}{normalized(name)}", inner, reads)


# The names may be keys of data, of which there is no end.
@lru_cache(maxsize=4096)
def normalized(name: str) -> str:
    """Return the name that dlt gives a field by default, such as `station_id` for `stationId`."""
    from dlt.common.normalizers.naming.snake_case import NamingConvention

    return NamingConvention().normalize_identifier(name)
