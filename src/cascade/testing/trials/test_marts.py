"""Marts on a real PostgreSQL server: readers, killed publishers, and every kind of value."""

from __future__ import annotations

import os
import resource
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cascade.config import CascadeConfig
from cascade.exceptions import CascadeError, DataError, UsageError
from cascade.fault_points import FaultPoint, fault_point_armed
from cascade.marts.publishing import Published, publish
from cascade.marts.server import connected
from cascade.marts.table import MartTable
from cascade.testing.trials import children

SALES = MartTable("marts", "sales")
KEYED = MartTable("marts", "sales", ("id",))


@pytest.fixture
def config(mart_settings: dict[str, Any], tmp_path: Path) -> CascadeConfig:
    """Return the settings of a new database."""
    return CascadeConfig(project_root=tmp_path, **mart_settings)


@contextmanager
def query(sql: str) -> Iterator[duckdb.DuckDBPyRelation]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection.sql(sql)


def put(config: CascadeConfig, table: MartTable, sql: str, said: list[str] | None = None) -> Published:
    with connected(config) as connection:
        return publish(connection, table, query(sql), (said if said is not None else []).append)


def ask(config: CascadeConfig, sql: str) -> list[Any]:
    with connected(config) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall()) if cursor.description else []


def numbers(count: int, value: str = "n") -> str:
    return f"SELECT n AS id, {value} AS value FROM range({count}) AS numbers(n)"


VALUES = {
    "true": ("boolean", "true"),
    "(-5)::TINYINT": ("smallint", "-5"),
    "1::UTINYINT": ("smallint", "1"),
    "65535::USMALLINT": ("integer", "65535"),
    "4294967295::UINTEGER": ("bigint", "4294967295"),
    "18446744073709551615::UBIGINT": ("numeric(20,0)", "18446744073709551615"),
    "(-170141183460469231731687303715884105727)::HUGEINT": (
        "numeric(39,0)",
        "-170141183460469231731687303715884105727",
    ),
    "1.10::DECIMAL(38, 10)": ("numeric(38,10)", "1.1000000000"),
    "'inf'::FLOAT": ("real", "Infinity"),
    "0.1::DOUBLE": ("double precision", "0.1"),
    "'nan'::DOUBLE": ("double precision", "NaN"),
    "'tab\t line\n return\r \\N \\ \" '' é 漢'": ("text", "tab\t line\n return\r \\N \\ \" ' é 漢"),
    "''": ("text", ""),
    "'\\N'": ("text", "\\N"),
    "'b'::ENUM('a', 'b')": ("text", "b"),
    "'\\x00\\x5C'::BLOB": ("bytea", "\\x005c"),
    "DATE '0044-03-15 (BC)'": ("date", "0044-03-15 BC"),
    "TIME '23:59:59.999999'": ("time without time zone", "23:59:59.999999"),
    "'01:00:00+05:30'::TIMETZ": ("time with time zone", "01:00:00+05:30"),
    "TIMESTAMP '0044-03-15 (BC) 10:00:00'": ("timestamp without time zone", "0044-03-15 10:00:00 BC"),
    "TIMESTAMPTZ '2024-01-31 23:00:00.000001-05'": ("timestamp with time zone", "2024-02-01 04:00:00.000001+00"),
    "TIMESTAMP 'infinity'": ("timestamp without time zone", "infinity"),
    "INTERVAL '1 year 2 months -3 days -1 second'": ("interval", "1 year 2 mons -3 days -00:00:01"),
    "'7e2f6f6e-3c9b-4e6e-9d4a-0d2b8a6f1c55'::UUID": ("uuid", "7e2f6f6e-3c9b-4e6e-9d4a-0d2b8a6f1c55"),
    '\'{"a": "\\n\\\\"}\'::JSON': ("jsonb", '{"a": "\\n\\\\"}'),
    "'0101'::BIT": ("bit varying", "0101"),
    "[1, NULL, 3]": ("integer[]", "{1,NULL,3}"),
    "[]::INTEGER[]": ("integer[]", "{}"),
    "['a,b', 'NULL', '\"\\', NULL, '', 'x\ty']": ("text[]", '{"a,b","NULL","\\"\\\\",NULL,"","x\ty"}'),
    "[1.50, 2]::DECIMAL(5, 2)[]": ("numeric(5,2)[]", "{1.50,2.00}"),
    "[1, 2]::INTEGER[2]": ("integer[]", "{1,2}"),
    "{'a': 1.123456789012345678901::DECIMAL(30, 21), 'b': 'x\ty'}": (
        "jsonb",
        '{"a": 1.123456789012345678901, "b": "x\\ty"}',
    ),
    "MAP {'a': 1}": ("jsonb", '{"a": 1}'),
    "[[1], [2, 3]]": ("jsonb", "[[1], [2, 3]]"),
    "[{'a': 1}]": ("jsonb", '[{"a": 1}]'),
}


def test_every_kind_of_value_arrives_and_comes_back_as_the_same(config: CascadeConfig) -> None:
    listed = ", ".join(
        f"{value} AS c{place}, IF(false, {value}, NULL) AS n{place}" for place, value in enumerate(VALUES)
    )
    assert put(config, SALES, f"SELECT {listed}") == Published(1, inserted=1)
    found = dict(
        ask(
            config,
            "SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute "
            "WHERE attrelid = 'marts.sales'::regclass AND attnum > 0",
        )
    )
    texts = ", ".join(f"c{place}::text" for place in range(len(VALUES)))
    (row,) = ask(config, f"SET TimeZone = 'UTC'; SELECT {texts} FROM marts.sales")
    got = {value: (found[f"c{place}"], row[place]) for place, value in enumerate(VALUES)}
    assert got == VALUES
    nulls = " AND ".join(f"n{place} IS NULL" for place in range(len(VALUES)))
    assert ask(config, f"SELECT {nulls} FROM marts.sales") == [(True,)]
    assert not put(config, SALES, f"SELECT {listed}").changes


def test_values_without_a_type_in_postgresql_are_refused_by_name(config: CascadeConfig) -> None:
    with pytest.raises(UsageError) as refused:
        put(config, SALES, f"SELECT now()::TIMESTAMP_NS AS at, [{{'x': 'y'::BLOB}}] AS raw, 1 AS {'x' * 64}, 2 AS fine")
    text = str(refused.value)
    assert "marts.sales cannot be published to PostgreSQL:" in text
    assert "column at: PostgreSQL has no type for TIMESTAMP_NS" in text
    assert "column raw: PostgreSQL has no type for STRUCT(x BLOB)[]" in text
    assert "column xxx" in text and "fine" not in text
    assert ask(config, "SELECT count(*) FROM pg_namespace WHERE nspname = 'marts'") == [(0,)]


def test_names_are_quoted(config: CascadeConfig) -> None:
    odd = MartTable('we"ird schema', 'sel"ect; %s', ('order "by" %(x)s',), description="50 % of it's \\ all")
    sql = 'SELECT 1 AS "order ""by"" %(x)s", 2 AS "İx;--"'
    put(config, odd, sql)
    assert put(config, odd, sql.replace("2 AS", "3 AS")) == Published(1, updated=1)
    assert ask(config, 'SELECT * FROM "we""ird schema"."sel""ect; %s"') == [(1, 3)]
    ((comment,),) = ask(config, 'SELECT obj_description(\'"we""ird schema"."sel""ect; %s"\'::regclass)')
    assert comment == "50 % of it's \\ all\n\nCascade replaces the rows of this table."


def test_with_a_key_only_changed_rows_change(config: CascadeConfig) -> None:
    put(config, KEYED, numbers(1000))
    before = dict(ask(config, "SELECT id, xmin::text FROM marts.sales"))
    assert put(config, KEYED, numbers(1000)) == Published(1000)
    changed = "SELECT n AS id, IF(n = 7, -1, n) AS value FROM range(1, 1002) AS numbers(n)"
    assert put(config, KEYED, changed) == Published(1001, inserted=2, updated=1, removed=1)
    after = dict(ask(config, "SELECT id, xmin::text FROM marts.sales"))
    assert {key for key in after if before.get(key) != after[key]} == {7, 1000, 1001}
    assert before.keys() - after.keys() == {0}
    assert ask(config, "SELECT value FROM marts.sales WHERE id = 7") == [(-1,)]


def test_a_null_and_an_ambiguous_key_leave_the_mart_as_it_was(config: CascadeConfig) -> None:
    put(config, KEYED, numbers(3))
    with pytest.raises(DataError, match="2 rows have the unique_key id=1"):
        put(config, KEYED, f"{numbers(3)} UNION ALL SELECT 1, 9")
    with pytest.raises(DataError, match="1 rows have no id"):
        put(config, KEYED, f"{numbers(3)} UNION ALL SELECT NULL, 9")
    assert ask(config, "SELECT count(*), sum(value)::int FROM marts.sales") == [(3, 3)]


@pytest.mark.parametrize("table", [SALES, KEYED])
def test_views_grants_indexes_and_old_transactions_survive(config: CascadeConfig, table: MartTable) -> None:
    put(config, table, numbers(10))
    ask(config, "CREATE ROLE reader_{0}; GRANT SELECT ON marts.sales TO reader_{0}".format(secrets.token_hex(4)))
    ask(
        config,
        "CREATE INDEX by_value ON marts.sales (value); CREATE VIEW high AS SELECT * FROM marts.sales WHERE id > 5",
    )
    granted = ask(config, "SELECT relacl::text FROM pg_class WHERE oid = 'marts.sales'::regclass")
    with connected(config) as reader, reader.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")
        # The publisher does not wait for this transaction, which goes on to see what it saw when it began.
        put(config, table, numbers(20, "-n"))
        cursor.execute("SELECT count(*), sum(value)::int FROM marts.sales")
        assert cursor.fetchone() == (10, 45)
        cursor.execute("COMMIT")
    assert ask(config, "SELECT count(*) FROM high") == [(14,)]
    assert ask(config, "SELECT relacl::text FROM pg_class WHERE oid = 'marts.sales'::regclass") == granted
    assert ("by_value",) in ask(config, "SELECT indexname FROM pg_indexes WHERE tablename = 'sales'")


def test_readers_see_the_old_rows_or_the_new_ones(config: CascadeConfig) -> None:
    put(config, SALES, numbers(5000, "0"))
    stop, seen = threading.Event(), set()

    def read() -> None:
        with connected(config) as connection, connection.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("SELECT count(*), min(value), max(value) FROM marts.sales")
                seen.add(cursor.fetchone())

    readers = [threading.Thread(target=read) for _ in range(2)]
    for each in readers:
        each.start()
    for version in range(1, 11):
        # With and without a key, and with a column that comes and goes.
        table = KEYED if version % 2 else SALES
        value, extra = (str(version), "") if version % 3 else ("-1", ", 1 AS extra")
        rows = f"SELECT n AS id, {value} AS value{extra} FROM range({5000 + version}) AS numbers(n)"
        put(config, table, rows)
    stop.set()
    for each in readers:
        each.join()
    whole = {(5000 + v, v, v) for v in range(11)} | {(5000 + v, -1, -1) for v in range(3, 11, 3)}
    assert len(seen) > 1 and seen <= whole


def test_columns_and_key_follow_the_model(config: CascadeConfig) -> None:
    put(config, SALES, numbers(3))
    put(config, SALES, "SELECT n AS id, n::DECIMAL(10, 2) AS value, 'x' AS note FROM range(3) AS numbers(n)")
    assert ask(config, "SELECT id, value::text, note FROM marts.sales ORDER BY id")[2] == (2, "2.00", "x")
    changed = put(config, KEYED, "SELECT n AS id, 'y' AS note FROM range(3) AS numbers(n)")
    assert changed == Published(3, inserted=3, removed=3)
    with pytest.raises(Exception, match="duplicate key"):
        ask(config, "INSERT INTO marts.sales (id) VALUES (1)")
    put(config, SALES, "SELECT NULL::BIGINT AS id, 'y' AS note FROM range(2)")
    assert ask(config, "SELECT id, note FROM marts.sales") == [(None, "y")] * 2


def test_a_view_on_a_column_that_goes_keeps_the_mart_as_it_was(config: CascadeConfig) -> None:
    put(config, KEYED, numbers(3))
    ask(config, "CREATE VIEW doubled AS SELECT value * 2 AS value FROM marts.sales")
    for other in ("SELECT 1 AS id", "SELECT 1 AS id, 'x' AS value"):
        with pytest.raises(CascadeError, match=r"view doubled depends on column") as refused:
            put(config, KEYED, other)
        assert "Drop what depends on the column" in str(refused.value)
    assert ask(config, "SELECT count(*), sum(value)::int FROM doubled") == [(3, 6)]


def test_a_table_of_somebody_else_is_left_alone(config: CascadeConfig) -> None:
    ask(config, "CREATE SCHEMA marts; CREATE TABLE marts.sales AS SELECT 1 AS id")
    with pytest.raises(UsageError, match="Cascade did not make it"):
        put(config, SALES, numbers(3))
    ask(config, "DROP TABLE marts.sales; CREATE VIEW marts.sales AS SELECT 1 AS id")
    with pytest.raises(UsageError, match="Cascade did not make it"):
        put(config, SALES, numbers(3))
    assert ask(config, "SELECT * FROM marts.sales") == [(1,)]


def test_an_error_of_the_query_is_its_own(config: CascadeConfig) -> None:
    put(config, SALES, numbers(3))
    with pytest.raises(DataError, match=r"marts.sales was not published, because its rows cannot be read.*no such row"):
        put(config, SALES, numbers(9000, "IF(n = 8999, error('no such row'), n)"))
    with pytest.raises(CascadeError, match=r"0x00.*COPY cascade_mart, line 1"):
        put(config, SALES, "SELECT 'a' || chr(0) AS id")
    assert ask(config, "SELECT count(*) FROM marts.sales") == [(3,)]


def publish_in_a_child(config_values: dict[str, Any], point: str | None, sql: str) -> None:
    config = CascadeConfig(**config_values)

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    armed = fault_point_armed(FaultPoint(point), stop=kill) if point not in (None, "copy") else nullcontext()
    with armed, connected(config) as connection:
        publish(connection, KEYED, query(sql), (lambda text: kill()) if point == "copy" else (lambda text: None))


def values_of(config: CascadeConfig) -> dict[str, Any]:
    names = ("project_root", "postgres_host", "postgres_port", "postgres_user", "postgres_password", "postgres_db")
    return {name: getattr(config, name) for name in names}


@pytest.mark.parametrize("point", ["copy", "write", "commit", "publish"])
def test_a_killed_publisher_leaves_the_old_mart_or_the_new_one(config: CascadeConfig, point: str) -> None:
    put(config, KEYED, numbers(10))
    count = 300_000 if point == "copy" else 20
    child = children.start(publish_in_a_child, values_of(config), point, numbers(count))
    assert child.wait() == -signal.SIGKILL
    expected = 20 if point == "publish" else 10
    # The lock of the killed process is gone with its connection, which the server may notice a moment later.
    said: list[str] = []
    assert ask(config, "SELECT count(*) FROM marts.sales") == [(expected,)]
    assert put(config, KEYED, numbers(20), said).rows == 20
    assert ask(config, "SELECT count(*), sum(value)::int FROM marts.sales") == [(20, 190)]
    left = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace >= 16384 OR relname LIKE 'cascade%'"
    assert ask(config, left) == [("sales",)]


def test_publishers_of_one_mart_take_turns(config: CascadeConfig) -> None:
    waiting = threading.Event()
    opened: list[str] = []

    @contextmanager
    def slow() -> Iterator[duckdb.DuckDBPyRelation]:
        with query(numbers(10)) as relation:
            thread.start()
            assert waiting.wait(30)
            opened.append("first")
            yield relation

    def second() -> None:
        with connected(config) as connection:
            rows = query(numbers(20))

            @contextmanager
            def noted() -> Iterator[duckdb.DuckDBPyRelation]:
                opened.append("second")
                with rows as relation:
                    yield relation

            publish(connection, KEYED, noted(), lambda text: waiting.set())

    thread = threading.Thread(target=second)
    with connected(config) as connection:
        publish(connection, KEYED, slow())
    thread.join()
    # The second one reads its rows after the first one has published, so newer rows are never replaced by older ones.
    assert opened == ["first", "second"]
    assert ask(config, "SELECT count(*) FROM marts.sales") == [(20,)]


def peak_of(config_values: dict[str, Any], rows: int) -> tuple[int, int]:
    config = CascadeConfig(**config_values)
    with connected(config) as connection:
        publish(connection, KEYED, query(numbers(10)))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        publish(connection, KEYED, query(numbers(rows, "repeat('x', 100)")))
    return before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a_million_rows_do_not_fill_the_memory(config: CascadeConfig) -> None:
    before, after = children.start(peak_of, values_of(config), 1_000_000).result()
    assert ask(config, "SELECT count(*) FROM marts.sales") == [(1_000_000,)]
    # Their text alone takes 110 MB.
    assert (after - before) / 1024 < 60


def test_a_server_that_is_not_there_is_named_without_the_password(config: CascadeConfig) -> None:
    wrong = config.model_copy(update={"postgres_host": "127.0.0.1", "postgres_port": 9})
    with pytest.raises(CascadeError, match=r"Cannot connect to PostgreSQL at 127.0.0.1:9: .*refused") as failed:
        put(wrong, SALES, numbers(1))
    assert "postgres_host" in str(failed.value)
    with pytest.raises(UsageError, match="postgres_host is not set"):
        put(config.model_copy(update={"postgres_host": None}), SALES, numbers(1))


ROWS = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["'a'", "'b'", "NULL"])), max_size=6)
STEPS = st.lists(
    st.tuples(ROWS, st.booleans(), st.sampled_from(["", "::BIGINT"]), st.booleans()), min_size=1, max_size=5
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_after_any_history_the_mart_has_the_rows_of_the_model(config: CascadeConfig, steps: list[Any]) -> None:
    for rows, keyed, kind, more in steps:
        chosen = list(dict(rows).items()) if keyed else rows
        more_sql = ", 1 AS extra" if more else ""
        selects = [f"SELECT {key}{kind} AS id, {value}::VARCHAR AS value{more_sql}" for key, value in chosen]
        sql = " UNION ALL ".join(selects) or f"SELECT 1{kind} AS id, 'a' AS value{more_sql} WHERE false"
        put(config, KEYED if keyed else SALES, sql)
        expected = sorted((key, value.strip("'")) for key, value in chosen)
        assert sorted(ask(config, "SELECT id, coalesce(value, 'NULL') FROM marts.sales")) == expected
        assert not put(config, KEYED if keyed else SALES, sql).changes
