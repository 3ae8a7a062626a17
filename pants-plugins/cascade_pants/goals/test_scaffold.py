from __future__ import annotations

import json
import os
from typing import Any

import pytest
from pants.backend.python.subsystems.setup import PythonSetup
from pants.base.specs import RawSpecs, Specs
from pants.base.specs_parser import SpecsParser
from pants.core.goals.tailor import TailorSubsystem
from pants.core.target_types import ResourcesGeneratorTarget
from pants.engine.addresses import Address
from pants.engine.internals.scheduler import ExecutionError
from pants.engine.rules import QueryRule, rule
from pants.testutil.rule_runner import GoalRuleResult, RuleRunner
from pants.util.frozendict import FrozenDict

from cascade_pants.goals import scaffold
from cascade_pants.goals.scaffold import CascadeScaffold, written_report
from cascade_pants.goals.scaffold_answer import (
    ScaffoldAnswer,
    ScaffoldRequest,
    answer_scaffold_request,
    missing_runtime_message,
    read_answer,
)
from cascade_pants.goals.scaffold_arguments import WrongUseError, directory_in, escapes, package_in, table_for
from cascade_pants.target_types import CascadeProjectTarget, CascadeWorkflowTarget
from cascade_pants.util_rules import all_workflows, table_map, workflow_facts, workflow_targets
from cascade_pants.util_rules.dbt_graph import DbtGraph, DbtGraphRequest

WEATHER = "src/workflows/weather"


def specs(*texts: str) -> Specs:
    return SpecsParser(root_dir=os.getcwd()).parse_specs(texts, description_of_origin="tests")


@pytest.mark.parametrize("text", [WEATHER, f"{WEATHER}/", f"./{WEATHER}", f"//{WEATHER}"])
def test_one_directory_is_accepted(text: str) -> None:
    assert directory_in(specs(text)) == WEATHER


def test_a_name_with_a_dot_is_still_a_directory() -> None:
    assert directory_in(specs("src/workflows/weather.v2")) == "src/workflows/weather.v2"


@pytest.mark.parametrize(
    "texts", [[], [WEATHER, "src/workflows/other"], ["src::"], [f"{WEATHER}:x"], ["src/*"], ["-src/a", WEATHER]]
)
def test_anything_else_is_refused_with_an_example(texts: list[str]) -> None:
    with pytest.raises(WrongUseError, match="cascade-scaffold src/workflows/weather"):
        directory_in(specs(*texts))


def test_the_package_counts_from_the_source_root() -> None:
    assert package_in(WEATHER, "src") == "workflows.weather"
    assert package_in("weather", ".") == "weather"
    assert package_in("projects/a/python/weather", "projects/a/python") == "weather"


@pytest.mark.parametrize(
    ("directory", "root", "example"), [("src", "src", "src/workflows/weather"), ("", ".", "workflows/weather")]
)
def test_a_source_root_is_not_a_package(directory: str, root: str, example: str) -> None:
    with pytest.raises(WrongUseError, match=f"such as {example}"):
        package_in(directory, root)


def test_links_out_of_the_repository_are_detected(tmp_path: Any) -> None:
    (tmp_path / "repository" / "src").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "repository" / "src" / "link").symlink_to(tmp_path / "outside")
    root = str(tmp_path / "repository")
    assert escapes("src/link/weather", root)
    assert escapes("../outside", root)
    assert not escapes("src/weather", root)


def test_the_report_names_files_and_next_commands() -> None:
    answer = ScaffoldAnswer(table="weather_observations", partition="2024-01-01")
    report = written_report(["a/BUILD"], answer, "a", [Address("", target_name="dev")], "file")
    assert "Wrote a/BUILD" in report
    assert "test a::" in report
    assert "run :dev -- materialize weather_observations --partition 2024-01-01" in report


def test_the_report_says_what_to_set_before_a_rest_api_can_run() -> None:
    answer = ScaffoldAnswer(table="weather_observations", partition="2024-01-01")
    report = written_report([], answer, "src/weather", [], "rest-api").splitlines()
    said = report.index("Then set BASE_URL in src/weather to your own API, and type:")
    assert report[said - 2].endswith("check src/weather::")
    assert "materialize weather_observations" in report[said + 1]
    assert "BASE_URL" not in written_report([], answer, "src/weather", [], "file")


def test_requests_for_the_same_are_equal() -> None:
    assert ScaffoldRequest.create({"b": 1, "a": None}) == ScaffoldRequest.create({"b": 1})
    assert ScaffoldRequest.create({"b": 1, "a": 2}) == ScaffoldRequest.create({"a": 2, "b": 1})


def test_answers_are_read() -> None:
    def read_output(exit_code: int, output: str, errors: str = "") -> ScaffoldAnswer:
        return read_answer(exit_code, output, errors, requirement="cascade-workflows")

    assert read_output(0, '{"error": "no"}') == ScaffoldAnswer(error="no")
    document = '{"build": "B", "files": {"a": "b"}, "packages": {}, "table": "t", "partition": "p"}'
    assert read_output(0, document) == ScaffoldAnswer("B", FrozenDict({"a": "b"}), table="t", partition="p")
    assert "Traceback" in str(read_output(1, "", "Traceback").error)
    older = read_output(0, '{"files": {}, "packages": {}, "table": "t", "partition": "p"}')
    assert older.runtime_missing and "Upgrade cascade-workflows" in str(older.error)


def test_a_missing_runtime_is_reported_with_the_line_to_add() -> None:
    message = missing_runtime_message("cascade-workflows", "python-default")
    assert "\n    cascade-workflows\n" in message
    assert "--resolve=python-default" in message
    assert 'module_mapping={"cascade-workflows": ["cascade"]}' in message


# Under the name of the rule that it replaces, because newer versions of Pants call that rule by its name.
@rule(canonical_name=f"{answer_scaffold_request.__module__}.answer_scaffold_request")
async def canned_answer(request: ScaffoldRequest) -> ScaffoldAnswer:
    """Replace the process, which needs an interpreter with jinja2."""
    if "credit-risk" in request.arguments:
        return ScaffoldAnswer(error="Use src/workflows/credit_risk instead.")
    return ScaffoldAnswer(
        build="cascade_workflow()\n",
        files=FrozenDict({f"{WEATHER}/observations.py": request.arguments, f"{WEATHER}/data/observations.csv": "id\n"}),
        packages=FrozenDict({"src/workflows/__init__.py": ""}),
        table="weather_observations",
        partition="2024-01-01",
    )


@rule
def no_graph(request: DbtGraphRequest) -> DbtGraph:
    raise AssertionError("There is no dbt project.")


@pytest.fixture
def rule_runner() -> RuleRunner:
    return make_runner([canned_answer])


def make_runner(answering: list[Any]) -> RuleRunner:
    runner = RuleRunner(
        rules=[
            *answering,
            no_graph,
            *scaffold.rules(),
            *PythonSetup.rules(),
            *all_workflows.rules(),
            *table_map.rules(),
            *workflow_facts.rules(),
            *workflow_targets.rules(),
            *TailorSubsystem.rules(),
            QueryRule(ScaffoldAnswer, [ScaffoldRequest]),
        ],
        target_types=[CascadeProjectTarget, CascadeWorkflowTarget, ResourcesGeneratorTarget],
    )
    runner.set_options(["--source-root-patterns=['/src']"], env_inherit={"PATH"})
    runner.write_files({"BUILD": 'cascade_project(name="dev")\n'})
    return runner


def scaffold_with(runner: RuleRunner, *arguments: str) -> GoalRuleResult:
    return runner.run_goal_rule(
        CascadeScaffold, args=arguments, global_args=["--source-root-patterns=['/src']"], env_inherit={"PATH"}
    )


def read(runner: RuleRunner, path: str) -> str:
    with open(os.path.join(runner.build_root, path), encoding="utf-8") as file:
        return file.read()


def exists(runner: RuleRunner, path: str) -> bool:
    return os.path.exists(os.path.join(runner.build_root, path))


def test_a_new_directory_is_written_with_its_build_file(rule_runner: RuleRunner) -> None:
    result = scaffold_with(rule_runner, "--type=database", "--unique-key=a,b", "--cron=@@daily", WEATHER)
    assert result.exit_code == 0, result.stderr
    assert read(rule_runner, f"{WEATHER}/BUILD").startswith("cascade_workflow()\n")
    assert read(rule_runner, "src/workflows/__init__.py") == ""
    arguments = read(rule_runner, f"{WEATHER}/observations.py")
    for name, value in {"source": "database", "unique_key": ["a,b"], "cron": "@daily"}.items():
        assert json.loads(arguments)[name] == value
    assert "run :dev -- materialize weather_observations" in result.stdout


OTHER = """\
from cascade.ingestion import cascade_ingestion


@cascade_ingestion(table_name="weather_observations", unique_key="id", group="g", validation_schema=object)
def rows():
    return []
"""


def test_plugins_are_asked_only_for_a_type_that_the_runtime_may_not_have(rule_runner: RuleRunner) -> None:
    # The project names a plugin that does not exist, which only a lookup of plugins notices.
    rule_runner.write_files({"BUILD": 'cascade_project(name="dev", plugins=["acme-kafka"])\n'})
    assert scaffold_with(rule_runner, "--type=file", "--dry-run", WEATHER).exit_code == 0
    with pytest.raises(ExecutionError, match="names 'acme-kafka', which is not among the requirements"):
        scaffold_with(rule_runner, "--type=kafka", "--dry-run", WEATHER)
    rule_runner.write_files({"BUILD": 'cascade_project(name="dev")\n'})
    result = scaffold_with(rule_runner, "--type=kafka", WEATHER)
    assert json.loads(read(rule_runner, f"{WEATHER}/observations.py"))["source"] == "kafka"
    # Nobody knows whether what it reads is there.
    assert "materialize" not in result.stdout and f"test {WEATHER}::" in result.stdout


def test_a_table_of_another_workflow_is_not_taken(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({"src/other/rows.py": OTHER, "src/other/BUILD": "cascade_workflow()\n"})
    result = scaffold_with(rule_runner, WEATHER)
    assert result.exit_code == 0, result.stderr
    assert json.loads(read(rule_runner, f"{WEATHER}/observations.py"))["table"] == "weather_daily_observations"
    assert "because raw.weather_observations is already declared in src/other/rows.py:4 (//:dev)." in result.stdout
    asked = scaffold_with(rule_runner, "--force", "--table=weather_observations", WEATHER)
    assert asked.exit_code == 2
    assert "--table=weather_daily_observations" in asked.stderr


def test_tables_are_free_taken_or_requested() -> None:
    taken = {"raw.a_observations": "x.py:1", "raw.a_daily_observations": "y.py:1", "raw.prices": "z.py:1"}
    assert table_for("b_observations", None, taken) is None
    assert table_for("b_observations", "mine", taken) == "mine"
    assert table_for("a_observations", None, taken) == "a_daily_observations_2"
    with pytest.raises(WrongUseError, match=r"in z\.py:1.*--table=daily_prices"):
        table_for("b_observations", "prices", taken)


def test_existing_files_are_listed_and_kept_unless_forced(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({f"{WEATHER}/observations.py": "mine\n"})
    result = scaffold_with(rule_runner, WEATHER)
    assert result.exit_code == 1
    assert f"  {WEATHER}/observations.py\n" in result.stderr
    assert read(rule_runner, f"{WEATHER}/observations.py") == "mine\n"
    assert not exists(rule_runner, f"{WEATHER}/BUILD")
    # Other source roots may share an existing directory without __init__.py, so none is added.
    assert scaffold_with(rule_runner, "--force", WEATHER).exit_code == 0
    assert read(rule_runner, f"{WEATHER}/observations.py") != "mine\n"
    assert not exists(rule_runner, "src/workflows/__init__.py")


def test_a_dry_run_shows_the_files_and_writes_none(rule_runner: RuleRunner) -> None:
    result = scaffold_with(rule_runner, "--dry-run", WEATHER)
    assert result.exit_code == 0
    assert f"# {WEATHER}/BUILD\ncascade_workflow" in result.stdout
    assert not exists(rule_runner, WEATHER)


@pytest.mark.parametrize(
    ("directory", "expected"),
    [
        ("lib/weather", "lib/weather is not under a source root"),
        ("src/", "src is a source root"),
        ("src/workflows/credit-risk", "Use src/workflows/credit_risk instead."),
    ],
)
def test_wrong_use_ends_with_two(rule_runner: RuleRunner, directory: str, expected: str) -> None:
    result = scaffold_with(rule_runner, directory)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert not exists(rule_runner, directory + "/BUILD")


def test_specs_without_includes_name_nothing() -> None:
    with pytest.raises(WrongUseError, match="got nothing"):
        directory_in(Specs(RawSpecs(description_of_origin="x"), RawSpecs(description_of_origin="x")))


def test_checks_join_the_workflow_that_fills_their_table(rule_runner: RuleRunner) -> None:
    rule_runner.write_files({f"{WEATHER}/rows.py": OTHER, f"{WEATHER}/BUILD": "cascade_workflow()\n"})
    result = scaffold_with(rule_runner, "--type=quality", WEATHER)
    assert result.exit_code == 0, result.stderr
    assert read(rule_runner, f"{WEATHER}/BUILD") == "cascade_workflow()\n"
    assert json.loads(read(rule_runner, f"{WEATHER}/observations.py")) == {
        "kind": "quality",
        "package": "workflows.weather",
        "directory": WEATHER,
        "table": "raw.weather_observations",
        "unique_key": "id",
        "module": "workflows.weather.rows",
        "attribute": "rows",
    }
    assert f"test {WEATHER}::" in result.stdout and "materialize" not in result.stdout


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--table=weather_observatoins"], 'Did you mean "raw.weather_observations"?'),
        (
            ["--table=mart.x"],
            "No workflow of this repository fills the table mart.x. There is raw.weather_observations.",
        ),
        (["--cron=@@daily"], "Checks take no --unique-key and no --cron"),
    ],
)
def test_checks_need_a_table_that_a_workflow_fills(
    rule_runner: RuleRunner, arguments: list[str], expected: str
) -> None:
    rule_runner.write_files({"src/other/rows.py": OTHER, "src/other/BUILD": "cascade_workflow()\n"})
    result = scaffold_with(rule_runner, "--type=quality", *arguments, WEATHER)
    assert result.exit_code == 2
    assert expected in result.stderr
    assert not exists(rule_runner, WEATHER)
