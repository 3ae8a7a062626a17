"""The goal that draws the repository. The graph of dbt comes from a process, which a canned answer replaces."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pants.engine.rules import rule
from pants.engine.target import AllTargets

from cascade_pants.affected.testing import Place, affected_rules
from cascade_pants.dependency_inference import dbt as dbt_dependencies
from cascade_pants.goals import graph
from cascade_pants.goals.graph import CascadeGraph
from cascade_pants.goals.projects import WRONG_USE
from cascade_pants.testing import RUNTIME, rule_runner, workflow
from cascade_pants.util_rules.dbt_graph import DbtGraph, DbtGraphRequest, owners_by_path, read_graph

OPTIONS = [
    "--source-root-patterns=['src']",
    "--python-interpreter-constraints=['>=3.9,<3.14']",
    "--python-infer-use-rust-parser=true",
]
A, B = (f"src/sql/models/gold/{name}.sql" for name in "ab")
SCHEMA = "src/workflows/weather/schema.py"
OBSERVATIONS = "src/workflows/weather/observations.py:4"
CHECK = "src/workflows/rivers/checks.py"
HEAD = "from cascade import cascade_quality\n\n"


def node(name: str, file: str, **more: Any) -> dict[str, Any]:
    known = {
        "key": f"shop.{name}",
        "kind": "model",
        "name": name,
        "file": file,
        "line": 1,
        "folder": "src/sql/models/gold",
    }
    return {**known, "parents": [], "tables": [], "mart": None, **more}


ANSWER = {
    "files": {A: [], B: [A]},
    "tables": {A: ["raw.weather", "crm.people"]},
    "built_from": {},
    "nodes": [
        node("a", A, tables=["raw.weather", "crm.people"]),
        node("b", B, parents=["shop.a"], mart="public.b"),
    ],
    "declared": [{"table": "crm.people", "file": "src/sql/models/s.yml", "line": 3, "external": True}],
    "tested": [],
    "computed": [],
    "problems": [],
}


@rule
def canned_graph(request: DbtGraphRequest, targets: AllTargets) -> DbtGraph:
    return read_graph(ANSWER, owners_by_path(request, targets))


@pytest.fixture(scope="module")
def repository() -> Place:
    files = {
        **RUNTIME,
        **workflow("weather", "weather"),
        **workflow("rivers", "rivers"),
        CHECK: HEAD + "@cascade_quality(table='raw.rivers')\ndef wet(rows): return []\n",
        "BUILD": (
            "cascade_project(name='dev', workflows=['src/workflows/weather'], dbt_project='src/sql')\n"
            "cascade_project(name='rivers', workflows=['src/workflows/rivers'])\n"
        ),
        "src/sql/BUILD": "cascade_dbt_project()",
        "src/sql/dbt_project.yml": "name: shop",
        A: "select 1",
        B: "select 1",
    }
    rules = [*affected_rules(), *dbt_dependencies.rules(), *graph.rules(), canned_graph]
    made = Place(rule_runner(rules), files)
    changed = HEAD + "@cascade_quality(table='raw.rivers')\ndef wet(rows): return [1]\n"
    made.runner.write_files({SCHEMA: "class Row: x: int\n", CHECK: changed})
    return made


def run(repository: Place, *arguments: str) -> tuple[int, str, str]:
    done = repository.runner.run_goal_rule(CascadeGraph, args=arguments, global_args=OPTIONS)
    return done.exit_code, done.stdout, done.stderr


def test_all_projects_are_drawn(repository: Place) -> None:
    code, out, _ = run(repository, "--format=json")
    document = json.loads(out)
    assert (code, document["since"]) == (0, None)
    assert [one["id"] for one in document["projects"]] == ["//:dev", "//:rivers"]
    assert [one["id"] for one in document["nodes"]] == [
        "mart:public.b",
        "source:crm.people",
        "model:a",
        "model:b",
        "table:raw.rivers",
        "table:raw.weather",
    ]
    assert [(one["from"], one["to"]) for one in document["edges"]] == [
        ("model:a", "model:b"),
        ("model:b", "mart:public.b"),
        ("source:crm.people", "model:a"),
        ("table:raw.weather", "model:a"),
    ]
    assert document["nodes"][-1]["place"] == OBSERVATIONS
    assert not any(one["affected"] for one in [*document["nodes"], *document["projects"]])


def test_what_a_change_touches_is_marked(repository: Place) -> None:
    _, out, _ = run(repository, "--format=json", "--since=main")
    document = json.loads(out)
    found = {one["id"]: one["because"] for one in [*document["nodes"], *document["projects"]] if one["affected"]}
    weather = {"//:dev", "mart:public.b", "model:a", "model:b", "table:raw.weather"}
    assert {*found} == {*weather, "//:rivers", "table:raw.rivers"}
    assert found["table:raw.rivers"] == f"its check wet: {CHECK} (modified)"
    assert found["table:raw.weather"] == f"{SCHEMA} (modified) > {OBSERVATIONS.partition(':')[0]}"


def test_one_project_is_drawn(repository: Place) -> None:
    _, out, _ = run(repository, "--format=json", "//:rivers")
    document = json.loads(out)
    assert (document["title"], [one["id"] for one in document["nodes"]]) == ("//:rivers", ["table:raw.rivers"])
    assert [one["id"] for one in document["projects"]] == ["//:rivers"]


def test_the_page_is_written_to_a_file(repository: Place) -> None:
    code, out, _ = run(repository)
    assert (code, out) == (0, "Wrote dist/cascade-graph.html: 1 source, 2 tables, 2 models, 1 mart.\n")
    assert Path(repository.root, "dist/cascade-graph.html").read_text().startswith("<!doctype html>")
    assert run(repository, "--format=svg", "--output=dist/new/a.svg")[1].startswith("Wrote dist/new/a.svg: ")
    assert run(repository, "--output=-")[1].startswith("<!doctype html>")


def test_a_lineage_is_drawn(repository: Place) -> None:
    _, out, _ = run(repository, "--format=mermaid", "--lineage=public.b")
    assert "raw.weather" in out and "raw.rivers" not in out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--lineage=raw.wether",),
            'There is no table, asset key, model or mart "raw.wether". Did you mean "raw.weather"?',
        ),
        (("--since=nothing",), "--since='nothing' names no commit"),
        (("src/workflows::",), "The command line matches no cascade_project."),
        (("--output=BUILD/a.html",), "Cannot write 'BUILD/a.html'"),
    ],
)
def test_wrong_use_is_explained(repository: Place, arguments: tuple[str, ...], said: str) -> None:
    code, out, err = run(repository, *arguments)
    assert (code, out) == (WRONG_USE, "")
    assert said in err
