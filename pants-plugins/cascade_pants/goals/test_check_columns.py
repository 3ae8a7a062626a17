"""The columns that dbt projects expect of tables."""

from __future__ import annotations

import pytest
from pants.util.frozendict import FrozenDict

from cascade_pants.goals.check import TableColumns
from cascade_pants.goals.check_columns import tables_with_columns, unknown_columns
from cascade_pants.util_rules.dbt_graph import DbtGraph, DeclaredSource

COLUMNS = {"raw.flights": TableColumns("Flight", ("time_hour", "carrier"))}


def graph(*columns: str, table: str = "raw.flights", external: bool = False) -> DbtGraph:
    listed = tuple((name, line) for line, name in enumerate(columns, 7))
    source = DeclaredSource(table, "s.yml", 5, external, "raw.flights", listed)
    return DbtGraph(FrozenDict(), FrozenDict(), (), (source,), ())


def test_a_column_that_the_schema_lacks() -> None:
    assert unknown_columns(graph("carrier", "carier", "delay"), COLUMNS) == [
        "s.yml:8: the source of the table raw.flights has the column 'carier', which Flight lacks. Did you mean "
        "'carrier'? Remove the column here and in the models that read it, or add it to the schema.",
        "s.yml:9: the source of the table raw.flights has the column 'delay', which Flight lacks. Remove the column "
        "here and in the models that read it, or add it to the schema.",
    ]


@pytest.mark.parametrize(
    "fine",
    [
        # dbt ignores case, and Cascade adds columns of its own.
        graph("CARRIER", "_cascade_partition"),
        graph("delay", external=True),
        graph("rule", table="raw.flights__quarantine"),
        graph("delay", table="raw.unknown"),
    ],
)
def test_columns_that_are_fine_or_unknown(fine: DbtGraph) -> None:
    assert unknown_columns(fine, COLUMNS) == []


def test_only_what_lists_columns_has_to_be_loaded() -> None:
    assert tables_with_columns(graph()) == set()
    assert tables_with_columns(graph("x", external=True)) == set()
    assert tables_with_columns(graph("x")) == {"raw.flights"}
