"""`pants test` on dbt projects. What dbt does has tests of its own in the runtime."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
from pants.core.goals.test import TestResult, TestSubsystem
from pants.core.util_rules.partitions import Partitions
from pants.engine.addresses import Address
from pants.engine.fs import EMPTY_FILE_DIGEST, DigestContents
from pants.engine.internals.native_engine import EMPTY_DIGEST, Digest
from pants.engine.platform import Platform
from pants.engine.process import FallibleProcessResult, ProcessExecutionEnvironment, ProcessResultMetadata
from pants.engine.rules import rule
from pants.testutil.option_util import create_subsystem
from pants.testutil.rule_runner import QueryRule, RuleRunner
from pants.util.frozendict import FrozenDict

from cascade_pants.goals import dbt_tests
from cascade_pants.goals.dbt_test_process import (
    DbtTestBatch,
    DbtTestResults,
    read_results,
    tables_of,
    timeout_of,
)
from cascade_pants.goals.dbt_tests import CascadeDbtTestFieldSet, CascadeDbtTestRequest, files_to_test
from cascade_pants.reader.declarations import Declaration
from cascade_pants.testing import RUNTIME, rule_runner, set_options
from cascade_pants.util_rules.dbt_graph import DbtGraph, DbtGraphRequest, DeclaredSource
from cascade_pants.util_rules.table_map import LocatedDeclaration, TableMap

SHOP = "src/sql/shop"
A, B, C, CRM, MACRO = (
    f"{SHOP}/{name}" for name in ("models/a.sql", "models/b.sql", "seeds/c.csv", "models/crm.sql", "macros/m.sql")
)
GRAPH = DbtGraph(
    FrozenDict({A: (Address(SHOP, relative_file_path="models/crm.sql"),), B: (), CRM: ()}),
    FrozenDict({CRM: ("raw.crm",), B: ("raw.flights", "raw.weather__quarantine")}),
    (A, B, C, CRM),
    (DeclaredSource("raw.crm", f"{SHOP}/s.yml", 3, True), DeclaredSource("raw.flights", f"{SHOP}/s.yml", 4, False)),
    (),
    disabled_seeds=FrozenDict({"raw.crm": f"{SHOP}/seeds/crm.csv"}),
)


def process(exit_code: int, said: bytes = b"") -> FallibleProcessResult:
    options: dict[str, Any] = {"environment_name": None, "platform": Platform.linux_x86_64.value, "docker_image": None}
    options.update(remote_execution=False, remote_execution_extra_platform_properties=[])
    environment = ProcessExecutionEnvironment(**options)
    metadata = ProcessResultMetadata(5000, environment, "ran", 0)
    return FallibleProcessResult(b"", EMPTY_FILE_DIGEST, said, EMPTY_FILE_DIGEST, exit_code, EMPTY_DIGEST, metadata)


def results(exit_code: int, said: bytes = b"", **outcomes: Any) -> DbtTestResults:
    document = {"files": {{"a": A, "b": B, "c": C}[name]: outcome for name, outcome in outcomes.items()}}
    files = {"__cascade_dbt_tests/results.json": json.dumps(document).encode()} if outcomes else {}
    return read_results(process(exit_code, said), {**files, "__cascade_dbt_tests/compiled/t.sql": b"select 1\n"}, B)


GOOD = {"failed": False, "text": "c: success\n", "seconds": 0.25, "compiled": [], "junit": "<testsuites />"}
BAD = {"failed": True, "text": "b: fail\n", "seconds": 1.5, "compiled": ["compiled/t.sql"], "junit": "<testsuites />"}


@rule
def canned_graph(request: DbtGraphRequest) -> DbtGraph:
    assert request.variables is None, "The graph of a project without dbt cannot be read."
    return GRAPH


@rule
def no_tables() -> TableMap:
    return TableMap.of([])


@rule
def canned_results(batch: DbtTestBatch) -> DbtTestResults:
    assert [address.filename for address in batch.addresses] == [B, C]
    return results(1, b=BAD, c=GOOD) if batch.threads == 8 else results(2, b"/x/pants-sandbox-a1/sql: no dbt\n")


@pytest.fixture
def runner() -> RuleRunner:
    own = [one for one in dbt_tests.rules() if "find_dbt_test_results" not in repr(one)]
    runner = rule_runner(
        [
            *own,
            canned_graph,
            canned_results,
            no_tables,
            QueryRule(Partitions, [CascadeDbtTestRequest.PartitionRequest]),
            QueryRule(TestResult, [CascadeDbtTestRequest.Batch]),
            QueryRule(DigestContents, [Digest]),
        ]
    )
    runner.write_files(RUNTIME)
    return runner


def partitions(runner: RuleRunner, build: str) -> list[Any]:
    runner.write_files({f"{SHOP}/BUILD": build, **dict.fromkeys((A, B, C, CRM, MACRO), "")})
    names = ("macros/m.sql", "seeds/c.csv", "models/b.sql", "models/a.sql")
    targets = [runner.get_target(Address(SHOP, relative_file_path=name)) for name in names]
    fields = [CascadeDbtTestFieldSet.create(one) for one in targets if CascadeDbtTestFieldSet.is_applicable(one)]
    return list(runner.request(Partitions, [CascadeDbtTestRequest.PartitionRequest(tuple(fields))]))


def result_of(runner: RuleRunner, partition: Any) -> Any:
    # The output of a result has other names on later versions of Pants.
    return runner.request(TestResult, [CascadeDbtTestRequest.Batch("x", partition.elements, partition.metadata)])


def test_one_result_for_each_file_and_one_process_for_all(runner: RuleRunner, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    found = partitions(runner, "cascade_dbt_project(threads=8)")
    assert f"\n  {A} (raw.crm, whose seed {SHOP}/seeds/crm.csv is disabled)" in caplog.text
    # The macro is built and tested with the models that call it, and `a` needs a table that nothing here fills.
    assert [[one.address.filename for one in partition.elements] for partition in found] == [[B], [C]]
    assert len({partition.metadata for partition in found}) == 1
    bad, good = (result_of(runner, one) for one in found)
    assert (bad.exit_code, bad.stdout, bad.result_metadata.total_elapsed_ms) == (1, "b: fail\n", 1500)
    assert (good.exit_code, good.stdout, good.result_metadata.total_elapsed_ms) == (0, "c: success\n", 250)
    assert bad.extra_output.files == ("compiled/t.sql",)
    assert good.extra_output.files == ()
    (report,) = runner.request(DigestContents, [good.xml_results.digest])
    assert (report.path, report.content) == ("src.sql.shop.seeds.c.csv@shop.xml", b"<testsuites />")


def test_a_project_that_dbt_cannot_parse_says_why_once(runner: RuleRunner) -> None:
    found = partitions(runner, "cascade_dbt_project()")
    first, second = (result_of(runner, one) for one in found)
    assert (first.exit_code, first.stdout) == (2, "sql: no dbt\n")
    assert (second.exit_code, second.stdout) == (2, f"See {B}, which is tested by the same process.\n")


def test_a_project_can_be_left_out(runner: RuleRunner) -> None:
    assert partitions(runner, "cascade_dbt_project(skip_tests=True)") == []
    set_options(runner, CASCADE_DBT_TEST_SKIP="true")
    assert partitions(runner, "cascade_dbt_project()") == []


@pytest.mark.parametrize(
    ("lock", "missing"),
    [
        ("pydantic==2.12.0\n", "dbt-core and dbt-duckdb"),
        ("dbt-core==1.11.16\ndbt-trino==1.11.0\n", "dbt-duckdb"),
        ("dbt-core==1.11.16\ndbt_duckdb==1.11.1\n", None),
    ],
)
def test_a_project_whose_resolve_lacks_dbt_is_left_out_with_the_reason(
    runner: RuleRunner, caplog: pytest.LogCaptureFixture, lock: str, missing: str | None
) -> None:
    set_options(runner, PYTHON_ENABLE_RESOLVES="true", PYTHON_RESOLVES="{'python-default': 'default.lock'}")
    runner.write_files({"default.lock": lock})
    found = partitions(runner, "cascade_dbt_project(vars={'a': 1})" if missing else "cascade_dbt_project()")
    assert len(found) == (2 if missing is None else 0)
    said = f"leaves out {SHOP}:shop, because the lockfile of its resolve `python-default` has no {missing}. To test it"
    assert (said in caplog.text) == (missing is not None)


def test_files_above_an_external_table_cannot_be_tested() -> None:
    assert files_to_test(GRAPH, ["raw.flights"]) == {A: "raw.crm", B: None, C: None, CRM: "raw.crm"}
    # Its YAML may name the asset of a workflow, whose table is not external.
    assert files_to_test(GRAPH, ["raw.crm"]) == dict.fromkeys((A, B, C, CRM))


def test_the_rows_of_a_table_are_beside_the_file_that_declares_it() -> None:
    here = Address("src/workflows/f", relative_file_path="a/flights.py")
    table = LocatedDeclaration(Declaration("cascade_ingestion", 1), "src/workflows/f/a/flights.py", here)
    other = Address("src/workflows/w", relative_file_path="w.py")
    weather = LocatedDeclaration(Declaration("cascade_ingestion", 1), "src/workflows/w/w.py", other)
    rows = "src/workflows/f/a/testdata/flights.jsonl"
    tables = {"raw.flights": [table], "raw.weather": [weather]}
    assert tables_of([A, B], GRAPH, tables, [here, other], [rows]) == [
        ("raw.flights", table.path, rows, False),
        ("raw.weather", weather.path, None, True),
    ]
    # Only what is in the sandbox can be imported there.
    assert tables_of([B], GRAPH, tables, [here], []) == [("raw.flights", table.path, None, False)]


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"timeouts": True, "timeout_default": 60, "timeout_maximum": 50}, 150),
        ({"timeouts": True, "timeout_default": 60, "timeout_maximum": None}, 180),
        ({"timeouts": True, "timeout_default": None, "timeout_maximum": 50}, None),
        ({"timeouts": False, "timeout_default": 60, "timeout_maximum": None}, None),
    ],
)
def test_the_timeout_of_a_process_is_that_of_its_files(options: dict[str, Any], seconds: int | None) -> None:
    assert timeout_of(create_subsystem(TestSubsystem, **options), 3) == seconds
