"""Find the table that a request names."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from cascade.http_api.problems import ProblemError
from cascade.iceberg.overview import table_identifiers
from cascade.spelling import did_you_mean
from cascade.table_ref import DEFAULT_NAMESPACE, MAIN_BRANCH, TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.http_api.served import ServedProject


def found_table(served: ServedProject, name: str, branch: str | None = None) -> tuple[TableRef, Table]:
    """Load a table.

    Args:
        served: the project.
        name: what the client gave; the namespace `raw` may be left out.
        branch: the branch; None for the one that the server reads.

    Raises:
        ProblemError: there is no such table.
        UsageError: it has no such branch.
    """
    ref = TableRef.named(name).on(branch or MAIN_BRANCH)
    # A catalog takes an empty name for something else.
    table = served.lakehouse.load(ref) if ref.name and all(ref.namespace.split(".")) else None
    if table is None:
        known = [".".join(identifier) for identifier in table_identifiers(served.lakehouse.catalog)]
        short = [one.removeprefix(f"{DEFAULT_NAMESPACE}.") for one in known]
        raise ProblemError(HTTPStatus.NOT_FOUND, f'There is no table "{name}".{did_you_mean(name, [*known, *short])}')
    return ref, table
