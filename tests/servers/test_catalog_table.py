from __future__ import annotations

from pathlib import Path

import pytest
from servers.catalog_table import PAGE, ROWS, read_results, with_results

CASE = '<testcase classname="tests.servers.{}" name="test_it[{}]">{}</testcase>'


def results(directory: Path, *cases: tuple[str, str, str]) -> Path:
    file = directory / "results.xml"
    file.write_text(f"<testsuites><testsuite>{''.join(CASE.format(*case) for case in cases)}</testsuite></testsuites>")
    return file


def test_results_become_cells_and_other_cells_stay(tmp_path: Path) -> None:
    file = results(
        tmp_path,
        ("test_java_catalogs.TestG1", "nessie-merge", ""),
        ("test_java_catalogs.TestG3", "nessie-merge", "<failure/>"),
        ("test_java_catalogs.TestG4", "nessie-merge", '<skipped type="pytest.xfail"/>'),
        ("test_java_catalogs.TestG6", "nessie-merge", "<skipped/>"),
        ("test_java_catalogs.TestG6", "apache-merge", ""),
        ("test_trino_merge.TestG1", "sql-merge", "<error/>"),
        ("test_moving", "sql-x", "<failure/>"),
    )
    page = PAGE.read_text()
    found = with_results(page, read_results([file]))

    def row(text: str, catalog: str) -> list[str]:
        (line,) = (line for line in text.split("\n") if line.startswith(f"| {' | '.join(ROWS[catalog])} |"))
        return [cell.strip() for cell in line.strip("|").split("|")]

    assert row(found, "nessie")[2:5] == ["1 of 2 tests", "no", row(page, "nessie")[4]]
    assert row(found, "apache")[4] == "yes"
    assert row(found, "sql") == [*row(page, "sql")[:6], "no", "a copy"]
    assert row(found, "rest") == row(page, "rest")
    assert len(found.split("\n")) == len(page.split("\n"))


def test_a_catalog_without_a_row_is_an_error(tmp_path: Path) -> None:
    file = results(tmp_path, ("test_promises.TestG1", "rest-merge", ""))
    with pytest.raises(ValueError, match="no place for Iceberg REST of SeaweedFS"):
        with_results("| catalog | tables in |\n|---|---|\n", read_results([file]))
