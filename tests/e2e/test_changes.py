"""Which targets a change affects, and what `check` reports about a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.conftest import Repository

SHARED = "src/workflows/nyc_common/airports.py"
CHANGED = ("--changed-since=HEAD", "--changed-dependents=transitive")


def changed(repository: Repository, *options: str) -> set[str]:
    """Return the addresses of the targets that an edit affects."""
    return set(repository.pants(*CHANGED, *options, "list").ok().out.split())


def test_an_edit_in_a_shared_schema_affects_the_workflows_that_use_it(repository: Repository) -> None:
    assert changed(repository) == set()
    repository.write(SHARED, (repository.root / SHARED).read_text() + "\n# Edited.\n")
    touched = changed(repository)
    assert "//:dev" in touched
    assert "src/workflows/nyc_weather/schema.py" in touched
    assert "src/workflows/nyc_flights/flight_schema.py" in touched
    tests = changed(repository, "--filter-target-type=python_test")
    assert {
        "src/workflows/nyc_common/test_recorded.py:tests",
        "src/workflows/nyc_flights/test_flights.py",
        "src/workflows/nyc_weather/test_live.py",
        "src/workflows/nyc_weather/test_observations.py",
    } <= tests
    assert not [address for address in tests if address.startswith(("src/cascade", "pants-plugins"))]


def test_an_edit_in_one_workflow_does_not_affect_the_other(repository: Repository) -> None:
    path = "src/workflows/nyc_weather/live.py"
    repository.write(path, (repository.root / path).read_text() + "\n# Edited.\n")
    touched = changed(repository)
    assert "//:dev" in touched
    assert "src/workflows/nyc_weather/test_live.py" in touched
    assert not [address for address in touched if "nyc_flights" in address]


def test_an_edit_in_the_data_affects_the_tests_that_read_it(repository: Repository) -> None:
    path = repository.root / "src/workflows/nyc_flights/data/airlines.parquet"
    path.write_bytes(path.read_bytes() + b"\n")
    assert "src/workflows/nyc_flights/test_flights.py" in changed(repository, "--filter-target-type=python_test")


def test_an_edit_in_a_macro_tests_the_models_that_call_it(repository: Repository) -> None:
    repository.replace("src/transforms/macros/share.sql", "avg(", "averaged(")
    failed = repository.pants(*CHANGED, "--filter-target-type=cascade_dbt_file", "test")
    assert failed.code == 1, str(failed)
    results = [line.split()[:3] for line in failed.err.splitlines() if line.startswith(("✓", "✕"))]
    assert results == [
        ["✕", f"src/transforms/models/gold/{name}.sql:../../transforms", "failed"]
        for name in ("gold_airline_months", "gold_visibility_delays")
    ], str(failed)
    # What dbt says, and where the SQL is that it ran.
    assert "src/transforms/models/gold/gold_airline_months.sql:1: gold_airline_months: error" in failed.err
    (compiled,) = repository.root.glob("dist/test/*gold_airline_months*/compiled/gold_airline_months.sql")
    assert "averaged(case when is_canceled" in compiled.read_text()


def test_the_sql_of_a_model_is_linted_and_formatted(repository: Repository) -> None:
    path = "src/transforms/models/silver/silver_weather_days.sql"
    clean = (repository.root / path).read_text()
    repository.write(path, clean.replace("\nfrom ", "\n   from "))
    failed = repository.pants("lint", "src/transforms::")
    assert failed.code == 1, str(failed)
    assert f"== [{path}] FAIL" in failed.err and "[layout.indent]" in failed.err
    # Nothing else is wrong, also where dbt had to render macros.
    assert failed.err.count("] FAIL") == 1
    repository.pants("fmt", "src/transforms::").ok()
    assert (repository.root / path).read_text() == clean


def test_the_dependencies_of_the_project_are_its_workflows(repository: Repository) -> None:
    found = set(repository.pants("dependencies", ":dev").ok().out.split())
    assert {
        "src/workflows/nyc_flights/flights.py",
        "src/workflows/nyc_flights/reference.py",
        "src/workflows/nyc_weather/observations.py",
    } <= found
    assert not [address for address in found if "test_" in address]


def test_two_workflows_of_one_table_are_an_error_that_names_both(repository: Repository) -> None:
    repository.write("src/workflows/copied/BUILD", "cascade_workflow()\n")
    text = (repository.root / "src/workflows/nyc_flights/reference.py").read_text()
    repository.write("src/workflows/copied/reference.py", text)
    failed = repository.pants("dependencies", ":dev")
    assert failed.code != 0, str(failed)
    assert "src/workflows/copied/reference.py" in failed.err
    assert "src/workflows/nyc_flights/reference.py" in failed.err
    assert "airlines" in failed.err
    # The check of one of them knows the other.
    checked = repository.pants("check", "src/workflows/copied::")
    assert checked.code == 1, str(checked)
    said = next(line for line in checked.err.splitlines() if line.startswith("src/workflows/copied/reference.py:"))
    assert "the table raw.airlines is already declared at src/workflows/nyc_flights/reference.py:" in said


def test_check_reports_every_mistake_with_file_and_line(repository: Repository) -> None:
    repository.replace("src/workflows/nyc_flights/flights.py", 'group="nyc_flights"', 'gruop="nyc_flights"')
    repository.replace(
        "src/workflows/nyc_weather/observations.py", '("origin", "time_hour")', '("origin", "time_huor")'
    )
    # Only the whole project shows that nothing provides a resource.
    reference = "src/workflows/nyc_flights/reference.py"
    repository.replace(
        reference,
        "from cascade import cascade_ingestion",
        "import dagster as dg\nfrom cascade import cascade_ingestion",
    )
    repository.replace(reference, "def airlines()", "def airlines(register: dg.ResourceParam[str])")
    checked = repository.pants("check", "src/workflows::")
    assert checked.code == 1, str(checked)
    said = checked.out + checked.err
    for path, meant in (
        ("src/workflows/nyc_flights/flights.py", "group"),
        ("src/workflows/nyc_weather/observations.py", "time_hour"),
        (reference, "the parameter register takes the resource register, which the project does not have"),
    ):
        line = next((line for line in said.splitlines() if line.startswith(f"{path}:")), None)
        assert line is not None, said
        assert line[len(path) + 1 :].split(":")[0].isdigit()
        assert meant in said
    assert "Traceback" not in said
