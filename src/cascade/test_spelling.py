from __future__ import annotations

import pytest

from cascade.spelling import did_you_mean, nearest

TABLES = ["flights", "weather_observations", "orders", "customers"]
COMMANDS = ["init", "create-workflow", "list", "materialize", "table", "validate", "test", "dev"]
ARGUMENTS = ["unique_key", "validation_schema", "table_name", "partition_start", "partition_timezone", "max_retries"]
COLUMNS = ["id", "name", "at", "celsius", "station"]


def test_the_closest_name_is_suggested() -> None:
    assert nearest("weahter", ["flights", "weather", "weather_daily"]) == "weather"
    assert did_you_mean("weahter", ["flights", "weather"]) == ' Did you mean "weather"?'


@pytest.mark.parametrize(
    ("given", "known", "meant"),
    [
        ("fligths", TABLES, "flights"),
        ("order", TABLES, "orders"),
        ("Weather-Observations", TABLES, "weather_observations"),
        ("materialise", COMMANDS, "materialize"),
        ("tables", COMMANDS, "table"),
        ("lst", COMMANDS, "list"),
        ("tset", COMMANDS, "test"),
        ("etst", COMMANDS, "test"),
        ("create_workflow", COMMANDS, "create-workflow"),
        ("eunique_key", ARGUMENTS, "unique_key"),
        ("mrege", ["merge", "append"], "merge"),
        ("idd", COLUMNS, "id"),
        ("Celsius", COLUMNS, "celsius"),
        ("europe/berlin", ["Europe/Berlin", "Europe/Bern"], "Europe/Berlin"),
    ],
)
def test_a_slip_of_the_finger_is_found(given: str, known: list[str], meant: str) -> None:
    assert nearest(given, known) == meant


@pytest.mark.parametrize(
    ("given", "known", "meant"),
    [
        ("weather", TABLES, "weather_observations"),
        ("custom", TABLES, "customers"),
        ("orders_daily", TABLES, "orders"),
        ("create", COMMANDS, "create-workflow"),
        ("start", ARGUMENTS, "partition_start"),
        ("timezone", ARGUMENTS, "partition_timezone"),
        ("key", ARGUMENTS, "unique_key"),
        ("New_York", ["America/New_York", "America/Nome"], "America/New_York"),
    ],
)
def test_a_name_with_the_same_words_is_found(given: str, known: list[str], meant: str) -> None:
    assert nearest(given, known) == meant


def test_the_only_name_that_begins_so_is_found() -> None:
    assert nearest("gold_d", ["gold_daily_delays", "gold_routes"]) == "gold_daily_delays"
    assert nearest("gold_r", ["gold_routes_flown", "gold_ranks_of_days"]) is None
    assert nearest("g", ["gold_daily_delays"]) is None


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ("zzz", TABLES),
        ("user", TABLES),
        ("thing", TABLES),
        ("observations", COLUMNS),
        ("customer_id", COLUMNS),
        ("show", COMMANDS),
        ("run", COMMANDS),
        ("build", COMMANDS),
        ("upsert", ["merge", "append", "replace"]),
        ("PST", ["MST", "EST", "HST"]),
        ("CEST", ["EST", "MST"]),
        ("IST", ["Asia/Istanbul", "MST"]),
        ("", TABLES),
        ("id", ["", "_"]),
    ],
)
def test_nothing_is_suggested_if_no_name_is_close(given: str, known: list[str]) -> None:
    assert nearest(given, known) is None
    assert did_you_mean(given, known) == ""


def test_a_value_that_is_not_a_string_is_compared_as_one() -> None:
    assert nearest(2024, ["2023", "1999"]) == "2023"


def test_a_higher_cutoff_suggests_less() -> None:
    assert nearest("weather", ["whether"]) == "whether"
    assert nearest("weather", ["whether"], cutoff=0.95) is None
    assert nearest("weather", ["weather_observations"], cutoff=0.8) is None
