from __future__ import annotations

import pytest
from pants.backend.python.target_types import (
    PythonSourcesGeneratorTarget,
    PythonTestsGeneratorTarget,
    PythonTestUtilsGeneratorTarget,
)
from pants.core.goals.tailor import AllOwnedSources, PutativeTarget, PutativeTargets
from pants.engine.rules import QueryRule
from pants.testutil.rule_runner import RuleRunner

from cascade_pants.goals import tailor
from cascade_pants.goals.tailor import PutativeWorkflowsRequest, claimed_by, workflow_directories
from cascade_pants.target_types import CascadeWorkflowTarget

WORKFLOW = """\
from cascade.ingestion import cascade_ingestion


@cascade_ingestion(table_name="t", unique_key="id", group="g", validation_schema=object)
def rows():
    return []
"""


@pytest.fixture
def rule_runner() -> RuleRunner:
    return RuleRunner(
        rules=[*tailor.rules(), QueryRule(PutativeTargets, [PutativeWorkflowsRequest, AllOwnedSources])],
        target_types=[],
    )


def proposed(
    runner: RuleRunner, files: dict[str, str], *, owned: tuple[str, ...] = (), ours: bool = True
) -> PutativeTargets:
    runner.set_options([f"--python-tailor-source-targets={not ours}"])
    runner.write_files(files)
    directories = sorted({path.rpartition("/")[0] for path in files})
    return runner.request(PutativeTargets, [PutativeWorkflowsRequest(tuple(directories)), AllOwnedSources(owned)])


def workflow(path: str, *names: str) -> PutativeTarget:
    return PutativeTarget.for_target_type(CascadeWorkflowTarget, path=path, name=None, triggering_sources=names)


def test_workflows_do_not_nest() -> None:
    found = workflow_directories(["a/x.py", "a/y.py", "a/b/z.py", "ab/x.py", "c/d/x.py"])
    assert found == {"a": ("x.py", "y.py"), "ab": ("x.py",), "c/d": ("x.py",)}
    assert workflow_directories(["x.py", "a/y.py"]) == {"": ("x.py",)}


def test_a_workflow_claims_what_is_below_it() -> None:
    assert claimed_by(["a"], ["a/x.py", "a/b/y.py", "ab/x.py"]) == {"a/x.py", "a/b/y.py"}
    assert claimed_by([""], ["x.py", "a/y.py"]) == {"x.py", "a/y.py"}


def test_a_directory_with_a_decorated_function_becomes_a_workflow(rule_runner: RuleRunner) -> None:
    files = {
        "src/a/observations.py": WORKFLOW,
        "src/a/schemas.py": "x = 1\n",
        "src/a/test_observations.py": "def test(): ...\n",
        "src/a/sub/more.py": "y = 1\n",
    }
    assert list(proposed(rule_runner, files)) == [workflow("src/a", "observations.py")]


def test_other_python_is_proposed_as_pants_would(rule_runner: RuleRunner) -> None:
    files = {"src/a/rows.py": WORKFLOW, "src/b/x.py": "x = 1\n", "src/b/test_x.py": "", "src/b/conftest.py": ""}
    assert set(proposed(rule_runner, files)) == {
        workflow("src/a", "rows.py"),
        PutativeTarget.for_target_type(PythonSourcesGeneratorTarget, "src/b", None, ["x.py"]),
        PutativeTarget.for_target_type(PythonTestsGeneratorTarget, "src/b", "tests", ["test_x.py"]),
        PutativeTarget.for_target_type(PythonTestUtilsGeneratorTarget, "src/b", "test_utils", ["conftest.py"]),
    }


def test_nothing_is_added_to_what_is_owned(rule_runner: RuleRunner) -> None:
    files = {"src/a/observations.py": WORKFLOW, "src/a/schemas.py": "x = 1\n"}
    assert not proposed(rule_runner, files, owned=tuple(files))


def test_a_decorator_in_a_test_does_not_make_a_workflow(rule_runner: RuleRunner) -> None:
    assert [target.type_alias for target in proposed(rule_runner, {"src/a/test_x.py": WORKFLOW})] == ["python_tests"]


def test_the_option_is_named_if_pants_tailors_python(rule_runner: RuleRunner, caplog: pytest.LogCaptureFixture) -> None:
    assert not proposed(rule_runner, {"src/a/observations.py": WORKFLOW}, ours=False)
    assert "Set `tailor_source_targets = false` under `[python]`" in caplog.text


def test_a_directory_with_a_dbt_project(rule_runner: RuleRunner) -> None:
    files = {"src/sql/dbt_project.yml": "name: shop", "src/sql/dbt_packages/utils/dbt_project.yml": "name: utils"}
    for ours in (True, False):
        (found,) = proposed(rule_runner, files, ours=ours)
        assert (found.type_alias, found.path) == ("cascade_dbt_project", "src/sql")
    assert not proposed(rule_runner, files, owned=("src/sql/dbt_project.yml",))
