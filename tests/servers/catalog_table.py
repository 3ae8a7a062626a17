"""Write what each catalog can do into the page about the settings, from the results of the suite that users run.

    scripts/servers --junitxml=results.xml
    "$(scripts/venv runtime)/bin/python" tests/servers/catalog_table.py results.xml

The results may come from several runs, and hold some catalogs or some promises only: what they do not hold stays as it
is in the table.
"""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/guides/configuration.md"
_S3 = "S3 of SeaweedFS 4.48"
ROWS = {
    "rest": ("Iceberg REST of SeaweedFS 4.48", _S3),
    "sql": ("PostgreSQL 15", _S3),
    "apache": ("the reference fixture of Apache Iceberg 1.10.1, an Iceberg REST catalog", _S3),
    "nessie": ("Nessie 0.99.0", _S3),
}
"""The first two cells of the row of each catalog, by its name in the ids of tests."""

COLUMNS = {
    "runs, crashes and races": ("G1", "G2", "G3", "G5", "G9"),
    "changes of the schema": ("G4",),
    "publish on a branch": ("G6",),
    "expiry, compaction and removal of files": ("G7",),
}
"""The promises behind each column that is written."""

_MERGES = "merges by Trino"
_NO, _YES = "no", "yes"
_EXPECTED = "pytest.xfail"

Results = Mapping[tuple[str, str], list[bool]]
"""Whether each test passed, by the name of the catalog and the column."""


def read_results(files: Iterable[Path]) -> Results:
    """Read the results of pytest.

    Args:
        files: what `--junitxml` has written. Tests that were skipped count for nothing.
    """
    found: defaultdict[tuple[str, str], list[bool]] = defaultdict(list)
    columns = {promise: column for column, promises in COLUMNS.items() for promise in promises}
    for file in files:
        for case in ElementTree.parse(file).iter("testcase"):
            outcomes = {child.get("type") if child.get("type") == _EXPECTED else child.tag for child in case}
            promise = re.search(r"\.Test(G\d)$", case.get("classname", ""))
            catalog = re.search(r"\[([a-z]+)", case.get("name", ""))
            if promise is None or catalog is None or catalog[1] not in ROWS or "skipped" in outcomes:
                continue
            is_merge = "trino_merge" in case.get("classname", "")
            column = _MERGES if is_merge else columns[promise[1]]
            found[catalog[1], column].append(not outcomes & {"failure", "error", _EXPECTED})
    return found


def with_results(page: str, results: Results) -> str:
    """Return a page with the results in its table.

    Args:
        page: the text of the page.
        results: the results.

    Raises:
        ValueError: the table lacks a column, or the row of a catalog.
    """
    lines = page.split("\n")
    head = next(at for at, line in enumerate(lines) if line.startswith("| catalog |"))
    names = _cells(lines[head])
    end = next(at for at, line in enumerate(lines) if at > head and not line.startswith("|"))
    rows = {tuple(_cells(lines[at])[:2]): at for at in range(head + 2, end)}
    for (catalog, column), passed in results.items():
        at = rows.get(ROWS[catalog])
        if at is None or column not in names:
            raise ValueError(f"The table of {PAGE.name} has no place for {', '.join(ROWS[catalog])}: {column}.")
        cells = _cells(lines[at])
        cells[names.index(column)] = _verdict(passed, cells[names.index(column)])
        lines[at] = f"| {' | '.join(cells)} |"
    return "\n".join(lines)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _verdict(passed: list[bool], before: str) -> str:
    """Return what a cell says. A reason that somebody has added to it stays as long as its verdict does."""
    if all(passed):
        verdict = _YES
    elif not any(passed):
        verdict = _NO
    else:
        verdict = f"{sum(passed)} of {len(passed)} tests"
    return before if before.startswith(f"{verdict}:") else verdict


if __name__ == "__main__":
    PAGE.write_text(with_results(PAGE.read_text(), read_results(map(Path, sys.argv[1:]))))
