"""Which schemas on Trino are dropped, and the queries that compare models. No server runs; `tests/servers` has one."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cascade.config import CascadeConfig
from cascade.dbt import trino_branch
from cascade.dbt.trino_branch import drop_overdue_schemas, drop_schemas, trino_differences
from cascade.dbt.trino_schema import branch_schema
from cascade.dbt.trino_sources import BranchedTables, BranchRelation
from cascade.table_ref import CI_SECONDS

YOUNG, OLD = "ci_20240116T060000_aaaaaaaa", "ci_20240114T060000_bbbbbbbb"
NOW = 1_705_384_800.0


class Server:
    """A server that has schemas, and remembers what it was asked."""

    def __init__(self, *schemas: str) -> None:
        self.schemas = list(schemas)
        self.columns: list[tuple[str, str, str, str]] = []
        self.asked: list[str] = []

    def rows(self, config: CascadeConfig, query: str) -> list[Any]:
        self.asked.append(query)
        if query.startswith("SHOW SCHEMAS"):
            return [[schema] for schema in self.schemas]
        dropped = re.fullmatch(r'DROP SCHEMA IF EXISTS "iceberg"."(.*)" CASCADE', query)
        if dropped:
            self.schemas.remove(dropped[1])
            return []
        return self.columns if "information_schema" in query else [[3]]


def settings(tmp_path: Path, branch: str = "main", **more: Any) -> CascadeConfig:
    return CascadeConfig(project_root=tmp_path, trino_host="trino", branch=branch, **more)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    config = settings(tmp_path)
    own = [branch_schema(config, name) for name in (YOUNG, OLD, "me", "me_gold")]
    found = Server("main", "main_gold", "main_me", "raw", *own, f"{own[1]}_gold", f"{own[2]}_gold", f"x{own[1]}")
    monkeypatch.setattr(trino_branch, "_rows", found.rows)
    return found


def test_discarding_a_branch_drops_its_schemas_and_no_other(server: Server, tmp_path: Path) -> None:
    before, config = list(server.schemas), settings(tmp_path)
    own = branch_schema(config, "me")
    assert drop_schemas(config, "me") == [own, f"{own}_gold"]
    assert sorted({*before} - {*server.schemas}) == [own, f"{own}_gold"]


def test_schemas_of_runs_of_ci_that_are_a_day_old_are_dropped(server: Server, tmp_path: Path) -> None:
    before, config = list(server.schemas), settings(tmp_path)
    own = branch_schema(config, OLD)
    assert drop_overdue_schemas(config, NOW) == {OLD.lower(): [own, f"{own}_gold"]}
    assert sorted({*before} - {*server.schemas}) == [own, f"{own}_gold"]
    assert drop_overdue_schemas(config, NOW) == {}
    assert drop_overdue_schemas(config, NOW + CI_SECONDS + 1).keys() == {YOUNG.lower()}


def test_nobody_asks_trino_if_dbt_runs_in_duckdb(server: Server, tmp_path: Path) -> None:
    config = settings(tmp_path, dbt_target="embedded")
    assert drop_schemas(config, OLD) == [] and drop_overdue_schemas(config, NOW) == {} and server.asked == []


def test_models_are_compared_with_those_of_main_by_their_columns(server: Server, tmp_path: Path) -> None:
    config = settings(tmp_path, OLD)
    own = branch_schema(config, OLD)
    server.columns = [
        ("main_gold", "days", "day", "date"),
        ("main_gold", "days", "mean", "real"),
        ("main_gold", "days", "gone", "varchar"),
        (f"{own}_gold", "days", "day", "date"),
        (f"{own}_gold", "days", "mean", "double"),
        (own, "new", "id", "bigint"),
        ("main", "untouched", "id", "bigint"),
    ]
    new, days = sorted(trino_differences(config), key=lambda one: one.name)
    assert (new.name, new.added, new.removed) == ("main.new", 3, 0)
    assert days.name == "main_gold.days"
    assert days.schema_changes == ("The column gone was removed.", "The column mean was real, and is double.")
    mean = """format('%.9e', CAST("mean" AS double) + 0e0) AS "mean\""""
    one, other = (f'SELECT "day", {mean} FROM "iceberg"."{schema}_gold"."days"' for schema in (own, "main"))
    assert f"SELECT count(*) FROM ({one} EXCEPT ALL {other})" in server.asked


class Lakehouse(BranchedTables):
    """Tables of which one has the branch."""

    asked = 0

    def _find(self, ref: Any) -> bool:
        self.asked += 1
        return bool(ref.full_name == "raw.things")


def source(name: str, kind: str = "source", database: str = "iceberg") -> Any:
    place = {"database": database, "schema": "raw", "identifier": name, "resource_type": kind}
    return SimpleNamespace(**place, quoting_dict={}, catalog_name=None)


def test_dbt_reads_the_branch_of_the_sources_that_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = Lakehouse("iceberg", "me's")
    monkeypatch.setattr(BranchRelation, "tables", tables)
    quoting: Any = SimpleNamespace(quoting={})
    found = BranchRelation.create_from(quoting, source("things"))
    assert str(found) == """"iceberg"."raw"."things" FOR VERSION AS OF 'me''s'"""
    assert str(found.include(identifier=False)) == '"iceberg"."raw"'
    limited = BranchRelation.create_from(quoting, source("things"), limit=0)
    assert "FOR VERSION AS OF 'me''s' where false" in str(limited)
    assert tables.asked == 1
    for other in (source("others"), source("things", "model"), source("things", database="memory")):
        assert "VERSION" not in str(BranchRelation.create_from(quoting, other))
    assert tables.asked == 2
