from __future__ import annotations

import pytest

from cascade.scaffold.names import (
    asset_problems,
    cron_problems,
    domain_problems,
    good_domain,
    key_problems,
    package_problems,
    suggest,
    table_problems,
)


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("credit-risk", "credit_risk"),
        ("CreditRisk", "credit_risk"),
        ("2024 Sales", "workflow_2024_sales"),
        ("class", "workflow_class"),
        ("--", "workflow"),
        ("weather", "weather"),
    ],
)
def test_suggest_makes_identifiers(name: str, good: str) -> None:
    assert suggest(name, prefix="workflow") == good


def test_the_problem_of_a_bad_package_names_the_directory_to_use() -> None:
    (problem,) = package_problems("workflows.credit-risk", "src/workflows/credit-risk")
    assert "'credit-risk'" in problem
    assert "Use src/workflows/credit_risk instead of src/workflows/credit-risk." in problem


def test_every_bad_part_of_a_package_is_named() -> None:
    (problem,) = package_problems("My-Team.class", "py/My-Team/class")
    assert "'My-Team', 'class'" in problem
    assert "Use py/my_team/workflow_class instead" in problem


def test_a_package_must_be_in_its_directory() -> None:
    (problem,) = package_problems("workflows.weather", "src/weather")
    assert "must end with workflows/weather" in problem
    assert list(package_problems("workflows.weather", "workflows/weather")) == []


def test_a_package_must_not_hide_the_standard_library() -> None:
    (problem,) = package_problems("json", "src/json")
    assert "workflows/json" in problem
    assert list(package_problems("workflows.json", "src/workflows/json")) == []


@pytest.mark.parametrize(
    ("domain", "good"),
    [
        ("credit-risk", "credit_risk"),
        ("Weather", "weather"),
        ("class", "workflow_class"),
        ("", "workflow"),
        ("_x", "x"),
        ("__", "workflow"),
        ("test_weather", "weather"),
        ("weather_test", "weather"),
        ("test_weather_test", "weather"),
        ("test_", "workflow"),
        ("conftest", "workflow"),
        ("wetter-größe", "wetter_gro_e"),
        ("météo", "meteo"),
    ],
)
def test_the_problem_of_a_bad_domain_names_a_good_one(domain: str, good: str) -> None:
    (problem,) = domain_problems(domain)
    assert f"Use {good!r}, for example." in problem
    assert good_domain(domain) == good
    assert list(domain_problems(good)) == []


@pytest.mark.parametrize("domain", ["weather", "select", "json", "x2", "latest_weather", "tests"])
def test_a_good_domain_is_unchanged(domain: str) -> None:
    assert list(domain_problems(domain)) == []
    assert good_domain(domain) == domain


@pytest.mark.parametrize("name", ["", "a b", "raw.x", 'x"; drop', "naïve"])
def test_a_table_that_dagster_refuses_is_a_problem(name: str) -> None:
    assert len(list(table_problems("table", name))) == 1


def test_a_good_table_has_no_problem() -> None:
    assert list(table_problems("table", "Weather_2")) == []


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((), "at least one"),
        (("a-b",), "'a_b'"),
        (("1st",), "'key_1st'"),
        (("class",), "'key_class'"),
        (("_id",), "'id'"),
        (("schema",), "'key_schema'"),
        (("model_id",), "'key_model_id'"),
        (("id", "id"), "'id' more than once"),
        (("ID", "id"), "'ID', 'id' differ"),
    ],
)
def test_a_column_that_cannot_be_a_field_is_a_problem(columns: tuple[str, ...], expected: str) -> None:
    (problem,) = key_problems(columns)
    assert expected in problem


@pytest.mark.parametrize("cron", ["0 6 * * *", "*/5 * * * 1-5", "@daily", "0 0 1 JAN *"])
def test_a_good_cron_has_no_problem(cron: str) -> None:
    assert list(cron_problems(cron)) == []


@pytest.mark.parametrize("cron", ["", "daily", "0 6 * *", "0 25 * * *", "0 6 * * *\n", "0 6 * * * 2024", '" 6 * * *'])
def test_an_invalid_cron_is_a_problem(cron: str) -> None:
    (problem,) = cron_problems(cron)
    assert repr(cron) in problem


def test_without_croniter_the_form_of_a_cron_is_still_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "croniter", None)
    assert list(cron_problems("0 25 * * *")) == []
    assert len(list(cron_problems("every day"))) == 1


@pytest.mark.parametrize("asset", ["observations", "forecasts", "hourly_prices_2", "a" * 32])
def test_assets_that_can_name_a_function(asset: str) -> None:
    assert not list(asset_problems(asset))


@pytest.mark.parametrize(
    ("asset", "said"),
    [
        ("", "Use 'rows_of'"),
        ("a-b", "Use 'a_b'"),
        ("class", "Use 'rows_of_class'"),
        ("List", "Use 'daily_list'"),
        ("_hidden", "Use 'hidden'"),
        ("test_it", "Use 'it'"),
        ("files", "Use 'daily_files'"),
        ("print", "Use 'daily_print'"),
        ("a" * 33, "has 33 characters. At most 32"),
    ],
)
def test_assets_that_cannot_name_a_function(asset: str, said: str) -> None:
    (problem,) = asset_problems(asset)
    assert said in problem
