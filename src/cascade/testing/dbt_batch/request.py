"""What Pants asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TestTable:
    """A table of the lakehouse that models read.

    Args:
        table: the table with its namespace, such as `raw.flights`.
        module: the module of the workflow that declares it.
        rows: the file of its rows, JSON lines; None for a table without rows.
        quarantined: whether models read its quarantine, so that some rows may be refused.
    """

    __test__ = False

    table: str
    module: str
    rows: str | None
    quarantined: bool = False


@dataclass(frozen=True)
class Request:
    """Files of a dbt project to test. All paths are relative to the working directory.

    Args:
        directory: the directory of the dbt project.
        files: the files of it and of its packages that dbt gets to see.
        tested: those to test.
        tables: the tables that workflows fill.
        variables: dbt's variables.
        source_tests: the file to test that the data tests of a table of a source belong to, by `<source>.<table>`.
        threads: how many models dbt builds at once; None for the number of the profile.
        output: the directory for the results.
    """

    directory: str
    files: tuple[str, ...]
    tested: tuple[str, ...]
    tables: tuple[TestTable, ...]
    variables: Mapping[str, Any]
    threads: int | None
    output: str
    source_tests: Mapping[str, str] = field(default_factory=dict)


def read_request(file: Path) -> Request:
    """Read a request.

    Args:
        file: its JSON.
    """
    document = json.loads(file.read_bytes())
    return Request(
        directory=document["directory"],
        files=tuple(document["files"]),
        tested=tuple(document["tested"]),
        tables=tuple(TestTable(**one) for one in document["tables"]),
        variables=document.get("vars") or {},
        threads=document.get("threads"),
        output=document["output"],
        source_tests=document.get("source_tests") or {},
    )
