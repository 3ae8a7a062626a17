"""Find the table that a request names."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING

from cascade.http_api.problems import ProblemError
from cascade.iceberg.overview import table_identifiers
from cascade.spelling import did_you_mean
from cascade.table_ref import DEFAULT_NAMESPACE, MAIN_BRANCH, TableRef

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.http_api.served import ServedProject


_PLAIN = re.compile(r"[\w-]+(\.[\w-]+)+")


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
    # A catalog may take other characters for part of an address, so what has them must be one of its tables.
    is_known = _PLAIN.fullmatch(ref.full_name) or ref.identifier in map(_joined, _identifiers(served))
    table = served.lakehouse.load(ref) if is_known else None
    if table is None:
        known = [".".join(identifier) for identifier in _identifiers(served)]
        short = [one.removeprefix(f"{DEFAULT_NAMESPACE}.") for one in known]
        raise ProblemError(HTTPStatus.NOT_FOUND, f'There is no table "{name}".{did_you_mean(name, [*known, *short])}')
    return ref, table


def _identifiers(served: ServedProject) -> list[tuple[str, ...]]:
    return table_identifiers(served.lakehouse.catalog)


def _joined(identifier: tuple[str, ...]) -> tuple[str, str]:
    return ".".join(identifier[:-1]), identifier[-1]
