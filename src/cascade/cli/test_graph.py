"""`graph` draws a project from its source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cascade.cli.conftest import Cascade, commit
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.project import Project

MODEL = "select * from {{ source('raw', 'things') }}"
SOURCES = "sources: [{name: raw, tables: [{name: things}]}]"


@pytest.fixture
def models(project: SampleProject) -> None:
    """Write a workflow, a module that does not load, and a model."""
    project.write("things.py", THINGS)
    project.write("broken.py", "import no_such_module\nimport dagster as dg\n\n@dg.asset\ndef plain(): ...\n")
    directory = project.root / "transforms/dbt"
    for path, text in (("dbt_project.yml", "name: shop"), ("models/a.sql", MODEL), ("models/s.yml", SOURCES)):
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text)


@pytest.mark.usefixtures("models")
def test_json_has_the_nodes_and_edges_of_a_project_that_does_not_load(cascade: Cascade, project: SampleProject) -> None:
    document = cascade.json("graph")
    assert [node["id"] for node in document["nodes"]] == ["table:raw.things", "asset:plain", "model:a"]
    assert document["edges"] == [{"from": "table:raw.things", "to": "model:a"}]
    assert document["nodes"][0]["place"].startswith(f"{project.package}/things.py:")
    assert document["nodes"][2]["place"] == "transforms/dbt/models/a.sql:1"
    assert json.loads(cascade("graph", "--format", "json").stdout) == document


@pytest.mark.usefixtures("models")
def test_the_page_goes_to_a_file(cascade: Cascade, project: SampleProject) -> None:
    result = cascade("graph")
    assert (result.exit_code, result.stderr) == (0, "")
    page = project.root / ".cascade/graph.html"
    assert result.stdout == f"Wrote {page}: 1 table, 1 asset, 1 model.\n"
    assert page.read_text().startswith("<!doctype html>")


@pytest.mark.usefixtures("models")
def test_what_the_changes_since_a_commit_affect_is_highlighted(cascade: Cascade, project: SampleProject) -> None:
    commit(project.root)
    assert not [node["because"] for node in cascade.json("graph", "--since", "HEAD")["nodes"] if node["affected"]]
    project.write("things.py", THINGS + "MORE = 1\n")
    document = cascade.json("graph", "--since", "HEAD")
    changed = f"{project.package}/things.py has changed"
    assert [node["because"] for node in document["nodes"]] == [changed, None, "it reads raw.things"]
    assert document["since"] == "HEAD" and document["projects"][0]["affected"]
    told = cascade("graph", "--since", "HEAD").stdout
    assert told.endswith("1 table, 1 asset, 1 model; 2 affected since HEAD.\n")
    result = cascade("graph", "--since", "no-such-branch")
    assert result.exit_code == 2 and "--since='no-such-branch' names no commit" in result.stderr


@pytest.mark.usefixtures("models")
def test_a_table_of_which_only_a_check_is_affected_is_highlighted_without_its_readers(
    cascade: Cascade, project: SampleProject
) -> None:
    check = """
        from cascade import cascade_quality

        @cascade_quality(table="raw.things")
        def positive(): return []
    """
    project.write("checks.py", check)
    commit(project.root)
    project.write("checks.py", check.replace("[]", "[1]"))
    nodes = cascade.json("graph", "--since", "HEAD")["nodes"]
    assert {node["id"]: node["because"] for node in nodes if node["affected"]} == {
        "table:raw.things": f"its check positive: {project.package}/checks.py has changed"
    }


@pytest.mark.usefixtures("models")
def test_one_lineage_to_a_file_of_the_users_choice(cascade: Cascade, tmp_path: Path) -> None:
    file = tmp_path / "new" / "a.svg"
    result = cascade("graph", "--format", "svg", "--lineage", "raw.things", "-o", str(file))
    assert result.stdout == f"Wrote {file}: 1 table, 1 model.\n"
    assert "plain" not in file.read_text()
    assert cascade("graph", "--output", "-").stdout.startswith("<!doctype html>")


@pytest.mark.usefixtures("models")
def test_wrong_use_is_explained(cascade: Cascade, tmp_path: Path) -> None:
    result = cascade("graph", "--lineage", "raw.thing")
    assert result.exit_code == 2
    assert 'There is no table, asset key, model or mart "raw.thing". Did you mean "raw.things"?' in result.stderr
    (tmp_path / "file").write_text("")
    result = cascade("graph", "--output", str(tmp_path / "file" / "a.html"))
    assert result.exit_code == 2
    assert "Name another file with --output." in result.stderr


def test_the_modules_of_a_manifest_are_drawn(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS)
    project.write("other.py", THINGS.replace("things", "others"))
    given = Project("dev", (project.module("things"),), "//:dev", "manifest")
    document = json.loads(cascade("graph", "--json", given=given).stdout)
    assert document["title"] == "//:dev"
    assert [node["id"] for node in document["nodes"]] == ["table:raw.things"]


def test_an_empty_project_has_nothing_to_draw(cascade: Cascade) -> None:
    assert cascade("graph", "--format", "mermaid").stdout == 'flowchart LR\n  p0[["project"]]\n'
