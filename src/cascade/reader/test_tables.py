"""The names of tables."""

from __future__ import annotations

from .tables import free_table, other_table_notice, taken_table_problems


def test_a_free_table_is_kept() -> None:
    assert free_table("flights", {}) == "flights"
    assert taken_table_problems("flights", {"gold.flights": "x.py:1"}) == ()


def test_a_taken_table_gets_a_similar_name() -> None:
    taken = dict.fromkeys(["raw.weather_observations", "raw.weather_daily_observations", "raw.flights"], "x.py:1")
    assert free_table("weather_observations", taken) == "weather_daily_observations_2"
    assert free_table("flights", taken) == "daily_flights"


def test_the_problem_has_the_location_and_a_free_name() -> None:
    assert taken_table_problems("flights", {"raw.flights": "src/flights.py:7"}) == (
        "The table raw.flights is already declared in src/flights.py:7, and each of the two workflows would overwrite "
        "the other's rows. Choose another name, such as daily_flights.",
    )
    (problem,) = taken_table_problems("flights", {"raw.flights": "src/flights.py:7"}, "--table=")
    assert problem.endswith("such as --table=daily_flights.")


def test_the_notice_has_both_tables_and_the_location() -> None:
    assert other_table_notice("flights", "daily_flights", {"raw.flights": "src/flights.py:7"}) == (
        "The table is raw.daily_flights, because raw.flights is already declared in src/flights.py:7. "
        "Use --table to choose another name."
    )
