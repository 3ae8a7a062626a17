"""Merges that a server carries out in a copy of the table. tests/servers asks a real Trino the same."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.table.update import AddSnapshotUpdate

from cascade.exceptions import CascadeError, ConfigError
from cascade.iceberg.catalog import Lakehouse, open_lakehouse
from cascade.iceberg.commit import RUN_ID
from cascade.iceberg.conftest import Settings, on_disk
from cascade.iceberg.handover import Handover
from cascade.iceberg.maintenance import maintain_table, table_locations
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.overview import overviews, table_identifiers
from cascade.iceberg.tables import ensure_table
from cascade.iceberg.trino.hidden_tables import drop_abandoned, hidden_copy, hidden_rows
from cascade.iceberg.trino.merging import merge_on_trino, merge_statement
from cascade.iceberg.trino_server import Rows, TrinoServer
from cascade.table_ref import TableRef

REF = TableRef("raw", "readings")
KEY = ("id", "place")
_TABLES = re.compile(r'MERGE INTO "lake"\."raw"\."(\w+)" AS t USING "lake"\."raw"\."(\w+)" AS s ')


@dataclass(frozen=True)
class Server(TrinoServer):
    """Carries out the merges as Cascade does, in the tables that the statement names."""

    lakehouse: Lakehouse = field(kw_only=True)
    statements: list[str] = field(default_factory=list, kw_only=True)
    meanwhile: list[Callable[[], object]] = field(default_factory=list, kw_only=True)

    def rows(self, statement: str, **how: Any) -> Rows:
        self.statements.append(statement)
        if self.meanwhile:
            self.meanwhile.pop()()
        found = _TABLES.match(statement)
        assert found is not None
        rows = self.lakehouse.require(TableRef("raw", found[2])).scan().to_arrow()
        plan = merge_rows(self.lakehouse, TableRef("raw", found[1]), rows, KEY, run_id="of the server").plan
        return [(plan.inserted + plan.updated,)]


@pytest.fixture
def server(lakehouse: Lakehouse) -> Server:
    ensure_table(lakehouse, REF, schema())
    merge_rows(lakehouse, REF, batch(range(50_000)), KEY, run_id="first")
    return Server("host", 1, "me", None, "lake", lakehouse=lakehouse)


def schema() -> Any:
    from pyiceberg.schema import Schema
    from pyiceberg.types import DoubleType, LongType, NestedField, StringType

    return Schema(
        NestedField(1, "id", LongType(), required=True),
        NestedField(2, "place", StringType(), required=True),
        NestedField(3, "celsius", DoubleType(), required=False),
    )


def batch(ids: Any, celsius: float = 1.0) -> pa.Table:
    count = len(ids)
    return pa.table({"id": pa.array(ids, pa.int64()), "place": ["here"] * count, "celsius": [celsius] * count})


def read(lakehouse: Lakehouse) -> dict[int, float]:
    rows = lakehouse.read("raw.readings")
    return dict(zip(rows["id"].to_list(), rows["celsius"].to_list(), strict=True))


def merged(server: Server, rows: pa.Table, **how: Any) -> Any:
    return merge_on_trino(server.lakehouse, REF, rows, KEY, server=server, run_id="run", partition="day", **how)


def test_the_result_is_published_and_nothing_else_is_left(server: Server, tmp_path: Path) -> None:
    lakehouse, rows = server.lakehouse, pa.concat_tables([batch([7, 9]), batch([50_000, 9], 5.0)])
    before = lakehouse.require(REF)
    done = merged(server, rows)
    after = lakehouse.require(REF)
    assert (done.plan.inserted, done.plan.updated, done.plan.removed) == (1, 2, 0)
    assert read(lakehouse) == {**dict.fromkeys(range(50_000), 1.0), 9: 5.0, 50_000: 5.0}
    head = after.current_snapshot()
    assert head is not None and head.summary is not None
    assert head.snapshot_id == done.snapshot_id
    assert head.parent_snapshot_id == before.metadata.current_snapshot_id
    assert head.summary[RUN_ID] == "run"
    assert head.summary["total-records"] == "50003"
    assert after.metadata.table_uuid == before.metadata.table_uuid
    assert table_identifiers(lakehouse.catalog) == [("raw", "readings")]
    assert not list(tmp_path.rglob("cascade_hidden_*/**/*.*"))
    assert len(server.statements) == 1


@pytest.mark.parametrize("answers", ["refuses", "shows nothing of it"])
def test_a_catalog_that_cannot_register_a_table_creates_one(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: str
) -> None:
    catalog = server.lakehouse.catalog

    def register(name: Any, location: str) -> Any:
        if answers == "refuses":
            raise NotImplementedError("Server does not support endpoint")
        return catalog.create_table(name, pa.schema([]), location=location.rpartition("/metadata/")[0])

    # The table has gone back to an earlier snapshot, so its last sequence number is not that of the current one.
    first = server.lakehouse.require(REF)
    merge_rows(server.lakehouse, REF, batch([70_000]), KEY, run_id="undone")
    snapshot_id = first.metadata.current_snapshot_id
    assert snapshot_id is not None
    server.lakehouse.require(REF).manage_snapshots().set_current_snapshot(snapshot_id=snapshot_id).commit()
    commit, sent = type(catalog).commit_table, list[Any]()

    def note(self: Any, table: Any, requirements: Any, updates: Any) -> Any:
        sent.extend(update.snapshot for update in updates if isinstance(update, AddSnapshotUpdate))
        return commit(self, table, requirements, updates)

    monkeypatch.setattr(type(catalog), "commit_table", note)
    monkeypatch.setattr(catalog, "register_table", register)
    began = time.time() * 1000
    merged(server, batch([6, 60_000], 4.0))
    # Servers refuse a snapshot that is older than its table.
    [copied] = [one for one in sent if one.snapshot_id == snapshot_id]
    assert copied.timestamp_ms >= int(began)
    found = read(server.lakehouse)
    assert (len(found), found[6], found[60_000]) == (50_001, 4.0, 4.0)
    assert table_identifiers(catalog) == [("raw", "readings")]
    assert not list(tmp_path.rglob("cascade_hidden_*/**/*.*"))


def test_a_catalog_that_copies_no_table_is_a_clear_error(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any, **more: Any) -> Any:
        raise NotImplementedError("Server does not support endpoint")

    for name in ("register_table", "create_table_transaction"):
        monkeypatch.setattr(server.lakehouse.catalog, name, refuse)
    with pytest.raises(CascadeError, match=r"cannot make a copy of raw\.readings for Trino: .*endpoint") as caught:
        merged(server, batch([6], 4.0))
    assert "CASCADE_MERGE_ENGINE" in str(caught.value.hint)
    assert table_identifiers(server.lakehouse.catalog) == [("raw", "readings")]


def test_the_same_rows_again_commit_nothing(server: Server) -> None:
    rows = batch(range(100, 300), 2.0)
    first = merged(server, on_disk(rows, 65, 130))
    again = merged(server, rows)
    assert first.snapshot_id is not None
    assert (again.snapshot_id, again.plan.inserted, again.plan.updated) == (None, 0, 0)
    assert "IS DISTINCT FROM" in server.statements[-1]


def test_a_merge_beside_another_one_loses_neither(server: Server) -> None:
    lakehouse = server.lakehouse
    server.meanwhile.append(lambda: merge_rows(lakehouse, REF, batch([5, 6], 3.0), KEY, run_id="other"))
    done = merged(server, batch([6, 8], 4.0))
    assert len(server.statements) == 2
    found = read(lakehouse)
    assert [found[key] for key in (5, 6, 8)] == [3.0, 4.0, 4.0]
    assert done.plan.updated == 2


def test_a_commit_that_touches_no_file_of_the_merge_needs_no_second_one(server: Server) -> None:
    lakehouse = server.lakehouse
    server.meanwhile.append(lambda: merge_rows(lakehouse, REF, batch([90_000], 3.0), KEY, run_id="other"))
    merged(server, batch([6], 4.0))
    found = read(lakehouse)
    assert (len(server.statements), found[6], found[90_000]) == (1, 4.0, 3.0)


def test_rows_of_which_no_file_can_have_a_key_do_not_reach_the_server(server: Server) -> None:
    done = merged(server, batch([70_000, 70_001]))
    assert (done.plan.inserted, server.statements) == (2, [])


def test_a_server_that_fails_leaves_the_table_as_it_was(server: Server, tmp_path: Path) -> None:
    lakehouse, before = server.lakehouse, sorted(tmp_path.rglob("*.*"))

    def fail() -> None:
        raise CascadeError("Trino answers with an error: out of memory", hint="Ask somebody.")

    server.meanwhile.append(fail)
    with pytest.raises(CascadeError, match=r"could not merge into raw\.readings, .*: Trino .*out of memory") as caught:
        merged(server, batch([6], 4.0))
    assert str(caught.value.hint) == "Ask somebody. Or let Cascade merge itself: unset CASCADE_MERGE_ENGINE."
    assert read(lakehouse)[6] == 1.0
    assert sorted(tmp_path.rglob("*.*")) == before


def test_what_a_killed_run_has_left_is_dropped_by_the_next_one_and_by_maintenance(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    lakehouse, table = server.lakehouse, server.lakehouse.require(REF)
    catalog = lakehouse.catalog
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()

    def left(process: int) -> None:
        """Make hidden tables of a process, and do not drop them."""
        with monkeypatch.context() as patch:
            patch.setattr(os, "getpid", lambda: process)
            patch.setattr("cascade.iceberg.trino.hidden_tables.drop_hidden", lambda catalog, table: None)
            with (
                hidden_copy(catalog, table),
                hidden_rows(catalog, table, [batch([1]).cast(table.scan().to_arrow().schema)]),
            ):
                pass

    left(gone.pid)
    left(os.getppid())
    assert len(table_identifiers(catalog)) == 5
    assert [found.name for found in overviews(lakehouse)] == ["raw.readings"]
    assert drop_abandoned(catalog, "raw") == 2
    assert len(table_identifiers(catalog)) == 3
    done = maintain_table(lakehouse, REF, table_locations(lakehouse), orphan_age=0)
    assert done.problems == ()
    assert len(read(lakehouse)) == 50_000
    monkeypatch.setattr("cascade.iceberg.trino.hidden_tables.ABANDONED_SECONDS", -1.0)
    merged(server, batch([6], 4.0))
    assert table_identifiers(catalog) == [("raw", "readings")]
    assert read(lakehouse)[6] == 4.0


def test_names_are_quoted() -> None:
    statement = merge_statement("a", "b", ['i"d', "x"], ['i"d'], compare=False)
    assert statement == (
        'MERGE INTO a AS t USING b AS s ON t."i""d" = s."i""d" WHEN MATCHED THEN UPDATE SET "x" = s."x" '
        'WHEN NOT MATCHED THEN INSERT ("i""d", "x") VALUES (s."i""d", s."x")'
    )
    assert "MATCHED THEN UPDATE" not in merge_statement("a", "b", ["k"], ["k"], compare=True)


@dataclass(frozen=True)
class OnTrino(Settings):
    """Settings with a Trino server."""

    merge_engine: str = "trino"
    trino_host: str | None = "host"
    trino_port: int = 8080
    trino_user: str = "me"
    trino_password: None = None
    trino_catalog: str = "lake"
    trino_merge_rows: int = 100
    trino_merge_tables: str = "raw.flights, staging.*"


def test_merges_are_handed_over_by_name_and_by_size(tmp_path: Path) -> None:
    settings = OnTrino(tmp_path)
    found = open_lakehouse(settings).handover
    assert found == Handover(TrinoServer("host", 8080, "me", None, "lake"), ("raw.flights", "staging.*"), 100)
    taken = {
        (TableRef(space, name).full_name, rows): found.takes(TableRef(space, name), rows)
        for space, name, rows in [
            ("raw", "flights", 1),
            ("raw", "flights2", 99),
            ("raw", "x", 100),
            ("staging", "x", 1),
        ]
    }
    assert list(taken.values()) == [True, False, True, True]
    assert open_lakehouse(replace(settings, merge_engine="cascade")).handover is None
    with pytest.raises(ConfigError, match="trino_host is not set") as caught:
        open_lakehouse(replace(settings, trino_host=None))
    assert "CASCADE_TRINO_HOST" in str(caught.value.hint)
