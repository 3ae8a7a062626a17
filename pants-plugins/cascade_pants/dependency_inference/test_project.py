"""What a project depends on."""

from __future__ import annotations

import pytest
from pants.backend.python.util_rules.interpreter_constraints import InterpreterConstraints
from pants.engine.addresses import Address, Addresses
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.target import Dependencies, DependenciesRequest, TransitiveTargets, TransitiveTargetsRequest
from pants.testutil.rule_runner import QueryRule, RuleRunner

from cascade_pants.testing import RUNTIME, project_rules, python_setup, rule_runner, set_options, two_resolves, workflow

FILES = {"BUILD": "cascade_project(name='dev')", **RUNTIME, **workflow("weather", "weather_observations")}


@pytest.fixture
def runner() -> RuleRunner:
    queries = [QueryRule(Addresses, [DependenciesRequest]), QueryRule(TransitiveTargets, [TransitiveTargetsRequest])]
    return rule_runner([*project_rules(), *queries])


def dependencies(runner: RuleRunner, files: dict[str, str]) -> list[str]:
    runner.write_files({**FILES, **files})
    target = runner.get_target(Address("", target_name="dev"))
    return [str(address) for address in runner.request(Addresses, [DependenciesRequest(target[Dependencies])])]


def failure(runner: RuleRunner, files: dict[str, str]) -> str:
    with pytest.raises(ExecutionError) as raised:
        dependencies(runner, files)
    return str(raised.value)


def test_the_modules_to_load_and_the_runtime(runner: RuleRunner) -> None:
    assert dependencies(runner, {}) == [
        "src/cascade/cli/main.py:../cascade",
        "src/cascade/framework/definitions.py:../cascade",
        "src/workflows/weather/observations.py",
    ]


def closure(runner: RuleRunner, files: dict[str, str]) -> set[str]:
    # The other parser of imports runs a process.
    set_options(runner, PYTHON_INFER_USE_RUST_PARSER="true")
    runner.write_files({**FILES, **files})
    found = runner.request(TransitiveTargets, [TransitiveTargetsRequest([Address("", target_name="dev")])])
    return {str(target.address) for target in found.dependencies}


def test_the_files_that_the_code_reads_and_those_that_dagster_loads_from_a_folder(runner: RuleRunner) -> None:
    folder = "src/workflows/native"
    files = {
        f"{folder}/BUILD": "cascade_workflow()",
        f"{folder}/definitions.py": "import dagster as dg\n\ndefs = dg.load_from_defs_folder(path_within_project=X)\n",
        f"{folder}/defs/loads.py": "source = 1\n",
        f"{folder}/defs/part/defs.yaml": "type: x\nattributes:\n  source: ..loads.source\n",
        "src/workflows/weather/query.sql": "select 1",
        "src/workflows/weather/unused.py": "",
    }
    found = closure(runner, files)
    assert f"{folder}/defs/loads.py:../native" in found
    assert any("defs.yaml" in one for one in found)
    assert "src/workflows/weather/query.sql" in found
    # Nothing imports it, and nothing loads its folder.
    assert "src/workflows/weather/unused.py" not in found


def test_a_workflow_that_allows_fewer_pythons_narrows_its_project(runner: RuleRunner) -> None:
    narrow = {"src/workflows/weather/BUILD": "cascade_workflow(interpreter_constraints=['==3.12.*'])"}
    assert "src/workflows/weather/observations.py" in closure(runner, narrow)
    found = runner.request(TransitiveTargets, [TransitiveTargetsRequest([Address("", target_name="dev")])])
    options = python_setup(interpreter_constraints=[">=3.9,<3.14"], interpreter_versions_universe=["3.11", "3.12"])
    constraints = InterpreterConstraints.create_from_targets(found.closure, options)
    assert constraints is not None
    assert constraints.partition_into_major_minor_versions(options.interpreter_versions_universe) == ("3.12",)


def test_a_project_may_not_allow_more_pythons_than_its_workflows(runner: RuleRunner) -> None:
    files = {
        "BUILD": "cascade_project(name='dev', interpreter_constraints=['>=3.11'])",
        "src/workflows/weather/BUILD": "cascade_workflow(interpreter_constraints=['==3.12.*'])",
    }
    with pytest.raises(ExecutionError, match="which are not a subset of the `interpreter_constraints`"):
        closure(runner, files)


def test_a_project_depends_on_the_processes_that_its_resolve_provides(runner: RuleRunner) -> None:
    found = dependencies(
        runner, {"3rdparty/BUILD": "python_requirement(name='web', requirements=['dagster-webserver'])"}
    )
    assert "3rdparty:web" in found


def test_dependencies_may_be_added_and_dropped(runner: RuleRunner) -> None:
    added, dropped = "src/workflows/weather/schema.py", "!src/cascade/cli/main.py:../cascade"
    build = f"cascade_project(name='dev', dependencies=[{added!r}, {dropped!r}])"
    assert dependencies(runner, {"BUILD": build}) == [
        "src/cascade/framework/definitions.py:../cascade",
        "src/workflows/weather/observations.py",
        "src/workflows/weather/schema.py",
    ]


def test_the_runtime_as_a_requirement(runner: RuleRunner) -> None:
    two_resolves(runner)
    found = dependencies(
        runner,
        {
            "BUILD": "cascade_project(name='dev', resolve='b')",
            "src/workflows/weather/BUILD": "cascade_workflow(resolve='b')",
            "3rdparty/BUILD": "python_requirement(name='runtime', requirements=['cascade-workflows'], "
            "modules=['cascade'], resolve='b')",
        },
    )
    assert found == ["3rdparty:runtime", "src/workflows/weather/observations.py"]


def test_a_resolve_without_the_runtime(runner: RuleRunner) -> None:
    two_resolves(runner)
    message = failure(
        runner,
        {
            "BUILD": "cascade_project(name='dev', resolve='b')",
            "src/workflows/weather/BUILD": "cascade_workflow(resolve='b')",
        },
    )
    assert "The cascade_project //:dev needs the Cascade runtime" in message
    assert "nothing in its resolve 'b' provides the module cascade.cli.main" in message
    assert "Add the line `cascade-workflows`" in message
    assert "3rdparty/b.lock" in message


def test_the_runtime_twice(runner: RuleRunner) -> None:
    message = failure(
        runner,
        {
            "3rdparty/BUILD": "python_requirement(name='runtime', requirements=['cascade-workflows'], "
            "modules=['cascade.cli.main'])"
        },
    )
    assert "which several targets" in message
    assert "3rdparty:runtime, src/cascade/cli/main.py:../cascade" in message
