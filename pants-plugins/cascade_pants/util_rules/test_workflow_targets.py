"""The targets that a `cascade_workflow` generates."""

from __future__ import annotations

import re

import pytest
from pants.backend.python.lint.black.skip_field import SkipBlackField
from pants.backend.python.lint.black.skip_field import rules as black_skip_rules
from pants.backend.python.target_types import (
    PythonDependenciesField,
    PythonResolveField,
    PythonSourceTarget,
    PythonTestsTimeoutField,
    PythonTestTarget,
    SkipPythonTestsField,
)
from pants.build_graph.address import AddressInput
from pants.core.target_types import ResourceSourceField
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.target import AllTargets, Dependencies, DescriptionField, InvalidFieldException, Tags, Target
from pants.testutil.rule_runner import QueryRule, RuleRunner

from cascade_pants.target_types import CascadeWorkflowSourceLoadField, CascadeWorkflowSourceTarget
from cascade_pants.testing import rule_runner, two_resolves
from cascade_pants.util_rules import workflow_targets
from cascade_pants.util_rules.workflow_targets import loaded_files, overrides_for, target_type_of

FILES = {
    "src/w/__init__.py": "",
    "src/w/flights.py": "",
    "src/w/parts/schema.py": "",
    "src/w/parts/schema.pyi": "",
    "src/w/parts/test_schema.py": "",
    "src/w/conftest.py": "",
    "src/w/flights_test.py": "",
}
AT = Address("src/w")


@pytest.fixture
def runner() -> RuleRunner:
    return rule_runner(workflow_targets.rules())


@pytest.fixture
def data_runner() -> RuleRunner:
    return rule_runner([*workflow_targets.rules(), QueryRule(AllTargets, [])])


def generated(runner: RuleRunner, build: str) -> dict[str, Target]:
    runner.write_files({**FILES, "src/w/BUILD": build})
    return {path[len("src/w/") :]: runner.get_target(Address("src/w", relative_file_path=path[6:])) for path in FILES}


def failure(runner: RuleRunner, build: str) -> str:
    with pytest.raises(ExecutionError) as raised:
        generated(runner, build)
    return str(raised.value)


def test_each_file_is_a_target_of_its_kind(runner: RuleRunner) -> None:
    targets = generated(runner, "cascade_workflow()")
    assert {path: type(target) for path, target in targets.items()} == {
        "__init__.py": CascadeWorkflowSourceTarget,
        "flights.py": CascadeWorkflowSourceTarget,
        "parts/schema.py": CascadeWorkflowSourceTarget,
        "parts/schema.pyi": CascadeWorkflowSourceTarget,
        "parts/test_schema.py": PythonTestTarget,
        "conftest.py": PythonSourceTarget,
        "flights_test.py": PythonTestTarget,
    }
    assert targets["parts/schema.py"].residence_dir == "src/w/parts"


def test_fields_of_sources_and_tests_reach_their_targets(runner: RuleRunner) -> None:
    targets = generated(
        runner,
        "cascade_workflow(timeout=60, skip_tests=True, tags=['t'], description='d', dependencies=['//:x'])",
    )
    test, source = targets["flights_test.py"], targets["flights.py"]
    assert test[PythonTestsTimeoutField].value == 60
    assert test[SkipPythonTestsField].value is True
    assert not source.has_field(PythonTestsTimeoutField)
    for target in targets.values():
        assert target[Tags].value == ("t",)
        assert target[DescriptionField].value == "d"
        assert target[PythonDependenciesField].value == ("//:x",)


def test_fields_of_other_backends_are_known_everywhere() -> None:
    runner = rule_runner([*workflow_targets.rules(), *black_skip_rules()])  # type: ignore[no-untyped-call]
    targets = generated(runner, "cascade_workflow(skip_black=True, overrides={'flights.py': {'skip_black': False}})")
    assert {path: target[SkipBlackField].value for path, target in targets.items()} == {
        path: path != "flights.py" for path in targets
    }


def test_overrides_by_name_and_glob(runner: RuleRunner) -> None:
    targets = generated(
        runner,
        "cascade_workflow(timeout=60, overrides={'*_test.py': {'timeout': 5}, ('parts/*.py', 'flights.py'): "
        "{'tags': ['x']}, 'parts/test_schema.py': {'timeout': 7}})",
    )
    assert targets["flights_test.py"][PythonTestsTimeoutField].value == 5
    assert targets["parts/test_schema.py"][PythonTestsTimeoutField].value == 7
    assert targets["parts/test_schema.py"][Tags].value == ("x",)
    assert targets["flights.py"][Tags].value == ("x",)
    assert targets["__init__.py"][Tags].value is None


def test_wrong_overrides(runner: RuleRunner) -> None:
    message = failure(runner, "cascade_workflow(overrides={'flight.py': {'tags': ['x']}})")
    assert "`overrides` of src/w:w has the key 'flight.py'" in message
    assert "Did you mean 'flights.py'?" in message
    message = failure(runner, "cascade_workflow(overrides={'*.py': {'tags': ['x']}, 'flights.py': {'tags': ['y']}})")
    assert re.search(r"sets `tags` of 'flights.py' twice, to \(?\[?'x'", message)


def test_parametrized_fields_and_overrides(runner: RuleRunner) -> None:
    two_resolves(runner)
    runner.write_files(
        {
            **FILES,
            "src/w/BUILD": "cascade_workflow(resolve=parametrize('a', 'b'), overrides={'flights_test.py': "
            "{'timeout': parametrize(fast=1, slow=2)}})",
        }
    )
    for resolve in ("a", "b"):
        target = runner.get_target(Address("src/w", relative_file_path="flights.py", parameters={"resolve": resolve}))
        assert target[PythonResolveField].value == resolve
        test = runner.get_target(
            Address("src/w", relative_file_path="flights_test.py", parameters={"resolve": resolve, "timeout": "slow"})
        )
        assert test[PythonTestsTimeoutField].value == 2


def test_several_keys_for_one_file_may_not_be_parametrized() -> None:
    overrides: dict[str, dict[Address, dict[str, object]]] = {
        "*.py": {AT: {"tags": ["x"]}},
        "a.py": {AT: {"timeout": 1}, Address("x"): {"timeout": 2}},
    }
    with pytest.raises(InvalidFieldException, match="merge them into one key"):
        overrides_for(AT, "a.py", overrides)


def test_load_marks_files(runner: RuleRunner) -> None:
    targets = generated(runner, "cascade_workflow(load=['parts/*.py'])")
    marked = {
        path
        for path, target in targets.items()
        if target.has_field(CascadeWorkflowSourceLoadField) and target[CascadeWorkflowSourceLoadField].value
    }
    assert marked == {"parts/schema.py"}


def test_load_of_a_missing_file() -> None:
    with pytest.raises(InvalidFieldException, match=r"`load` of src/w:w has the entry 'flihgts.py'.*'flights.py'\?"):
        loaded_files(AT, ["flihgts.py"], ["flights.py", "schema.py"])
    with pytest.raises(InvalidFieldException, match=r"Its files are flights.py, schema.py"):
        loaded_files(AT, ["zzz"], ["flights.py", "schema.py", "conftest.py"])


def test_a_test_cannot_be_loaded() -> None:
    with pytest.raises(InvalidFieldException, match="no source file"):
        loaded_files(AT, ["test_x.py"], ["test_x.py", "x.py"])


def test_a_file_with_the_name_of_a_glob(runner: RuleRunner) -> None:
    runner.write_files({"src/w/BUILD": "cascade_workflow()", "src/w/a[1].py": "", "src/w/a1.py": ""})
    target = runner.get_target(Address("src/w", relative_file_path="a[1].py"))
    assert type(target) is target_type_of("a[1].py")


def owned(runner: RuleRunner) -> set[str]:
    """Return the data files that have a target, relative to the workflow."""
    targets = runner.request(AllTargets, [])
    resources = [target for target in targets if target.has_field(ResourceSourceField)]
    return {target.address.filename[len("src/w/") :] for target in resources}


DATA = {
    "src/w/queries/a.sql": "select 1",
    "src/w/defs/part/defs.yaml": "type: x",
    "src/w/my flow [x] ü@1.json": "{}",
    "src/w/page.html.j2": "",
    "src/w/rows.csv": "",
    "src/w/pyproject.toml": "",
    "src/w/README.md": "",
    "src/w/notes#1.txt": "",
}


def test_files_that_the_code_reads_are_dependencies_of_each_of_its_modules(
    data_runner: RuleRunner, caplog: pytest.LogCaptureFixture
) -> None:
    data_runner.write_files(DATA)
    targets = generated(data_runner, "cascade_workflow(dependencies=['//:x'], tags=['t'])")
    expected = {"defs/part/defs.yaml", "my flow [x] ü@1.json", "page.html.j2", "queries/a.sql", "rows.csv"}
    assert owned(data_runner) == expected
    for target in targets.values():
        found = target[Dependencies].value or ()
        assert found[0] == "//:x"
        parsed = [AddressInput.parse(one, description_of_origin="a test") for one in found[1:]]
        assert {one.path_component for one in parsed} == {f"src/w/{file}" for file in expected}
    address = Address("src/w", relative_file_path="my flow [x] ü@1.json")
    assert data_runner.get_target(address)[Tags].value == ("t",)
    assert "leaves out 'notes#1.txt'" in caplog.text


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("[]", set()),
        ("['**/*.sql', 'pyproject.toml']", {"queries/a.sql", "pyproject.toml"}),
        ("['**/*.[sy]*', '!queries/**']", {"defs/part/defs.yaml"}),
    ],
)
def test_the_field_data_narrows(data_runner: RuleRunner, data: str, expected: set[str]) -> None:
    data_runner.write_files(DATA)
    generated(data_runner, f"cascade_workflow(data={data})")
    assert owned(data_runner) == expected


def test_an_entry_of_data_that_matches_nothing(data_runner: RuleRunner) -> None:
    data_runner.write_files(DATA)
    message = failure(data_runner, "cascade_workflow(data=['rows.cvs', 'queries/*'])")
    assert "`data` of src/w:w has the entry 'rows.cvs'" in message
    assert "Did you mean 'queries/a.sql'" not in message


def test_data_of_a_parametrized_workflow_belongs_to_each_variant(data_runner: RuleRunner) -> None:
    two_resolves(data_runner)
    data_runner.write_files({**DATA, **FILES, "src/w/BUILD": "cascade_workflow(resolve=parametrize('a', 'b'))"})
    target = data_runner.get_target(Address("src/w", relative_file_path="flights.py", parameters={"resolve": "b"}))
    assert "src/w/queries/a.sql:../w@resolve=b" in (target[Dependencies].value or ())
    data_runner.get_target(Address("src/w", relative_file_path="queries/a.sql", parameters={"resolve": "b"}))
