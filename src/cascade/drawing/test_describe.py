"""The graph of what the source shows."""

from __future__ import annotations

from textwrap import dedent
from typing import Any

from ..reader.packages import declarations_in_package
from .describe import DbtProject, Declared, describe
from .graph import Graph, Project

HEAD = "from cascade import cascade_ingestion, cascade_quality\nimport dagster as dg\n"
FLIGHTS, RIVERS = "src/workflows/air/flights.py", "src/workflows/rivers/levels.py"


def declared(files: dict[str, str], projects: tuple[str, ...] = ("dev",)) -> list[Declared]:
    found = declarations_in_package({path: (HEAD + dedent(text)).encode() for path, text in files.items()})
    return [Declared(one, path, path.rpartition("/")[0], projects) for path, listed in found.items() for one in listed]


def draw(files: dict[str, str], *dbt: DbtProject) -> Graph:
    return describe("dev", declared(files), dbt, [Project("dev", "dev")])


def fields(graph: Graph, id: str) -> dict[str, Any]:
    (node,) = (one for one in graph.document()["nodes"] if one["id"] == id)
    return {name: value for name, value in node.items() if value}


def model(name: str, parents: tuple[str, ...] = (), tables: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    file = f"src/dbt/models/gold/{name}.sql"
    known = {
        "key": f"shop.{name}",
        "kind": "model",
        "name": name,
        "file": file,
        "line": 1,
        "folder": "src/dbt/models/gold",
    }
    return {**known, "parents": [f"shop.{one}" for one in parents], "tables": [*tables], "mart": None, **more}


def test_an_ingestion_has_its_arguments() -> None:
    source = """
        @cascade_ingestion(
            table_name="flights", unique_key=("origin", "hour"), cron="0 6 * * *", owners=["team:air"],
            partitions="hourly", validation_schema=Row,
        )
        def load(): ...
    """
    graph = draw({FLIGHTS: source})
    assert fields(graph, "table:raw.flights") == {
        "id": "table:raw.flights",
        "kind": "table",
        "name": "raw.flights",
        "domain": "src/workflows/air",
        "place": f"{FLIGHTS}:4",
        "projects": ["dev"],
        "table": "raw.flights",
        "asset": "flights",
        "function": "load",
        "unique_key": ["origin", "hour"],
        "cron": "0 6 * * *",
        "owners": ["team:air"],
        "partitions": "hourly",
    }


def test_what_the_source_does_not_show_is_said() -> None:
    source = """
        @cascade_ingestion(table_name=name(), cron=CRON + "x", deps=[*others()])
        def load(): ...
        def make(table):
            @cascade_ingestion(table_name=table)
            def made(): ...
            return made
    """
    graph = draw({FLIGHTS: source})
    assert [node.name for node in graph.nodes] == ["load", "made"]
    found = fields(graph, f"table:{FLIGHTS}:4")
    assert found["cron"].startswith("computed: ") and "others()" in found["unread_dependencies"]
    assert fields(graph, f"table:{FLIGHTS}:7")["in_factory"] is True


def test_dependencies_are_followed() -> None:
    air = """
        @cascade_ingestion(table_name="flights")
        def load(): ...
        @cascade_ingestion(table_name="delays", deps=[load, dg.AssetKey(["gold", "levels"])])
        def delays(): ...
    """
    rivers = """
        from workflows.air import flights
        from ..air.flights import delays as late
        @dg.asset(key_prefix="gold", deps=[flights.load])
        def levels(): ...
        @dg.asset(deps=["flights", late])
        def report(): ...
    """
    graph = draw({FLIGHTS: air, RIVERS: rivers})
    assert graph.edges == (
        ("asset:gold/levels", "table:raw.delays"),
        ("table:raw.delays", "asset:report"),
        ("table:raw.flights", "asset:gold/levels"),
        ("table:raw.flights", "asset:report"),
        ("table:raw.flights", "table:raw.delays"),
    )


def test_parameters_of_an_asset_are_assets() -> None:
    source = """
        @dg.asset
        def levels(context, rivers: list[dict[str, int]], *, database="x"): ...
        @dg.asset
        def rivers(): ...
    """
    assert draw({RIVERS: source}).edges == (("asset:rivers", "asset:levels"),)


def test_a_workflow_that_a_package_passes_on_is_found() -> None:
    air = "@cascade_ingestion(table_name='flights')\ndef load(): ...\n"
    rivers = "from workflows.air import load\n@dg.asset(deps=[load])\ndef levels(): ...\n"
    assert draw({FLIGHTS: air, RIVERS: rivers}).edges == (("table:raw.flights", "asset:levels"),)


def test_checks_belong_to_their_table() -> None:
    source = """
        @cascade_ingestion(table_name="flights")
        def load(): ...
        by_name = cascade_quality(table="flights", checks=[])
        by_workflow = cascade_quality(table=load, checks=[])
    """
    assert fields(draw({FLIGHTS: source}), "table:raw.flights")["checks"] == [
        f"by_name ({FLIGHTS}:6)",
        f"by_workflow ({FLIGHTS}:7)",
    ]


def test_models_read_tables_and_each_other_and_become_marts() -> None:
    source = "@cascade_ingestion(table_name='flights')\ndef load(): ...\n"
    nodes = [
        model("a", tables=("raw.flights", "raw.flights__quarantine", "crm.people")),
        model("b", parents=("a",), mart="public.b", materialized="table"),
    ]
    people = {"table": "crm.people", "file": "src/dbt/models/sources.yml", "line": 7}
    graph = draw({FLIGHTS: source}, DbtProject(nodes, [people], ("dev",), {"src/dbt/models/gold/b.sql": "x > y"}))
    assert graph.edges == (
        ("model:a", "model:b"),
        ("model:b", "mart:public.b"),
        ("source:crm.people", "model:a"),
        ("table:raw.flights", "model:a"),
    )
    assert fields(graph, "source:crm.people")["place"] == "src/dbt/models/sources.yml:7"
    assert [node.id for node in graph.nodes if node.because] == ["mart:public.b", "model:b"]


def test_two_projects_may_have_a_table_of_one_name_each() -> None:
    source = "@cascade_ingestion(table_name='flights')\ndef load(): ...\n"
    both = [*declared({FLIGHTS: source}, ("//:a",)), *declared({RIVERS: source}, ("//:b",))]
    dbt = DbtProject([model("a", tables=("raw.flights",))], [], ("//:b",))
    graph = describe("all", both, [dbt], [Project("//:a", "a"), Project("//:b", "b")])
    assert graph.edges == ((f"table:raw.flights {RIVERS}:3", "model:a"),)
    assert [node.id for node in graph.only(["//:b"]).nodes] == ["model:a", f"table:raw.flights {RIVERS}:3"]
    assert len(graph.find("raw.flights")) == 2
