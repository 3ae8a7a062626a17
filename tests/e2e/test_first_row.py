"""The first promise of the README: one command writes rows, and running it again changes nothing.

The page of the examples shows a refused row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.conftest import Repository

FIRST_COMMAND = ("materialize", "weather_observations", "--partition", "2013-01-15")


def test_the_first_command_writes_rows_and_the_second_run_writes_no_snapshot(repository: Repository) -> None:
    first = repository.dev(*FIRST_COMMAND).ok()
    assert "2013-01-15T05:00:00" in first.out
    assert "rows in 72, rows good 72, rows refused 0" in first.out
    assert (repository.root / ".cascade").is_dir()
    before = repository.dev("table", "show", "weather_observations", "--json").json()
    again = repository.dev(*FIRST_COMMAND).ok()
    assert "no snapshot was written" in again.out
    assert repository.dev("table", "show", "weather_observations", "--json").json() == before
    assert repository.changes() == []


def test_every_asset_is_listed_with_its_module(repository: Repository) -> None:
    listed = repository.dev("list").ok().out
    for asset, module in (
        ("weather_observations", "workflows.nyc_weather.observations"),
        ("flights", "workflows.nyc_flights.flights"),
        ("airlines", "workflows.nyc_flights.reference"),
    ):
        assert any(line.split()[0] == asset and module in line for line in listed.splitlines()), listed


def test_a_wrong_partition_is_exit_2_and_suggests_a_valid_one(repository: Repository) -> None:
    for arguments in (("--partition", "2014-01-01"), ()):
        done = repository.dev("materialize", "flights", *arguments)
        assert done.code == 2, str(done)
        assert "--partition 2013-12-31" in done.err
        assert "Traceback" not in done.err


def test_json_prints_one_document_and_nothing_else(repository: Repository) -> None:
    document = repository.dev("materialize", "flights", "--partition-range", "2013-01-01...2013-01-02", "--json").json()
    assert "1785" in str(document)
