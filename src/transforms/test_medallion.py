"""Fill the tables of both domains for two days of 2013, and build the models on them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest

from cascade.config import CascadeConfig
from cascade.dbt import dbt_is_installed
from cascade.framework.definitions import build_definitions
from workflows.nyc_flights import flights, reference
from workflows.nyc_weather import observations

pytestmark = pytest.mark.skipif(not dbt_is_installed(), reason="dbt is not installed")

STORM = "2013-02-08"
UNOBSERVED = "2013-12-31"
# The table in PostgreSQL needs a server.
POSTGRES = dg.AssetSelection.key_prefixes("postgres")
MODULES = [module.__name__ for module in (flights, reference, observations)]


@pytest.fixture(scope="module")
def lakehouse_file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the DuckDB file with the models of a day with weather and one without, built from an empty directory."""
    root = tmp_path_factory.mktemp("new_york")
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("CASCADE_", "DBT_"))]:
            patch.delenv(name)
        patch.setenv("CASCADE_PROJECT_ROOT", str(root))
        config = CascadeConfig(project_root=root, dbt_project_dir=str(Path(__file__).parent))
        definitions = build_definitions(MODULES, config)
        run(definitions, UNOBSERVED, dg.AssetSelection.assets("flights"))
        result = run(definitions, STORM, dg.AssetSelection.groups("gold").upstream() - POSTGRES)
        checks = result.get_asset_check_evaluations()
        assert "unique_together_gold_daily_delays_flown_on__origin" in {check.check_name for check in checks}
        assert [check.check_name for check in checks if not check.passed] == []
    yield root / ".cascade" / "dbt" / "lakehouse.duckdb"


def run(definitions: dg.Definitions, day: str, selection: dg.AssetSelection) -> dg.ExecuteInProcessResult:
    keys = selection.resolve(definitions.resolve_asset_graph())
    job = definitions.resolve_implicit_global_asset_job_def()
    result = job.execute_in_process(partition_key=day, asset_selection=list(keys))
    assert result.success
    return result


def rows(file: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.sql(query).fetchall()


def test_each_day_and_airport_has_its_delays_beside_its_weather(lakehouse_file: Path) -> None:
    found = rows(
        lakehouse_file,
        """
        select
            flown_on::text, origin, flights, canceled_flights, late_flights, round(mean_departure_delay_minutes, 2),
            round(mean_temperature_f, 2), round(max_wind_speed_mph, 2),
            round(precipitation_inches, 2), min_visibility_miles
        from gold_daily_delays order by 1, 2
        """,
    )
    assert found == [
        (STORM, "EWR", 341, 177, 35, 8.62, 33.39, 27.62, 0.71, 0.5),
        (STORM, "JFK", 304, 159, 28, 8.55, 33.62, 28.77, 0.78, 0.5),
        (STORM, "LGA", 285, 136, 59, 27.86, 33.15, 28.77, 0.66, 0.5),
        (UNOBSERVED, "EWR", 270, 10, 47, 9.78, None, None, None, None),
        (UNOBSERVED, "JFK", 283, 3, 48, 7.84, None, None, None, None),
        (UNOBSERVED, "LGA", 223, 3, 32, 2.63, None, None, None, None),
    ]


def test_no_flight_leaves_in_fog_and_those_of_an_unobserved_day_are_counted(lakehouse_file: Path) -> None:
    found = rows(
        lakehouse_file,
        """
        select visibility, sum(flights), round(sum(flights * canceled_share)), round(sum(flights * late_share))
        from gold_visibility_delays group by 1
        """,
    )
    assert sorted(found) == [
        ("1 to 5 miles", 641, 363, 58),
        ("5 miles and more", 264, 84, 64),
        ("under 1 mile", 25, 25, 0),
        ("unknown", 776, 16, 127),
    ]


def test_every_flight_is_counted_once_in_each_mart(lakehouse_file: Path) -> None:
    for mart in ("gold_daily_delays", "gold_visibility_delays", "gold_airline_months"):
        assert rows(lakehouse_file, f"select sum(flights) from {mart}") == [(930 + 776,)]
    months = rows(lakehouse_file, "select distinct month::text from gold_airline_months order by 1")
    assert months == [("2013-02-01",), ("2013-12-01",)]


def test_codes_without_a_reference_row_keep_their_flights(lakehouse_file: Path) -> None:
    unnamed = "select distinct destination from silver_flights where destination_airport is null order by 1"
    assert rows(lakehouse_file, unnamed) == [("BQN",), ("PSE",), ("SJU",), ("STT",)]
