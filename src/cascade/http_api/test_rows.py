"""Rows by page."""

from __future__ import annotations

import base64
import datetime as dt
import io
import json
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient
from pyiceberg.table import Table

from cascade.exceptions import DiscoveryError
from cascade.http_api import models, rows
from cascade.http_api.answers import ARROW
from cascade.http_api.conftest import Api
from cascade.iceberg import Lakehouse
from cascade.iceberg.ledger.state import LEDGER
from cascade.iceberg.test_pages import snapshot_of
from cascade.plugins import PluginError
from cascade.table_ref import TableRef

PEOPLE = "/v1/tables/people/rows"


def every_row(client: TestClient, path: str, **query: Any) -> list[dict[str, Any]]:
    """Read all pages of JSON."""
    found: list[dict[str, Any]] = []
    while True:
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        document = answer.json()
        models.RowsPage.model_validate(document)
        assert answer.headers.get("cascade-next-cursor") == document["next_cursor"]
        found += document["rows"]
        if document["next_cursor"] is None:
            return found
        query["cursor"] = document["next_cursor"]


def arrow(answer: Any) -> pa.Table:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == ARROW
    return pa.ipc.open_stream(io.BytesIO(answer.content)).read_all()


@pytest.fixture
def thousand(lakehouse: Lakehouse, api: Api) -> Table:
    """Make a table of a thousand rows in four files."""
    table = lakehouse.catalog.create_table("raw.numbers", schema=pa.schema([("id", pa.int64())]))
    for first in range(0, 1000, 250):
        table.append(pa.table({"id": pa.array(range(first, first + 250), pa.int64())}))
    return table


def test_pages_go_on_at_the_first_snapshot_whatever_is_written(api: Api, thousand: Table) -> None:
    client = api()
    first = client.get("/v1/tables/raw.numbers/rows?limit=300").json()
    thousand.delete("id < 900")
    thousand.append(pa.table({"id": pa.array([7000], pa.int64())}))
    rest = every_row(client, "/v1/tables/numbers/rows", limit=300, cursor=first["next_cursor"])
    assert sorted(row["id"] for row in first["rows"] + rest) == list(range(1000))
    assert len(every_row(client, "/v1/tables/numbers/rows", limit=40)) == 101


def test_a_cursor_of_an_expired_snapshot_is_gone(api: Api, thousand: Table) -> None:
    cursor = api().get("/v1/tables/numbers/rows?limit=1").json()["next_cursor"]
    snapshot = snapshot_of(thousand)
    thousand.append(pa.table({"id": pa.array([7000], pa.int64())}))
    thousand.maintenance.expire_snapshots().by_id(snapshot).commit()
    answer = api().get("/v1/tables/numbers/rows", params={"limit": 1, "cursor": cursor})
    assert answer.status_code == 410
    assert str(snapshot) in answer.json()["detail"] and "Start anew" in answer.json()["detail"]


def test_files_that_maintenance_removes_while_a_page_is_read_are_gone(
    api: Api, thousand: Table, lakehouse: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = snapshot_of(thousand)

    def expire(*_: Any) -> None:
        thousand.append(pa.table({"id": pa.array([7000], pa.int64())}))
        thousand.maintenance.expire_snapshots().by_id(snapshot).commit()
        raise FileNotFoundError(2, "No such file or directory", "data.parquet")

    monkeypatch.setattr(rows, "read_page", expire)
    assert api().get("/v1/tables/numbers/rows").status_code == 410

    def lose(*_: Any) -> None:
        raise FileNotFoundError(2, "No such file or directory", "data.parquet")

    monkeypatch.setattr(rows, "read_page", lose)
    answer = api().get("/v1/tables/numbers/rows")
    assert answer.status_code == 503 and "data.parquet" in answer.json()["detail"]


def test_columns_and_a_filter(api: Api) -> None:
    client = api()
    assert client.get(PEOPLE, params={"column": ["name", "id", "name"], "where": "id = 3"}).json()["rows"] == [
        {"name": "ü 'x'", "id": 3}
    ]
    assert client.get(PEOPLE, params={"where": "name = 'ü ''x'''"}).json()["rows"] == [{"id": 3, "name": "ü 'x'"}]
    assert client.get(PEOPLE, params={"where": "name is null"}).json()["rows"] == [{"id": 2, "name": None}]
    for query, said in (
        ({"column": "nmae"}, 'Did you mean "name"?'),
        ({"where": "idd = 1"}, "invalid"),
        ({"where": "1 = 1; drop table people"}, "invalid"),
        ({"where": "id = 1 union select * from people"}, "invalid"),
        ({"where": ""}, "invalid"),
    ):
        answer = client.get(PEOPLE, params=query)
        assert answer.status_code == 400, answer.text
        assert said in answer.json()["detail"]
    assert api.logged == []


@pytest.mark.parametrize(
    "where", ["(" * 900 + "id = 1" + ")" * 900, "not " * 490 + "id = 1", "id = 1 or " * 190 + "id = 2"]
)
def test_a_deep_filter_fails_no_server(api: Api, where: str) -> None:
    assert api().get(PEOPLE, params={"where": where}).status_code in (200, 400)
    assert api.logged == []


def test_sensitive_columns_are_never_shown_nor_asked_about(api: Api) -> None:
    client = api()
    assert set(client.get(PEOPLE).json()["rows"][0]) == {"id", "name"}
    assert arrow(client.get(PEOPLE, headers={"Accept": ARROW})).column_names == ["id", "name"]
    for query in ({"column": "email"}, {"where": "email = 'q'"}, {"where": "id = 1 or not (email >= 'r')"}):
        answer = client.get(PEOPLE, params=query)
        assert answer.status_code == 403 and '"email"' in answer.json()["detail"]
    columns = client.get("/v1/tables/people").json()["columns"]
    assert {column["name"]: column["sensitive"] for column in columns} == {"id": False, "name": False, "email": True}


def test_sensitive_columns_are_those_of_a_table_in_any_case(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    load = Lakehouse.load
    # As AWS Glue and Unity Catalog do.
    monkeypatch.setattr(Lakehouse, "load", lambda self, ref: load(self, TableRef(*map(str.lower, ref.identifier))))
    assert set(api().get("/v1/tables/RAW.People/rows").json()["rows"][0]) == {"id", "name"}


def test_a_table_whose_sensitive_columns_are_unknown_shows_no_row(api: Api) -> None:
    api.served.unread = frozenset({"raw.people"})
    answer = api().get(PEOPLE, params={"column": "id"})
    assert answer.status_code == 503 and "did not load" in answer.json()["detail"]
    assert all(column["sensitive"] for column in api().get("/v1/tables/people").json()["columns"])


def test_a_table_that_a_lost_workflow_may_have_filled_shows_no_row(api: Api) -> None:
    api.served.sensitive = {}
    api.served.failures = [DiscoveryError("The module of a factory does not import.")]
    assert api().get(PEOPLE).status_code == 200  # No run filled it, so it is not one of a workflow.
    with api.served.lakehouse.catalog.load_table("raw.people").transaction() as transaction:
        transaction.set_properties({LEDGER: "{}"})
    assert api().get(PEOPLE).status_code == 503
    api.served.failures = [PluginError("The command x does not load.")]
    assert api().get(PEOPLE).status_code == 200


def test_a_cursor_belongs_to_its_query(api: Api) -> None:
    client = api()
    cursor = client.get(PEOPLE, params={"limit": 1}).json()["next_cursor"]
    assert client.get(PEOPLE, params={"limit": 2, "cursor": cursor}).json()["next_cursor"] is None
    for query in ({"where": "id > 0"}, {"column": "id"}):
        answer = client.get(PEOPLE, params={"cursor": cursor, **query})
        assert answer.status_code == 400 and "another query" in answer.json()["detail"]


def encoded(fields: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).decode()


NO_CURSORS: list[object] = [
    {"a": 1},
    [1],
    [2, 0, 0, 0, 0, 0],
    [1, 0, 0, 0, 0, -1],
    [1, 0, 0, 0, 0, 1.5],
    [1, 0, 0, 0, 0, True],
    [1, 0, 10**30, 0, 0, 0],
]


@pytest.mark.parametrize("cursor", ["", "x", "W10", "é", "[1]", *map(encoded, NO_CURSORS)])
def test_what_is_not_a_cursor_is_refused(api: Api, cursor: str) -> None:
    answer = api().get(PEOPLE, params={"cursor": cursor})
    assert answer.status_code == 400, answer.text
    assert api.logged == []


def test_a_cursor_beyond_the_end_finds_nothing(api: Api) -> None:
    given = api().get(PEOPLE, params={"limit": 1}).json()["next_cursor"]
    fields = json.loads(base64.urlsafe_b64decode(given + "=" * (-len(given) % 4)))
    for file, row in ((0, 99), (99, 0), (0, 2**62)):
        answer = api().get(PEOPLE, params={"limit": 1, "cursor": encoded([*fields[:4], file, row])})
        assert answer.json()["rows"] == [] and answer.json()["next_cursor"] is None


def test_values_are_written_as_the_commands_write_them(api: Api, lakehouse: Lakehouse) -> None:
    values = pa.table(
        {
            "at": pa.array([dt.datetime(2024, 1, 15, 12, tzinfo=dt.UTC)], pa.timestamp("us", "UTC")),
            "price": pa.array([Decimal("1.50")], pa.decimal128(9, 2)),
            "share": pa.array([float("nan")]),
            "raw": pa.array([b"\x00\xff"]),
            "tags": pa.array([["a", None]]),
            "place": pa.array([{"x": 1}], pa.struct([("x", pa.int64())])),
        }
    )
    lakehouse.catalog.create_table("raw.values", schema=values.schema).append(values)
    answer = api().get("/v1/tables/values/rows")
    assert answer.json()["rows"] == [
        {
            "at": "2024-01-15T12:00:00+00:00",
            "price": "1.50",
            "share": "nan",
            "raw": "00ff",
            "tags": ["a", None],
            "place": {"x": 1},
        }
    ]
    got = arrow(api().get("/v1/tables/values/rows?format=arrow")).drop_columns("share")
    assert got.cast(values.drop_columns("share").schema).equals(values.drop_columns("share"))


def test_a_time_that_python_does_not_have_comes_as_arrow(api: Api, lakehouse: Lakehouse) -> None:
    far = pa.table({"at": pa.array([2**62], pa.timestamp("us"))})
    # pyiceberg cannot write statistics of such a time, and another tool can.
    without = {"write.metadata.metrics.default": "none"}
    lakehouse.catalog.create_table("raw.far", schema=far.schema, properties=without).append(far)
    answer = api().get("/v1/tables/far/rows")
    assert answer.status_code == 406 and "Ask for Arrow" in answer.json()["detail"]
    assert arrow(api().get("/v1/tables/far/rows", headers={"Accept": ARROW})).equals(far)


def test_pages_of_json_are_smaller_than_pages_of_arrow(api: Api) -> None:
    assert api().get(PEOPLE, params={"limit": 10_001}).status_code == 400
    answer = api().get(PEOPLE, params={"limit": 100_000}, headers={"Accept": ARROW})
    assert arrow(answer).num_rows == 3 and "cascade-next-cursor" not in answer.headers
    assert api().get(PEOPLE, params={"limit": 100_001, "format": "arrow"}).status_code == 422
    assert api().get(PEOPLE, headers={"Accept": "text/csv"}).status_code == 406


def test_a_table_without_rows(api: Api, lakehouse: Lakehouse) -> None:
    lakehouse.catalog.create_table("raw.empty", schema=pa.schema([("id", pa.int64())]))
    document = api().get("/v1/tables/empty/rows").json()
    assert document == {"table": "raw.empty", "snapshot_id": None, "rows": [], "next_cursor": None}
    assert arrow(api().get("/v1/tables/empty/rows?format=arrow")).column_names == ["id"]


def test_a_branch_and_hidden_columns(api: Api, lakehouse: Lakehouse) -> None:
    table = lakehouse.catalog.load_table("raw.people")
    table.manage_snapshots().create_branch(snapshot_of(table), "lab").commit()
    table.append(pa.table({"id": [4], "name": ["d"], "email": ["t"]}, schema=table.schema().as_arrow()), branch="lab")
    assert len(every_row(api(), PEOPLE)) == 3
    assert len(every_row(api(), PEOPLE, branch="lab", limit=2)) == 4
    with table.update_schema() as update:
        from pyiceberg.types import StringType

        update.add_column("_cascade_run", StringType())
    assert set(every_row(api(), PEOPLE)[0]) == {"id", "name"}
    assert every_row(api(), PEOPLE, column="_cascade_run", where="id = 1") == [{"_cascade_run": None}]


def test_many_clients_read_one_catalog_at_once(api: Api, thousand: Table) -> None:
    client = api()
    with client, ThreadPoolExecutor(16) as pool:
        found = list(
            pool.map(lambda size: every_row(client, "/v1/tables/numbers/rows", limit=size), range(100, 1000, 45))
        )
    assert all(sorted(row["id"] for row in rows) == list(range(1000)) for rows in found)
    assert api.logged == []
