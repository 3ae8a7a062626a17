"""What the plugin does when dbt opens the DuckDB file."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.types import LongType, NestedField

from cascade.config import CascadeConfig
from cascade.iceberg import open_lakehouse
from cascade.iceberg.merge import merge_rows
from cascade.iceberg.tables import ensure_table
from cascade.table_ref import TableRef

pytestmark = pytest.mark.skipif(importlib.util.find_spec("dbt") is None, reason="dbt is not installed")

_HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def opened(path: Path, **options: Any) -> duckdb.DuckDBPyConnection:
    """Open a file as dbt-duckdb does."""
    from dbt.adapters.duckdb.credentials import DuckDBCredentials
    from dbt.adapters.duckdb.environments.local import LocalEnvironment

    credentials = DuckDBCredentials.from_dict(
        {"path": str(path), "schema": "main", "plugins": [{"module": "cascade.dbt.duckdb_plugin"}]}
    )
    credentials.config_options = options
    environment = LocalEnvironment(credentials)
    connection: duckdb.DuckDBPyConnection = environment.initialize_db(credentials, environment._plugins)
    return connection


@pytest.fixture
def file(config: CascadeConfig, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CASCADE_PROJECT_ROOT", str(config.project_root))
    lakehouse = open_lakehouse(config)
    things = TableRef("raw", "things")
    ensure_table(lakehouse, things, Schema(NestedField(1, "id", LongType(), required=True), identifier_field_ids=[1]))
    merge_rows(lakehouse, things, pa.table({"id": [1, 2]}), ["id"], run_id="run")
    return config.project_root / "lakehouse.duckdb"


def test_a_connection_that_can_write_shows_the_tables_and_one_that_only_reads_leaves_them(file: Path) -> None:
    with duckdb.connect(file) as connection:
        connection.execute("create table x as select 1")
    with opened(file, access_mode="READ_ONLY") as connection:
        assert connection.execute("select count(*) from duckdb_views() where not internal").fetchall() == [(0,)]
    with opened(file) as connection:
        assert connection.execute("select id from raw.things order by id").fetchall() == [(1,), (2,)]
    with opened(file, access_mode="READ_ONLY") as connection:
        assert connection.execute("select id from raw.things order by id").fetchall() == [(1,), (2,)]


def test_a_process_waits_until_another_one_closes_the_file(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from cascade.dbt import waiting

    other = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdin is not None and other.stdout is not None
    try:
        assert other.stdout.readline() == "open\n"
        # The message comes before the first pause, and the other process ends after the third one.
        monkeypatch.setattr(waiting, "_TOLD_AFTER", -1.0)
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            if len(pauses) == 3:
                other.communicate()

        monkeypatch.setattr("cascade.dbt.waiting.time.sleep", pause)
        waiting.open_when_free(str(file), {}).close()
        assert len(pauses) == 3
        said = capsys.readouterr().err
        assert said == f"waiting for {file}, which process {other.pid} has open\n"
    finally:
        other.kill()
        other.wait()


def test_other_errors_of_the_file_are_not_waited_for(tmp_path: Path) -> None:
    from cascade.dbt.waiting import open_when_free

    (tmp_path / "x.duckdb").write_text("not a database")
    with pytest.raises(duckdb.IOException, match="not a valid DuckDB database"):
        open_when_free(str(tmp_path / "x.duckdb"), {})
