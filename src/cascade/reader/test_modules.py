"""What can be read from source without importing it."""

from __future__ import annotations

import textwrap

import pytest

from .declarations import Declaration
from .modules import declarations_in, read_module
from .values import Reference


def found(source: str) -> tuple[Declaration, ...]:
    return declarations_in(textwrap.dedent(source).encode())


def calls(source: str) -> list[str]:
    return [declared.call for declared in found(source)]


def test_an_ingestion_with_its_table_function_and_line() -> None:
    (declared,) = found(
        """\
        from cascade.ingestion import cascade_ingestion

        @cascade_ingestion(
            table_name="weather_observations",  # the table
            unique_key=("origin", "time_hour"),
        )
        def observations(partition_date: str) -> list[dict[str, object]]:
            return []
        """
    )
    assert (declared.call, declared.line, declared.name) == ("cascade_ingestion", 3, "observations")
    assert (declared.table, declared.asset_key) == ("raw.weather_observations", ("weather_observations",))


def test_the_namespace_is_part_of_the_table() -> None:
    (declared,) = found(
        "import cascade\n@cascade.cascade_ingestion(table_name='t', namespace='staging')\ndef f(): ...\n"
    )
    assert declared.table == "staging.t"


def test_every_name_under_which_the_decorator_can_be_imported() -> None:
    for head, use in [
        ("from cascade.ingestion import cascade_ingestion as ingest", "ingest"),
        ("import cascade.ingestion as ci", "ci.cascade_ingestion"),
        ("import cascade.ingestion", "cascade.ingestion.cascade_ingestion"),
        ("from cascade import ingestion", "ingestion.cascade_ingestion"),
        ("from company.helpers import cascade_ingestion", "cascade_ingestion"),
    ]:
        (declared,) = found(f"{head}\n\n@{use}(table_name='t')\nasync def f(): ...\n")
        assert (declared.table, declared.name) == ("raw.t", "f"), head


def test_syntax_that_is_newer_than_the_interpreter_of_pants() -> None:
    declared, generic = found(
        """\
        from cascade.ingestion import cascade_ingestion

        @cascade_ingestion(table_name="t")
        def f(x):
            match x:
                case [1, *rest] if rest:
                    return f"{x["key"]}"
            try:
                pass
            except* ValueError:
                pass

        def g[T](x: T) -> T: return x
        type Alias = list[int]

        @cascade_ingestion(table_name="u")
        def h(): ...
        """
    )
    assert (declared.table, generic.table, generic.line) == ("raw.t", "raw.u", 16)


def test_a_workflow_in_a_broken_file_is_known_by_any_name_of_the_decorator() -> None:
    head = b"from cascade import cascade_ingestion as ingest\nx = (\n"
    module = read_module(head + b"@ingest(table_name='t')\ndef f(): ...\n")
    assert module.declares_workflow


def test_strings_and_comments_declare_nothing() -> None:
    assert not found(
        """\
        '''
        @cascade_ingestion(table_name="x")
        '''
        # @cascade_ingestion(table_name="y")
        from cascade.ingestion import cascade_ingestion
        """
    )


@pytest.mark.parametrize(
    ("argument", "table"),
    [
        ("'a' 'b'", "raw.ab"),
        ("TABLE", "raw.trips"),
        ("DOMAIN + '_' + TABLE", "raw.taxi_trips"),
        ("f'{DOMAIN}_{TABLE}'", "raw.taxi_trips"),
        ("('trips')", "raw.trips"),
    ],
)
def test_a_table_that_is_static_without_being_a_literal(argument: str, table: str) -> None:
    source = f"""\
from cascade.ingestion import cascade_ingestion
from typing import Final
DOMAIN: Final = "taxi"

@cascade_ingestion(table_name={argument})
def f(): ...

TABLE = "trips"
"""
    (declared,) = found(source)
    assert declared.table == table
    assert not declared.unread_table


@pytest.mark.parametrize(
    ("arguments", "unread"),
    [
        ("table_name=name()", ("table_name", "name()")),
        ("table_name='t', namespace=NAMESPACES[0]", ("namespace", "NAMESPACES[0]")),
        ("**COMMON", ("table_name", "**COMMON")),
        ("table_name=TWICE", ("table_name", "TWICE")),
        ("table_name=LOOP", ("table_name", "LOOP")),
        ("table_name=f'{DAY:%Y}'", ("table_name", "f'{DAY:%Y}'")),
    ],
)
def test_an_argument_that_is_computed_when_the_module_runs(arguments: str, unread: tuple[str, str]) -> None:
    (declared,) = found(
        "from cascade.ingestion import cascade_ingestion\nTWICE = 'a'\nTWICE = 'b'\nLOOP = LOOP\nDAY = 'x'\n"
        f"@cascade_ingestion({arguments})\ndef f(): ...\n"
    )
    assert declared.table is None
    assert [(argument.name, argument.unread) for argument in declared.unread_table] == [unread]


def test_a_table_next_to_a_splat_is_known() -> None:
    (declared,) = found("import cascade\n@cascade.cascade_ingestion(table_name='t', **COMMON)\ndef f(): ...\n")
    assert declared.table == "raw.t"


def test_a_missing_table_is_left_to_the_runtime() -> None:
    (declared,) = found("import cascade\n@cascade.cascade_ingestion(unique_key='id')\ndef f(): ...\n")
    assert (declared.table, declared.unread_table) == (None, ())


def test_a_decorator_in_a_factory_declares_no_table() -> None:
    (declared,) = found(
        """\
        from cascade.ingestion import cascade_ingestion

        def make(name):
            @cascade_ingestion(table_name=name)
            def load(): ...
            return load
        """
    )
    assert (declared.table, declared.unread_table) == (None, ())


def test_an_ingestion_that_is_assigned() -> None:
    flights, planes = found(
        """\
        from cascade.ingestion import cascade_ingestion
        flights = cascade_ingestion(table_name="flights")(fetch)
        both = [fetch, cascade_ingestion(
            table_name="planes",
        )(fetch)]
        """
    )
    assert (flights.name, flights.table, flights.line) == ("flights", "raw.flights", 2)
    assert (planes.table, planes.line) == ("raw.planes", 3)


def test_an_ingestion_that_is_assigned_on_the_line_of_a_loop() -> None:
    (declared,) = found("import cascade\nfor n in (1,): f = cascade.cascade_ingestion(table_name='t')(g)\n")
    assert declared.table == "raw.t"


@pytest.mark.parametrize(
    "decorator",
    [
        "@asset",
        "@dg.asset(deps=['x'])",
        "@dg.multi_asset(specs=[])",
        "@dagster.graph_asset",
        "@dg.asset_check(asset='x')",
        "@dg.job",
        "@dg.op",
        "@dg.schedule(cron_schedule='* * * * *', target='x')",
        "@dg.sensor(target='x')",
        "@dg.definitions",
        "@dbt_assets(manifest='x')",
    ],
)
def test_dagster_decorators(decorator: str) -> None:
    imports = "import dagster\nimport dagster as dg\nfrom dagster import asset\nfrom dagster_dbt import dbt_assets\n"
    (declared,) = found(f"{imports}\n{decorator}\ndef f(): ...\n")
    assert (declared.name, declared.table) == ("f", None)


@pytest.mark.parametrize(
    "statement",
    [
        "defs = dg.Definitions(assets=[])",
        "defs: dg.Definitions = dg.Definitions(assets=[])",
        "daily = dg.ScheduleDefinition(job=None, cron_schedule='@daily')",
        "all_assets = dg.define_asset_job('all')",
        "specs = [dg.AssetSpec(n) for n in ('a', 'b')]",
        "specs += [dg.AssetSpec('c')]",
        "checks = dg.build_last_update_freshness_checks(assets=[], lower_bound_delta=None)",
        "loaded = dg.load_assets_from_modules([m])",
        "wrapped = dg.asset(function)",
        "if True:\n    nightly = dg.build_schedule_from_partitioned_job(job)",
    ],
)
def test_assignments_of_dagster_definitions(statement: str) -> None:
    assert len(found(f"import dagster as dg\n{statement}\n")) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "key = dg.AssetKey('x')",
        "parts = dg.DailyPartitionsDefinition('2020-01-01')",
        "log = dg.get_dagster_logger()",
        "context = dg.build_schedule_context()",
        "condition = dg.AutomationCondition.eager()",
        "x = other.AssetSpec('x')",
        "def make():\n    defs = dg.Definitions()",
        "@dg.resource\ndef connection(): ...",
        "@functools.cache\ndef f(): ...",
        "same = dg.AssetSpec == other",
        "class Settings(dg.Config):\n    x: int = 1",
    ],
)
def test_statements_that_declare_nothing(statement: str) -> None:
    assert not found(f"import dagster as dg\n{statement}\n")


def test_the_same_words_from_another_library_mean_nothing() -> None:
    assert not found(
        "# no dagster here\nfrom prefect import asset\nimport click\n@asset\ndef f(): ...\n@click.job\ndef g(): ...\n"
    )


def test_a_star_import_of_dagster() -> None:
    assert calls("from dagster import *\n@asset\ndef f(): ...\n@my_own\ndef g(): ...\nj = JobDefinition()\n") == [
        "asset",
        "JobDefinition",
    ]


def test_a_file_that_is_not_python_still_belongs_to_its_workflow() -> None:
    assert (
        calls(
            """\
        from cascade.ingestion import cascade_ingestion

        @cascade_ingestion(table_name="t")
        def f():
            return (

        @cascade_ingestion(table_name="u")
        def g(): ...
        """
        )
        == ["cascade_ingestion"] * 2
    )


def test_other_encodings_and_line_ends() -> None:
    source = (
        "# -*- coding: latin-1 -*-\nimport cascade\n@cascade.cascade_ingestion(table_name='caf\xe9')\ndef f(): ...\n"
    )
    source = source.replace("\n", "\r\n")
    (declared,) = declarations_in(source.encode("latin-1"))
    assert (declared.table, declared.line) == ("raw.caf\xe9", 3)
    assert declarations_in(b"\xef\xbb\xbfimport cascade\n@cascade.cascade_ingestion(table_name='t')\ndef f(): ...\n")


def test_a_file_without_either_word_is_not_tokenized() -> None:
    assert declarations_in(b"def f(:\n") == ()


@pytest.mark.parametrize(
    ("source", "parameters"),
    [
        ("@dg.asset\ndef a(context, b: list[int], *, c=f()) -> X: ...", ("context", "b", "c")),
        ("@dg.asset(name='x')\nasync def a(\n    b,  # one\n    c,\n):  # two\n    return b", ("b", "c")),
        ("@dg.asset\ndef a(): ...", ()),
        ("@dg.op\ndef a(b): ...", ()),
    ],
)
def test_the_parameters_of_an_asset(source: str, parameters: tuple[str, ...]) -> None:
    (found,) = declarations_in(f"import dagster as dg\n{source}\n".encode())
    assert (found.name, found.parameters) == ("a", parameters)


def test_a_check_of_a_workflow_refers_to_it() -> None:
    source = (
        "from cascade import cascade_quality\nfrom .flights import load\nc = cascade_quality(table=load, checks=[])\n"
    )
    (found,) = declarations_in(source.encode())
    table = found.argument("table")
    assert table is not None and table.value == Reference("load", ".flights.load")
    assert found.checked_table is None
