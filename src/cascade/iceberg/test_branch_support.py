from __future__ import annotations

from typing import Any

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import BadRequestError, ServiceUnavailableError
from pyiceberg.table.update import SetSnapshotRefUpdate

from cascade.iceberg import branch_support
from cascade.iceberg.branch_support import keeps_branches
from cascade.iceberg.catalog import Lakehouse
from cascade.notices import notices_to
from cascade.table_ref import TableRef

NAME = TableRef("raw", "counts")


@pytest.fixture
def server(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> Lakehouse:
    """Return a lakehouse whose catalog is taken for a server."""
    monkeypatch.setattr("pyiceberg.catalog.MetastoreCatalog", type("Metastore", (Catalog,), {}))
    lakehouse.catalog.create_namespace_if_not_exists("raw")
    return lakehouse


def tried(monkeypatch: pytest.MonkeyPatch, change: Any) -> list[int]:
    """Let `change` decide what the catalog does with updates, and return a list that grows with each commit."""
    ordinary, commits = SqlCatalog.commit_table, list[int]()

    def commit_table(catalog: SqlCatalog, table: Any, requirements: Any, updates: Any) -> Any:
        commits.append(len(commits))
        return ordinary(catalog, table, requirements, change(updates))

    monkeypatch.setattr(SqlCatalog, "commit_table", commit_table)
    return commits


def without_branches(updates: Any) -> Any:
    return tuple(update for update in updates if not isinstance(update, SetSnapshotRefUpdate))


def onto_main(updates: Any) -> Any:
    return tuple(
        update.model_copy(update={"ref_name": "main"}) if isinstance(update, SetSnapshotRefUpdate) else update
        for update in updates
    )


def refused(updates: Any) -> Any:
    raise BadRequestError("use the branches of the catalog instead")


def test_a_catalog_of_files_is_not_tried(lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = tried(monkeypatch, lambda updates: updates)
    assert keeps_branches(lakehouse, NAME)
    assert commits == []


def test_a_server_that_keeps_branches_is_tried_once(server: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = tried(monkeypatch, lambda updates: updates)
    assert keeps_branches(server, NAME) and keeps_branches(server, NAME)
    assert commits == [0]
    assert server.catalog.list_tables("raw") == []


@pytest.mark.parametrize("change", [without_branches, onto_main, refused])
def test_a_server_that_drops_moves_or_refuses_branches_is_remembered(
    server: Lakehouse, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    commits, told = tried(monkeypatch, change), list[str]()
    with notices_to(told.append):
        assert not keeps_branches(server, NAME)
        assert not keeps_branches(server, NAME)
    assert commits == [0]
    [text] = told
    assert "keeps no branches of tables, so the checks of a run read its rows before they are committed" in text
    assert server.catalog.list_tables("raw") == []


def test_a_server_that_does_not_answer_is_tried_again(server: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(updates: Any) -> Any:
        if not commits[1:]:
            raise ServiceUnavailableError("starting")
        return updates

    commits = tried(monkeypatch, unavailable)
    assert not keeps_branches(server, NAME)
    assert keeps_branches(server, NAME)


def test_a_broken_memory_is_written_anew(server: Lakehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    commits = tried(monkeypatch, lambda updates: updates)
    memory = branch_support._memory(server)
    memory.parent.mkdir(parents=True)
    memory.write_text("{")
    assert keeps_branches(server, NAME) and keeps_branches(server, NAME)
    assert commits == [0]
