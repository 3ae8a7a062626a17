"""Who reads a table, and which columns."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import dagster as dg
import pytest
from pydantic import BaseModel

from cascade.contracts.mentions import named_columns
from cascade.contracts.model import Reader
from cascade.contracts.readers import Readers
from cascade.ingestion import cascade_ingestion

COLUMNS = ("id", "size", "place", "Day")


class Thing(BaseModel):
    id: int


@cascade_ingestion(table_name="things", unique_key="id", group="g", validation_schema=Thing)
def things() -> None:
    """Things."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select id, size from {{ source('raw', 'things') }}", ("id", "size")),
        ("select t.ID, day from t", ("id", "Day")),
        ("select * from t", ("*",)),
        ("select distinct\n * from t", ("*",)),
        ("select id, t.* exclude (size) from t", ("*",)),
        ("select count(*), sum(size * 2) from t", ("size",)),
        ("select 2 * id from t -- not the place\n/* nor the size */ {# nor Day #}", ("id",)),
        ("select {{ dbt.date_trunc('month', 'day') }} from t", ("Day",)),
        ("select {{ all_of_them() }} from t", ()),
        ("select placement from t", ()),
    ],
)
def test_the_columns_that_sql_names(text: str, expected: tuple[str, ...]) -> None:
    assert named_columns(text, COLUMNS) == expected


def test_the_columns_that_python_names() -> None:
    text = "def model(dbt, session):\n    # the size\n    return dbt.source('raw', 'things')[['id', 'Day']] * 2\n"
    assert named_columns(text, COLUMNS, is_python=True) == ("id", "Day")


@pytest.fixture
def dbt(tmp_path: Path) -> Path:
    """Return a dbt project: `wide` takes the table as it is, and a mart lies below."""
    files = {
        "dbt_project.yml": "name: shop\nmodel-paths: [models]\nsnapshot-paths: [snapshots]\n",
        "models/sources.yml": "sources: [{name: raw, tables: [{name: things}, {name: others}]}]\n",
        "models/wide.sql": "select * from {{ source('raw', 'things') }}",
        "models/narrow.sql": "select id, size as length from {{ source('raw', 'things') }}",
        "models/below_wide.sql": "select place, size from {{ ref('wide') }}",
        "models/deeper.sql": "select size from {{ ref('below_wide') }}",
        "models/sales.sql": "select count(*) as n from {{ ref('narrow') }}",
        "models/other.sql": "select id from {{ source('raw', 'others') }}",
        "models/models.yml": """
            models:
              - name: sales
                config: {meta: {cascade: {publish: {to: postgres, schema: reports}}}}
        """,
        "snapshots/kept.sql": "{% snapshot kept %} select id from {{ source('raw', 'things') }} {% endsnapshot %}",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return tmp_path


def test_models_read_a_table_directly_or_below_one_that_takes_it_as_it_is(dbt: Path) -> None:
    readers = Readers()
    readers.add_dbt(dbt)
    assert list(map(str, readers.of("raw.things", COLUMNS))) == [
        "mart reports.sales",
        "model below_wide (size, place)",
        "model narrow (id, size)",
        "model wide (all columns)",
        "snapshot kept (id)",
    ]
    assert list(map(str, readers.of("raw.others", COLUMNS))) == ["model other (id)"]
    assert readers.of("raw.unknown", COLUMNS) == ()


def test_each_dbt_project_counts_with_the_projects_that_contain_it(dbt: Path) -> None:
    readers = Readers()
    readers.add_dbt(dbt, ("//:dev", "//:prod"))
    assert "model narrow in //:dev, //:prod (id, size)" in map(str, readers.of("raw.things", COLUMNS))


def test_a_dbt_project_that_cannot_be_read_is_named(dbt: Path) -> None:
    (dbt / "dbt_project.yml").write_text("name: 'shop\n")
    readers = Readers()
    readers.add_dbt(dbt)
    (line,) = readers.unread
    assert line.startswith(f"{dbt / 'dbt_project.yml'}:")
    readers.add_dbt(dbt / "nowhere")
    assert len(readers.unread) == 1


def test_workflows_and_assets_read_what_they_depend_on() -> None:
    @cascade_ingestion(
        table_name="more", namespace="clean", unique_key="id", group="g", validation_schema=Thing, deps=[things]
    )
    def more() -> None:
        """More."""

    @dg.asset(deps=[things.asset])
    def report() -> None: ...

    @dg.asset
    def chart(things: int) -> None: ...

    @dg.multi_asset(specs=[dg.AssetSpec("left", deps=["things"]), dg.AssetSpec("right")])
    def several() -> tuple[int, int]:
        return 1, 2

    spec = dg.AssetSpec(["shop", "export"], deps=[dg.AssetKey(["clean", "more"])])
    readers = Readers()
    readers.add_assets(
        [things.declaration, more.declaration], [report, chart, several, spec, dg.AssetSpec("elsewhere")]
    )
    assert readers.of("raw.things", ()) == (
        Reader(kind="asset", name="chart"),
        Reader(kind="asset", name="left"),
        Reader(kind="asset", name="report"),
        Reader(kind="workflow", name="clean/more"),
    )
    assert readers.of("clean.more", ()) == (Reader(kind="asset", name="shop/export"),)
