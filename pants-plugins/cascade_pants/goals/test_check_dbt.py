"""`pants check` on dbt projects."""

from __future__ import annotations

import pytest
from pants.core.goals.check import CheckResult, CheckResults
from pants.engine.addresses import Address
from pants.engine.rules import rule
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict

from cascade_pants.goals import check_dbt
from cascade_pants.goals.check import BatchResult, TableColumns
from cascade_pants.goals.check_batches import WorkflowBatch
from cascade_pants.goals.check_dbt import CascadeDbtCheckRequest
from cascade_pants.testing import RUNTIME, project_rules, rule_runner, workflow
from cascade_pants.util_rules import asset_map, table_map
from cascade_pants.util_rules.dbt_graph import DbtFileFieldSet, DbtGraph, DbtGraphRequest, DeclaredSource

YAML = "src/sql/shop/models/s.yml"


@rule
def canned_graph(request: DbtGraphRequest) -> DbtGraph:
    if request.address.target_name == "fine":
        return DbtGraph(FrozenDict(), FrozenDict(), (), (), ())
    declared = [
        ("raw.flights", 3, False),
        ("raw.flights__quarantine", 4, False),
        ("raw.flihgts", 5, False),
        ("raw.crm", 6, True),
        ("raw.unloaded", 7, False),
    ]
    return DbtGraph(
        FrozenDict(),
        FrozenDict(),
        (),
        (
            *(DeclaredSource(table, YAML, line, external) for table, line, external in declared),
            DeclaredSource("raw.flights", YAML, 8, False, columns=(("carrier", 9), ("delay", 10))),
        ),
        ("src/sql/shop/models/a.sql:2: ref('aa') names nothing.",),
    )


@rule
def canned_batch(request: WorkflowBatch) -> BatchResult:
    columns = FrozenDict({"raw.flights": TableColumns("Flight", ("carrier",))})
    return BatchResult(CheckResult(0, "", "", request.description), (), columns)


@pytest.fixture
def runner() -> RuleRunner:
    runner = rule_runner(
        [
            *project_rules(),
            *table_map.rules(),
            *asset_map.rules(),
            *check_dbt.rules(),
            canned_batch,
            canned_graph,
            QueryRule(CheckResults, [CascadeDbtCheckRequest]),
        ]
    )
    runner.write_files(
        {
            **RUNTIME,
            **workflow("flights", "flights"),
            **workflow("unloaded", "unloaded"),
            "BUILD": "cascade_project(name='dev', workflows=['src/workflows/flights'])",
            **{f"src/sql/{name}/BUILD": "cascade_dbt_project()" for name in ("fine", "shop")},
            **{f"src/sql/{name}/{file}": "" for name in ("fine", "shop") for file in ("dbt_project.yml", "a.sql")},
        }
    )
    return runner


def test_one_result_for_each_project(runner: RuleRunner) -> None:
    files = [(name, file) for name in ("shop", "fine") for file in ("a.sql", "dbt_project.yml")]
    targets = [runner.get_target(Address(f"src/sql/{name}", relative_file_path=file)) for name, file in files]
    request = CascadeDbtCheckRequest([DbtFileFieldSet.create(target) for target in targets])
    fine, shop = runner.request(CheckResults, [request]).results
    assert (fine.exit_code, fine.stdout, fine.partition_description) == (0, "", "src/sql/fine:fine")
    assert shop.exit_code == 1
    assert shop.stdout.splitlines() == [
        "src/sql/shop/models/a.sql:2: ref('aa') names nothing.",
        f"{YAML}:5: no workflow declares the table raw.flihgts of this source. Did you mean 'raw.flights'? If "
        "something else fills it, add `meta: {cascade: {external: true}}`.",
        f"{YAML}:7: no cascade_project loads the workflow that fills the table raw.unloaded of this source, "
        "src/workflows/unloaded/observations.py:4 (src/workflows/unloaded:unloaded). Add it to the field "
        "`workflows` of a project.",
        f"{YAML}:10: the source of the table raw.flights has the column 'delay', which Flight lacks. Remove the column "
        "here and in the models that read it, or add it to the schema.",
    ]
