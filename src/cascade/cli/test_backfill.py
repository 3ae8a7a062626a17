"""Backfills resume with exactly the missing and failed partitions (G8)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg
import pytest

from cascade.cli.conftest import Cascade, program
from cascade.config import CascadeConfig
from cascade.framework.conftest import THINGS, SampleProject
from cascade.framework.instance import open_instance
from cascade.iceberg import open_lakehouse
from cascade.terminal.output import Output

__all__ = ["program"]

pytestmark = pytest.mark.usefixtures("program")


def days(*numbers: int) -> list[str]:
    return [f"2024-01-{number:02}" for number in numbers]


def published() -> list[str | None]:
    return list(open_lakehouse(CascadeConfig.from_user_config()).published("raw.things"))


def test_g8_a_second_backfill_runs_what_failed_and_nothing_else(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS)
    first = cascade("backfill", "things")
    assert first.exit_code == 1, first.output
    assert "warning: things 2024-01-03 failed: " in first.stderr
    assert "ValueError: the source is down" in first.stderr
    assert "things 2024-01-01: rows in 7, rows good 7, rows refused 0, " in first.stdout
    assert "Backfilled 4 of 5 partitions of things.\n" in first.stdout
    assert "See the refused rows: cascade quarantine show raw.things\n" in first.stdout
    assert "cascade --debug materialize things --partition 2024-01-03" in first.stdout
    assert "Run what failed again: cascade backfill things" in first.stdout
    assert published() == days(1, 2, 4, 5)

    document = cascade.json("backfill", "things", "--dry-run")
    assert document["reasons"] == {"missing": days(3), "failed": days(3)}
    assert document["partitions"] == days(3)
    assert cascade.json("backfill", "things")["totals"]["failed"] == days(3)
    assert cascade.json("backfill", "things", "--missing", "--to", "2024-01-02", "--dry-run")["partitions"] == []
    assert cascade.json("backfill", "things", "--stale", "--dry-run")["partitions"] == []


def test_the_partition_that_is_under_way_is_named(
    cascade: Cascade, project: SampleProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    @contextmanager
    def progress(out: Output, label: str, total: int) -> Iterator[Callable[[str], None]]:
        yield said.append

    monkeypatch.setattr(Output, "progress", progress)
    project.write("things.py", THINGS)
    assert cascade("backfill", "things", "--to", "2024-01-02").exit_code == 0
    assert said == [*days(1, 2), ""]


def test_nothing_to_do(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS)
    assert cascade("materialize", "things", "--partition", "2024-01-01").exit_code == 0
    result = cascade("backfill", "raw.things", "--to", "2024-01-01")
    assert (result.exit_code, result.stdout) == (
        0,
        "Nothing to do for things: of 1 partition, none is missing or failed.\n",
    )


def test_dagster_shows_the_runs_as_one_backfill(cascade: Cascade, project: SampleProject) -> None:
    project.write("things.py", THINGS)
    document = cascade.json("backfill", "things", "--from", "2024-01-02", "--to", "2024-01-03")
    with open_instance(CascadeConfig.from_user_config()) as instance:
        (record,) = instance.get_backfills()
        assert record.backfill_id == document["backfill_id"]
        assert record.status.value == "COMPLETED_FAILED"
        runs = instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": record.backfill_id}))
        assert sorted(run.tags["dagster/partition"] for run in runs) == days(2, 3)
        assert record.backfill_end_timestamp
        # Dagster's daemon must not start runs of it.
        from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES

        assert record.status in BULK_ACTION_TERMINAL_STATUSES


def test_an_asset_without_partitions(cascade: Cascade, project: SampleProject) -> None:
    source = THINGS.replace("partition_start=date(2024, 1, 1), partition_end=date(2024, 1, 6)", "partitions=None")
    project.write("things.py", source.replace("partition_date: str", "").replace("int(partition_date[-2:])", "1"))
    wrong = cascade("backfill", "things", "--from", "2024-01-01")
    assert wrong.exit_code == 2
    assert "things has no partitions, but 2024-01-01 was given.\nType: cascade backfill things" in wrong.stderr
    assert cascade("backfill", "things").exit_code == 0
    assert cascade("backfill", "things").stdout == "Nothing to do for things: it is not missing or failed.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("things", "--from", "2024-1-2"),
            "2024-1-2 is not a partition of things (daily).\nIts partitions are 2024-01-01...2024-01-05. "
            "2024-01-02 is nearest. Type: cascade backfill things --from 2024-01-02",
        ),
        (("things", "--to", "2024-01-06"), "2024-01-06 is not a partition of things (daily)."),
        (
            ("things", "--from", "2024-01-03", "--to", "2024-01-01"),
            "2024-01-03 comes after 2024-01-01.\nType: cascade backfill things --from 2024-01-01 --to 2024-01-03",
        ),
        (
            ("things", "--from", "2024-01-03", "--to", "2024-01-01", "--stale", "--dry-run"),
            "Type: cascade backfill things --stale --dry-run --from 2024-01-01 --to 2024-01-03",
        ),
        (
            ("things", "--from", "2024-1-2", "--to", "2024-01-03", "--stale"),
            "Type: cascade backfill things --stale --to 2024-01-03 --from 2024-01-02",
        ),
        (
            ("things", "--partition-range", "2024-1-2...2024-01-03"),
            "Type: cascade backfill things --to 2024-01-03 --from 2024-01-02",
        ),
        (("things", "--partition-range", "2024-01-02"), "Write it as FIRST...LAST."),
        (("things", "--partition-range", "2024-01-02...2024-01-03", "--to", "2024-01-04"), "excludes --from and --to"),
        (("thing",), 'There is no workflow "thing". Did you mean "things"?'),
        (("things", "--parallel", "0"), "0 is not in the range"),
    ],
)
def test_wrong_use_is_refused_before_anything_runs(
    cascade: Cascade, project: SampleProject, arguments: tuple[str, ...], said: str
) -> None:
    project.write("things.py", THINGS)
    result = cascade("backfill", *arguments)
    assert result.exit_code == 2, result.output
    assert said in result.stderr
