"""`pants cascade-scaffold --type=dbt`: where a model goes, and what the templates get to know."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pants.engine.rules import rule
from pants.testutil.rule_runner import GoalRuleResult, RuleRunner
from pants.util.frozendict import FrozenDict

from cascade_pants.goals import scaffold
from cascade_pants.goals.scaffold import CascadeScaffold
from cascade_pants.goals.scaffold_answer import ScaffoldAnswer, ScaffoldRequest, answer_scaffold_request
from cascade_pants.testing import RUNTIME, ingestion, project_rules, rule_runner, workflow
from cascade_pants.util_rules import table_map
from cascade_pants.util_rules.dbt_graph import DbtGraph, DbtGraphRequest, DeclaredSource

SALES, SHOP = "src/transforms/sales", "src/sql"


@rule(canonical_name=f"{answer_scaffold_request.__module__}.answer_scaffold_request")
async def canned_answer(request: ScaffoldRequest) -> ScaffoldAnswer:
    """Replace the process, which needs an interpreter with jinja2."""
    directory = json.loads(request.arguments)["dbt_directory"]
    return ScaffoldAnswer(
        build="cascade_dbt_project()\n",
        files=FrozenDict({f"{directory}/models/silver/sales_rows.sql": request.arguments}),
        table="raw.sales_observations",
    )


@rule
def canned_graph(request: DbtGraphRequest) -> DbtGraph:
    # A field of the project decides, so that one runner serves all tests.
    there = (f"{SHOP}/sql/marts/sales_rows.sql",) if request.variables else ()
    declared = (DeclaredSource("raw.sales_observations", f"{SHOP}/s.yml", 3, False, "lake.sales"),)
    return DbtGraph(FrozenDict(), FrozenDict(), there, declared, ())


@pytest.fixture
def runner() -> RuleRunner:
    runner = rule_runner([canned_answer, canned_graph, *scaffold.rules(), *project_rules(), *table_map.rules()])
    runner.write_files(
        {
            **RUNTIME,
            **workflow("sales", "sales_observations"),
            "src/workflows/sales/observations.py": ingestion("sales_observations", unique_key='["shop", "sold_at"]'),
            "BUILD": 'cascade_project(name="dev")\n',
        }
    )
    return runner


def scaffold_dbt(runner: RuleRunner, *arguments: str) -> GoalRuleResult:
    return runner.run_goal_rule(
        CascadeScaffold,
        args=["--type=dbt", *arguments],
        global_args=["--source-root-patterns=['/src']"],
        env_inherit={"PATH"},
    )


def read(runner: RuleRunner, path: str) -> str:
    return Path(runner.build_root, path).read_text()


def test_a_new_dbt_project_gets_a_build_file_and_needs_no_source_root(runner: RuleRunner) -> None:
    result = scaffold_dbt(runner, "warehouse/sales")
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[:2] == ["Wrote warehouse/sales/BUILD", "Wrote warehouse/sales/models/silver/sales_rows.sql"]
    assert 'Then set dbt_project="warehouse/sales" of the cascade_project :dev, and type:' in lines
    assert lines[-3].endswith("run :dev -- dbt build")
    rows = "src/workflows/sales/testdata/sales_observations.jsonl"
    assert lines[-1] == f"In tests, the table is empty. Give it rows in {rows}, one JSON object on a line."


def test_the_templates_get_to_know_the_table(runner: RuleRunner) -> None:
    result = scaffold_dbt(runner, "--dry-run", SALES)
    assert f"# {SALES}/BUILD\ncascade_dbt_project()\n" in result.stdout
    arguments = result.stdout[result.stdout.index("{") : result.stdout.index("}") + 1]
    assert json.loads(arguments) == {
        "kind": "dbt",
        "directory": SALES,
        "dbt_directory": SALES,
        "table": "raw.sales_observations",
        "unique_key": ["shop", "sold_at"],
    }


def test_a_directory_in_a_dbt_project_means_a_model_of_that_project(runner: RuleRunner) -> None:
    runner.write_files(
        {
            "BUILD": 'cascade_project(name="dev", dbt_project="src/sql")\n',
            f"{SHOP}/BUILD": "cascade_dbt_project()\n",
            f"{SHOP}/dbt_project.yml": "name: shop\nmodel-paths: [sql]\n",
            "src/workflows/sales/testdata/sales_observations.jsonl": "{}\n",
        }
    )
    result = scaffold_dbt(runner, f"{SHOP}/sales")
    assert result.exit_code == 0, result.stderr
    model = f"{SHOP}/models/silver/sales_rows.sql"
    lines = result.stdout.splitlines()
    assert lines[0] == f"Wrote {model}"
    assert [line.split(maxsplit=1)[1] for line in lines[3:]] == [
        f"test {model}",
        f"check {SHOP}::",
        "run :dev -- dbt build",
    ]
    found = json.loads(read(runner, model))
    assert {name: found[name] for name in ("dbt_directory", "model_directory", "test_directory", "source")} == {
        "dbt_directory": SHOP,
        "model_directory": "sql",
        "test_directory": "tests",
        "source": "lake.sales",
    }


def test_the_name_of_another_model_is_refused(runner: RuleRunner) -> None:
    build = "cascade_dbt_project(vars={'a': 1})\n"
    runner.write_files({f"{SHOP}/BUILD": build, f"{SHOP}/dbt_project.yml": "name: shop\n"})
    result = scaffold_dbt(runner, f"{SHOP}/sales")
    assert result.exit_code == 2
    assert f"{SHOP}/sql/marts/sales_rows.sql already has the name of the new model." in result.stderr
    assert not Path(runner.build_root, f"{SHOP}/models").exists()


def test_a_dbt_project_without_a_target_is_refused_with_the_command(runner: RuleRunner) -> None:
    runner.write_files({f"{SHOP}/dbt_project.yml": "name: shop\n"})
    result = scaffold_dbt(runner, f"{SHOP}/sales")
    assert result.exit_code == 2
    assert f"{SHOP}/dbt_project.yml has no cascade_dbt_project." in result.stderr
    assert f"tailor {SHOP}::" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--unique-key=id", SALES), "A model takes no --unique-key and no --cron"),
        (("src/transforms/sails",), "--type=dbt --table=weather_observations src/transforms/sails"),
        (("--table=raw.sails_observations", SALES), 'Did you mean "raw.sales_observations"?'),
    ],
)
def test_wrong_use_is_refused_with_what_to_type(runner: RuleRunner, arguments: tuple[str, ...], said: str) -> None:
    result = scaffold_dbt(runner, *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert not Path(runner.build_root, "src/transforms").exists()
