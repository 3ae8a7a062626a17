"""A fingerprint of the rows of a table, which tells whether two tables have the same rows in any order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.iceberg.hidden import HIDDEN, PARTITION_COLUMN, visible
from cascade.iceberg.query_session import query_session
from cascade.iceberg.sql_text import sql_name, sql_names

if TYPE_CHECKING:
    from pyiceberg.table import Table

_PLACE = ("copied", "rows")


@dataclass(frozen=True)
class Fingerprint:
    """The rows of a table.

    Args:
        columns: the names and the types of the columns, sorted.
        rows: number of rows.
        total: the sum of the hashes of all rows.
    """

    columns: tuple[tuple[str, str], ...]
    rows: int
    total: int


def fingerprint_of(table: Table) -> Fingerprint:
    """Return the fingerprint of a table. One data file at a time is in memory.

    Which run added a row does not count, and its partition does.

    Args:
        table: the table, on the branch to read.
    """
    fields = {field.name: str(field.field_type) for field in table.schema().fields}
    names = sorted([*visible(fields), *({PARTITION_COLUMN} & fields.keys())])
    namespace, name = map(sql_name, _PLACE)
    with query_session() as session:
        session.add_table(table, _PLACE, shown=HIDDEN)
        found = session.rows(
            f"SELECT count(*) AS n, coalesce(sum(hash({sql_names(names)})::HUGEINT), 0)::VARCHAR AS total "
            f"FROM {namespace}.{name}"
        ).to_pylist()
    return Fingerprint(tuple((name, fields[name]) for name in names), found[0]["n"], int(found[0]["total"]))
