"""`contracts`, and the broken contracts that `validate` reports."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest
import yaml

from cascade.cli.conftest import Cascade
from cascade.framework.conftest import SampleProject
from cascade.framework.project import Project

WORKFLOW = """
    from pydantic import BaseModel
    from cascade.ingestion import cascade_ingestion

    class Thing(BaseModel):
        id: int
        name: str
        size: int | None = None

    @cascade_ingestion(table_name="things", unique_key="id", group="g", validation_schema=Thing, partitions=None)
    def things():
        return []

    @cascade_ingestion(
        table_name="more", unique_key="id", group="g", validation_schema=Thing, partitions=None, deps=[things]
    )
    def more():
        return []
"""


@pytest.fixture(autouse=True)
def workflow(project: SampleProject, program: None) -> Path:
    """Write two workflows. The second depends on the first."""
    path = project.write("shop/things.py", WORKFLOW)
    dbt = project.root / "transforms" / "dbt"
    (dbt / "models").mkdir(parents=True)
    (dbt / "dbt_project.yml").write_text("name: shop\n")
    (dbt / "models" / "sources.yml").write_text("sources: [{name: raw, tables: [{name: things}]}]\n")
    (dbt / "models" / "names.sql").write_text("select name from {{ source('raw', 'things') }}\n")
    return path


def edit(project: SampleProject, old: str, new: str) -> None:
    """Change the workflow."""
    assert old in WORKFLOW
    project.write("shop/things.py", WORKFLOW.replace(old, new))
    forget(project)


def forget(project: SampleProject) -> None:
    """Let the next command import the modules again, as a new process would."""
    for name in [name for name in sys.modules if name.partition(".")[0] == project.package]:
        del sys.modules[name]
    importlib.invalidate_caches()


def contract_of(project: SampleProject, table: str) -> Path:
    return project.root / project.package / "shop" / "contracts" / f"{table}.yml"


def states(document: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {one["table"]: one["state"] for one in document["contracts"]}


def test_missing_contracts_are_written_and_then_current(cascade: Cascade, project: SampleProject) -> None:
    assert states(cascade.json("contracts", "--check")) == {"raw.more": "none", "raw.things": "none"}
    assert not contract_of(project, "raw.things").exists()
    result = cascade("contracts", "things")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1].split() == [
        "raw.things",
        "written",
        f"{project.package}/shop/contracts/raw.things.yml",
    ]
    document = yaml.safe_load(contract_of(project, "raw.things").read_text())
    assert document["read_by"] == [
        {"kind": "model", "name": "names", "columns": ["name"]},
        {"kind": "workflow", "name": "more"},
    ]
    assert cascade("contracts", "--check").exit_code == 0
    assert cascade("validate", project.package).exit_code == 0
    assert not contract_of(project, "raw.more").exists()


def test_a_breaking_change_fails_until_it_is_accepted(cascade: Cascade, project: SampleProject) -> None:
    cascade("contracts", "raw.things")
    edit(project, "name: str", "title: str | None = None")
    result = cascade("contracts", "--check", "raw.things")
    assert result.exit_code == 1
    assert result.stdout.partition("\n\n")[2].splitlines() == [
        "raw.things, version 1.0.0:",
        '  breaking    name: removed (was required string); if "title" is its new name, readers still ask for the '
        "old one",
        "  compatible  title: new, optional string",
        "  2 readers of what breaks:",
        "    model names (name)",
        "    workflow more",
        "  Keep what the contract promises, or accept: cascade contracts --accept-breaking=raw.things",
    ]
    forget(project)
    assert cascade("contracts", "--update").exit_code == 1
    problems = cascade.json("validate", project.package)["problems"]
    assert [(problem["kind"], problem["line"]) for problem in problems] == [("BrokenContract", 4)]
    assert problems[0]["file"] == f"{project.package}/shop/things.py"
    assert problems[0]["message"] == (
        'name: removed (was required string); if "title" is its new name, readers still ask for the old one. That '
        "breaks the contract of raw.things, which is read by model names (name); workflow more. Keep what it promises, "
        "or accept the change: cascade contracts --accept-breaking=raw.things"
    )
    forget(project)
    result = cascade("contracts", "--accept-breaking", "things")
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "  Accepted as version 2.0.0.")
    forget(project)
    assert cascade("validate", project.package).exit_code == 0


def test_a_compatible_change_is_accepted_by_a_flag(cascade: Cascade, project: SampleProject) -> None:
    cascade("contracts")
    edit(project, "name: str\n", "name: str\n        color: str | None = None\n")
    result = cascade("contracts")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "  Nothing breaks. Accept: cascade contracts --update"
    for arguments, code in ((["--check"], 1), (["--update"], 0), (["--check"], 0)):
        forget(project)
        assert cascade("contracts", *arguments).exit_code == code
    assert yaml.safe_load(contract_of(project, "raw.more").read_text())["version"] == "1.1.0"


def test_the_columns_of_a_reader_have_the_order_of_the_contract(cascade: Cascade, project: SampleProject) -> None:
    model = project.root / "transforms" / "dbt" / "models" / "names.sql"
    model.write_text("select size, name, id from {{ source('raw', 'things') }}\n")
    cascade("contracts", "things")
    edit(project, "name: str\n        size: int | None = None", "size: int | None = None\n        title: str = ''")
    lines = cascade("contracts", "things").stdout.splitlines()
    assert "    model names (id, name, size)" in lines
    forget(project)
    cascade("contracts", "--accept-breaking=things")
    document = yaml.safe_load(contract_of(project, "raw.things").read_text())
    assert document["read_by"][0]["columns"] == ["id", "size"]


def test_what_was_edited_by_hand_is_written_again(cascade: Cascade, project: SampleProject) -> None:
    cascade("contracts", "things")
    path = contract_of(project, "raw.things")
    text = path.read_text()
    path.write_text(text + "# mine\n")
    (document,) = cascade.json("contracts", "--update", "things")["contracts"]
    assert document["differences"] == [{"what": "the file was changed by hand", "effect": "note", "column": None}]
    assert path.read_text() == text


def test_a_contract_without_its_workflow_is_reported(cascade: Cascade, project: SampleProject) -> None:
    cascade("contracts")
    path = contract_of(project, "raw.things")
    path.rename(path.with_name("raw.gone.yml"))
    result = cascade("contracts", "--check")
    assert result.exit_code == 1
    assert "No workflow fills raw.gone any more, but its contract is there." in result.stdout
    assert f"git rm {project.package}/shop/contracts/raw.gone.yml" in result.stdout
    found = [problem["message"] for problem in cascade.json("validate")["problems"]]
    assert any(message.startswith("No workflow fills raw.gone any more") for message in found)


def test_a_contract_that_cannot_be_read_says_where(cascade: Cascade, project: SampleProject) -> None:
    cascade("contracts")
    path = contract_of(project, "raw.things")
    path.write_text("<<<<<<< HEAD\n" + path.read_text())
    result = cascade("contracts")
    assert result.exit_code == 1
    assert f"{project.package}/shop/contracts/raw.things.yml:" in result.stdout
    (problem,) = cascade.json("validate", project.package)["problems"]
    assert problem["message"].startswith("The contract cannot be read: ")


def test_a_file_that_is_no_text_hides_nothing_else(cascade: Cascade, project: SampleProject) -> None:
    cascade("contracts")
    contract_of(project, "raw.things").write_bytes(b"\xff")
    contract_of(project, "raw.more").unlink()
    contract_of(project, "raw.more").mkdir()
    found = cascade("contracts", "--check")
    assert found.exit_code == 1
    for message in ("raw.more.yml cannot be read: [Errno 21] Is a directory", "raw.things.yml cannot be read: 'utf-8'"):
        assert message in found.stdout
    assert len(cascade.json("validate", project.package)["problems"]) == 2
    assert cascade("contracts", "--format", "odcs").exit_code == 1


def test_a_module_that_does_not_load_hides_no_contract(cascade: Cascade, project: SampleProject) -> None:
    cascade("contracts")
    project.write("shop/things.py", "raise RuntimeError('broken')\n")
    forget(project)
    document = cascade.json("contracts", "--check")
    assert (document["contracts"], len(document["failures"])) == ([], 1)


def test_the_export_is_one_document_for_each_table(cascade: Cascade) -> None:
    result = cascade("contracts", "--format", "odcs")
    assert [one["id"] for one in yaml.safe_load_all(result.stdout)] == ["raw.more", "raw.things"]
    assert [one["id"] for one in cascade.json("contracts", "--format=odcs", "more")["contracts"]] == ["raw.more"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--check", "--update"], "--check writes nothing"),
        (["--format", "odcs", "--update"], "--format prints contracts"),
        (["thing"], 'There is no table "thing". Did you mean "things"?'),
        (["--accept-breaking", "raw.mor"], 'There is no table "raw.mor". Did you mean "raw.more"?'),
    ],
)
def test_wrong_use(cascade: Cascade, arguments: list[str], message: str) -> None:
    result = cascade("contracts", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_under_pants_a_goal_writes_contracts(cascade: Cascade) -> None:
    given = Project("dev", (), "//:dev", "cascade_manifest_dev")
    result = cascade("contracts", given=given)
    assert result.exit_code == 2
    assert "cascade-contracts" in result.stderr
