"""The dependencies of workflows on each other and on dbt models."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from pants.backend.python.subsystems.setup import PythonSetup
from pants.core.goals.check import CheckResults
from pants.engine.addresses import Address
from pants.engine.rules import rule
from pants.engine.target import AllTargets
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict

from cascade_pants.goals import check_dbt
from cascade_pants.goals.check import BatchResult
from cascade_pants.goals.check_batches import WorkflowBatch
from cascade_pants.goals.check_dbt import CascadeDbtCheckRequest
from cascade_pants.goals.check_deps import dependency_problems
from cascade_pants.testing import RUNTIME, ingestion, project_rules, rule_runner
from cascade_pants.util_rules import asset_map, table_map
from cascade_pants.util_rules.asset_map import AssetMap
from cascade_pants.util_rules.dbt_graph import DbtFileFieldSet, DbtGraph, DbtGraphRequest
from cascade_pants.util_rules.table_map import ProjectsOfFiles, TableMap

DAGSTER = "import dagster as dg\n\n"
SHOP = "src/sql/shop"
GOLD, SILVER = (f"{SHOP}/models/{name}.sql" for name in ("gold", "silver"))


@rule
def canned_graph(request: DbtGraphRequest) -> DbtGraph:
    built_from = {GOLD: ((SILVER,), ()), SILVER: ((), ("raw.flights",))}
    return DbtGraph(FrozenDict(), FrozenDict(), (), (), (), built_from=FrozenDict(built_from))


@rule
def canned_batch(request: WorkflowBatch) -> BatchResult:
    raise AssertionError(f"No source lists columns, so nothing of {request.description} has to be loaded.")


@dataclass(frozen=True)
class Checked:
    """Check the dependencies of workflows, with one process for each directory.

    Args:
        names: their directories.
    """

    names: tuple[str, ...]
    external: tuple[str, ...] = ()


@dataclass(frozen=True)
class Problems:
    """What is wrong with them."""

    lines: tuple[str, ...]


@rule
async def check(
    request: Checked,
    assets: AssetMap,
    tables: TableMap,
    projects: ProjectsOfFiles,
    targets: AllTargets,
    python_setup: PythonSetup,
) -> Problems:
    everything = [one for places in assets.by_key.values() for one in places]
    groups = [[one for one in everything if one.path.startswith(f"src/workflows/{name}")] for name in request.names]
    return Problems(
        tuple(await dependency_problems(groups, assets, tables, projects, targets, python_setup, request.external))
    )


@pytest.fixture
def runner() -> RuleRunner:
    runner = rule_runner(
        [
            *project_rules(),
            *asset_map.rules(),
            *check_dbt.rules(),
            *table_map.rules(),
            canned_batch,
            canned_graph,
            check,
            QueryRule(CheckResults, [CascadeDbtCheckRequest]),
            QueryRule(Problems, [Checked]),
        ]
    )
    runner.write_files(
        {
            **RUNTIME,
            "BUILD": "cascade_project(name='dev')",
            f"{SHOP}/BUILD": "cascade_dbt_project()",
            **dict.fromkeys((f"{SHOP}/dbt_project.yml", f"{SHOP}/models/s.yml", GOLD, SILVER), ""),
            **written("flights"),
            **written("weather"),
        }
    )
    return runner


def written(name: str, deps: str = "[]", imports: str = "") -> dict[str, str]:
    directory = f"src/workflows/{name}"
    return {
        f"{directory}/BUILD": "cascade_workflow()",
        f"{directory}/rows.py": ingestion(name, deps=deps, imports=imports),
    }


def problems(runner: RuleRunner, *names: str, external: tuple[str, ...] = ()) -> list[str]:
    return list(runner.request(Problems, [Checked(names, external)]).lines)


def test_assets_of_the_repository_may_be_named(runner: RuleRunner) -> None:
    deps = "['flights', AssetKey(['flights']), ('flights',), load, 'gold', 'weather']"
    imports = "from dagster import AssetKey\nfrom workflows.flights.rows import load"
    runner.write_files(written("weather", deps, imports))
    assert problems(runner, "weather") == []


@pytest.mark.parametrize(
    ("deps", "named", "meant"),
    [
        ("['flihgts']", "flihgts", "Did you mean 'flights'? "),
        ("['crm/customers']", "crm/customers", ""),
        ("[('mart', 'golds')]", "mart/golds", "Did you mean 'gold'? "),
    ],
)
def test_an_asset_that_nothing_declares(runner: RuleRunner, deps: str, named: str, meant: str) -> None:
    runner.write_files(written("weather", deps))
    assert problems(runner, "weather") == [
        "src/workflows/weather/rows.py:4: @cascade_ingestion: deps: no workflow and no dbt project of this "
        f"repository declares the asset {named}. {meant}If something else does, add {named!r} to "
        "the option `[cascade].external_assets`."
    ]
    assert problems(runner, "weather", external=("crm/*", "mart/golds", "flih*")) == []
    # Other workflows are not asked for.
    assert problems(runner, "flights") == []


@pytest.mark.parametrize(
    "files",
    [
        {f"{SHOP}/models/s.yml": "meta: {dagster: {asset_key: [customers]}}"},
        {"src/workflows/flights/more.py": f"{DAGSTER}@dg.multi_asset(specs=SPECS['customers'])\ndef x(): ..."},
        {
            "src/workflows/flights/native.py": f"{DAGSTER}defs = dg.load_from_defs_folder(path_within_project=X)",
            "src/workflows/flights/defs/it/defs.yaml": "attributes: {key: customers}",
        },
    ],
    ids=["dbt", "multi_asset", "component"],
)
def test_an_asset_that_something_unread_may_declare(runner: RuleRunner, files: dict[str, str]) -> None:
    runner.write_files({**written("weather", "['customers']"), **files})
    assert problems(runner, "weather") == []


def test_an_asset_that_no_project_loads(runner: RuleRunner) -> None:
    runner.write_files(
        {
            **written("weather", "['flights']"),
            "BUILD": "cascade_project(name='dev', workflows=['src/workflows/weather'])",
        }
    )
    (line,) = problems(runner, "weather")
    assert line.startswith(
        "src/workflows/weather/rows.py:4: @cascade_ingestion: deps: no cascade_project loads the asset flights, which "
        "src/workflows/flights/rows.py:4 (src/workflows/flights:flights) declares"
    )
    # It may be in another project.
    runner.write_files({"src/BUILD": "cascade_project(name='other', workflows=['src/workflows/flights'])"})
    assert problems(runner, "weather") == []
    # A repository may have no projects at all.
    runner.write_files({"src/BUILD": "", "BUILD": ""})
    assert problems(runner, "weather") == []


def test_a_circle_through_sql(runner: RuleRunner) -> None:
    runner.write_files({**written("flights", "['weather']"), **written("weather", "['gold']")})
    assert problems(runner, "flights") == [
        "src/workflows/flights/rows.py:4: @cascade_ingestion: deps: flights depends on itself: flights needs weather, "
        "weather needs gold, gold needs silver, silver needs flights. Remove one of these dependencies."
    ]
    assert len(problems(runner, "weather", "flights")) == 1
    targets = [runner.get_target(Address(SHOP, relative_file_path=f"models/{name}.sql")) for name in ("gold", "silver")]
    request = CascadeDbtCheckRequest([DbtFileFieldSet.create(target) for target in targets])
    (result,) = runner.request(CheckResults, [request]).results
    assert result.exit_code == 1
    assert result.stdout == (
        f"{GOLD}:1: gold depends on itself: gold needs silver, silver needs flights, flights needs weather, weather "
        "needs gold. Remove one of these dependencies, such as that at src/workflows/flights/rows.py:4.\n"
    )


def test_a_circle_of_workflows(runner: RuleRunner) -> None:
    runner.write_files({**written("flights", "['weather']"), **written("weather", "['flights']")})
    (line,) = problems(runner, "flights", "weather")
    assert "flights needs weather, weather needs flights" in line
    # One process that loads both reports it itself.
    assert problems(runner, "") == []


def test_an_asset_that_needs_its_own_earlier_partitions(runner: RuleRunner) -> None:
    runner.write_files(written("flights", "['flights']"))
    assert problems(runner, "flights") == []
