"""The goal that writes contracts: what it starts, and what it prints."""

from __future__ import annotations

from typing import Any

import pytest
from pants.backend.python.target_types import PythonDependenciesField
from pants.core.target_types import ResourceTarget
from pants.engine.addresses import Address
from pants.engine.target import AllTargets
from pants.testutil.option_util import create_goal_subsystem
from pants.testutil.rule_runner import QueryRule, RuleRunner

from cascade_pants.goals.check_batches import WorkflowBatch, unfilled_contracts
from cascade_pants.goals.contracts import (
    CascadeContractsSubsystem,
    ContractsFormat,
    dbt_projects,
    options_for,
    printed,
    wrong_use,
)
from cascade_pants.goals.contracts_process import ContractsResult, contracts_arguments
from cascade_pants.reader.declarations import Argument, Declaration
from cascade_pants.reader.values import Key, Reference, Value
from cascade_pants.target_types import CascadeContractTarget
from cascade_pants.testing import rule_runner
from cascade_pants.util_rules import all_workflows, workflow_targets
from cascade_pants.util_rules.all_workflows import AllWorkflows, Workflow, WorkflowFile
from cascade_pants.util_rules.asset_map import AssetMap
from cascade_pants.util_rules.table_map import LocatedDeclaration
from cascade_pants.util_rules.table_readers import workflow_readers

DEV = Address("", target_name="dev")


def options(**given: Any) -> CascadeContractsSubsystem:
    plain: dict[str, Any] = {"check": False, "update": False, "accept_breaking": [], "format": ContractsFormat.TEXT}
    return create_goal_subsystem(CascadeContractsSubsystem, **{**plain, **given})


def located(path: str, table: str | None, deps: Value = None, **arguments: Value) -> LocatedDeclaration:
    values = {"table_name": table, "deps": deps, **arguments}
    return LocatedDeclaration(
        Declaration(
            "cascade_ingestion",
            3,
            table,
            tuple(
                Argument(name, 3, value, None if value != "?" else "name()") for name, value in values.items() if value
            ),
        ),
        path,
        Address(path.rpartition("/")[0], relative_file_path=path.rpartition("/")[2]),
        (DEV,),
    )


def workflow(directory: str, *contracts: str, load: bool = False) -> Workflow:
    def file(path: str) -> WorkflowFile:
        return WorkflowFile(f"{directory}/{path}", Address(directory, relative_file_path=path), load)

    return Workflow(Address(directory), "a", (file("x.py"),), tuple(map(file, contracts)))


def test_the_command_line_names_the_modules_in_order() -> None:
    assert contracts_arguments(("--update",), {"b", "a"}) == (
        "contracts",
        "--update",
        *("--readers", "__cascade_readers.json"),
        *("--into", "__cascade_contracts"),
        *("--module", "a"),
        *("--module", "b"),
    )


def test_each_process_gets_the_tables_that_its_workflows_fill() -> None:
    given = options(update=True, accept_breaking=["flights", "clean.days"])
    assert options_for(given, ["raw.flights"]) == ("--update", "--accept-breaking=raw.flights")
    assert options_for(given, []) == ("--update",)
    assert options_for(options(check=True, format=ContractsFormat.JSON), []) == ("--check", "--json")
    assert options_for(options(format=ContractsFormat.ODCS), []) == ("--format=odcs",)


def test_wrong_use_is_explained() -> None:
    assert "--check writes nothing" in (wrong_use(options(check=True, update=True), []) or "")
    assert "--format=odcs prints" in (wrong_use(options(format=ContractsFormat.ODCS, update=True), []) or "")
    assert wrong_use(options(accept_breaking=["flight"]), ["raw.flights"]) == (
        '--accept-breaking: no workflow fills "flight". Did you mean "raw.flights"?'
    )
    assert wrong_use(options(accept_breaking=["flights"]), ["raw.flights"]) is None


def test_what_several_processes_print_is_one_text() -> None:
    results = [ContractsResult(0, text, "") for text in ('{"a": 1}\n', "", '{"b": 2}\n')]
    assert printed(results, ContractsFormat.JSON) == '[{"a": 1}, {"b": 2}]'
    assert printed(results, ContractsFormat.ODCS) == '{"a": 1}\n---\n{"b": 2}'
    assert printed(results, ContractsFormat.TEXT) == '{"a": 1}\n\n{"b": 2}'


def test_workflows_read_the_tables_that_their_decorators_name() -> None:
    found = workflow_readers(
        AssetMap.of(
            [
                located("src/w/one/x.py", "one"),
                located("src/w/two/x.py", "two", namespace="clean"),
                located("src/w/a/x.py", "by_name", (Reference("one", "w.one.x.one"),)),
                located("src/w/b/x.py", "by_text", ("one", "clean/two", "of_dagster")),
                located("src/w/b/y.py", "by_key", (Key(("clean", "two")),)),
                located("src/w/c/x.py", "other_module", (Reference("one", "other.one"),)),
            ]
        )
    )
    names = {table: [reader["name"] for reader in readers] for table, readers in found.items()}
    assert names == {"raw.one": ["by_name", "by_text"], "clean.two": ["by_key", "by_text"]}
    assert found["raw.one"][0] == {"kind": "workflow", "name": "by_name", "projects": ["//:dev"]}


def test_a_contract_whose_table_nothing_beside_it_fills_is_reported() -> None:
    batch = WorkflowBatch("a", (workflow("w/one", "contracts/raw.one.yml", "contracts/raw.gone.yml"),))
    (line,) = unfilled_contracts([batch], [[located("w/one/x.py", "one")]])
    assert line.startswith("w/one/contracts/raw.gone.yml:1: no workflow beside this contract fills raw.gone.")
    # A table whose name is computed, or comes from a factory, may be that one.
    assert unfilled_contracts([batch], [[located("w/one/x.py", "?")]]) == []
    made = WorkflowBatch("a", (workflow("w/one", "contracts/raw.gone.yml", load=True),))
    assert unfilled_contracts([made], [[]]) == []


@pytest.fixture(scope="module")
def runner() -> RuleRunner:
    rules = [*workflow_targets.rules(), *all_workflows.rules()]
    made = rule_runner([*rules, QueryRule(AllTargets, []), QueryRule(AllWorkflows, [])])
    made.write_files(
        {
            "src/w/BUILD": "cascade_workflow()",
            "src/w/x.py": "",
            "src/w/settings.yml": "",
            "src/w/contracts/raw.one.yml": "",
            "src/w/contracts/notes.yml": "",
            "src/w/other/contracts/raw.two.yml": "",
            "BUILD": "cascade_project(name='dev', dbt_project='src/sql')",
            "src/sql/BUILD": "cascade_dbt_project()",
            "src/sql/dbt_project.yml": "name: shop\n",
            "src/sql/models/a.sql": "select 1",
            "src/sql/seeds/big.csv": "a\n1\n",
        }
    )
    return made


def test_contracts_are_targets_of_their_own_that_no_code_depends_on(runner: RuleRunner) -> None:
    targets = {target.address.filename: target for target in runner.request(AllTargets, []) if "src/w" in str(target)}
    assert isinstance(targets["src/w/contracts/raw.one.yml"], CascadeContractTarget)
    # What only looks like one is data, as before.
    for path in ("settings.yml", "contracts/notes.yml", "other/contracts/raw.two.yml"):
        assert isinstance(targets[f"src/w/{path}"], ResourceTarget)
    needed = targets["src/w/x.py"][PythonDependenciesField].value or ()
    assert len(needed) == 3
    assert not [one for one in needed if "raw.one.yml" in one]
    (workflow,) = runner.request(AllWorkflows, [])
    assert [file.path for file in workflow.contracts] == ["src/w/contracts/raw.one.yml"]


def test_each_dbt_project_is_read_without_the_rows_of_its_seeds(runner: RuleRunner) -> None:
    (found,) = dbt_projects(runner.request(AllTargets, []))
    assert (found.directory, found.projects) == ("src/sql", ("//:dev",))
    assert found.files == ("src/sql/dbt_project.yml", "src/sql/models/a.sql")
