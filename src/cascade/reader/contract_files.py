"""Which files are contracts of tables: `contracts/raw.flights.yml` beside a workflow."""

from __future__ import annotations

import re

DIRECTORY = "contracts"
"""The directory of contracts, beside the modules of the workflows."""

_CONTRACT = re.compile(r"(?:^|/)contracts/([A-Za-z0-9_]+\.[A-Za-z0-9_]+)\.yml\Z")


def file_name(table: str) -> str:
    """Return the name of the file of a table's contract.

    Args:
        table: the full name of the table, such as `raw.flights`.
    """
    return f"{table}.yml"


def contract_table(path: str) -> str | None:
    """Return the table whose contract a file is, or None if its path is not that of a contract.

    Args:
        path: a path with slashes.
    """
    found = _CONTRACT.search(path)
    return found[1] if found else None
