"""Which models `pants test` tests again after an edit: the table in docs/guides/pants.md."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from cascade.dbt_graph.answer import answer

HERE = Path(__file__).parent
SILVER = {"silver_flights", "silver_weather_days"}
GOLD = {"gold_airline_months", "gold_daily_delays", "gold_visibility_delays"}
BRONZE = {"bronze_airlines", "bronze_airports", "bronze_flights", "bronze_planes", "bronze_weather"}


@pytest.fixture(scope="module")
def graph() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(HERE)
        return answer({"directory": "."})


def dependents(graph: dict[str, Any], first: set[str]) -> set[str]:
    """Return the names of the files to test among files, and among what depends on them."""
    files = {
        os.path.normpath(file): {os.path.normpath(one) for one in needed} for file, needed in graph["files"].items()
    }
    found = set(first)
    while more := {file for file, needed in files.items() if needed & found} - found:
        found |= more
    return {Path(file).stem for file in found & {os.path.normpath(file) for file in graph["tested"]}}


@pytest.mark.parametrize(
    ("edited", "tested"),
    [
        ("models/gold/gold_daily_delays.sql", {"gold_daily_delays"}),
        ("models/silver/silver_weather_days.sql", {"silver_weather_days", "gold_daily_delays"}),
        ("macros/share.sql", {"gold_airline_months", "gold_visibility_delays"}),
        ("models/silver/silver.yml", SILVER | GOLD),
        ("tests/generic/unique_together.sql", {"bronze_weather"} | SILVER | GOLD),
        ("dbt_project.yml", BRONZE | SILVER | GOLD),
    ],
)
def test_an_edit_of_a_file(graph: dict[str, Any], edited: str, tested: set[str]) -> None:
    assert dependents(graph, {edited}) == tested


def test_an_edit_of_a_workflow(graph: dict[str, Any]) -> None:
    readers = {
        os.path.normpath(file) for file, tables in graph["tables"].items() if "raw.weather_observations" in tables
    }
    assert dependents(graph, readers) == {"bronze_weather"} | SILVER | GOLD
