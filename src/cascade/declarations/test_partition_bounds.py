from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from cascade.declarations.partition_bounds import bound_problems


def problems(kind: str | None, timezone: str = "UTC", **bounds: object) -> list[str]:
    return bound_problems({"partitions": kind, "partition_timezone": timezone, **bounds})


@pytest.mark.parametrize(
    ("kind", "start", "neighbours"),
    [
        ("monthly", date(2024, 1, 15), ("2024-01-01", "2024-02-01")),
        ("monthly", date(2024, 12, 31), ("2024-12-01", "2025-01-01")),
        ("monthly", datetime(2024, 1, 1, 6), ("2024-01-01", "2024-02-01")),
        ("weekly", date(2024, 1, 1), ("2023-12-31", "2024-01-07")),
        ("weekly", date(2024, 1, 6), ("2023-12-31", "2024-01-07")),
        ("daily", datetime(2024, 1, 3, 5), ("2024-01-03", "2024-01-04")),
        ("daily", datetime(2024, 1, 3, 0, 0, 0, 1), ("2024-01-03", "2024-01-04")),
        ("hourly", datetime(2024, 1, 3, 5, 30), ("2024-01-03T05:00", "2024-01-03T06:00")),
        ("hourly", datetime(2024, 1, 3, 23, 59), ("2024-01-03T23:00", "2024-01-04T00:00")),
    ],
)
def test_a_bound_inside_a_partition_is_refused_with_the_two_nearest(
    kind: str, start: date, neighbours: tuple[str, str]
) -> None:
    a = "an" if kind == "hourly" else "a"
    (problem,) = problems(kind, partition_start=start)
    assert problem.startswith(f"partition_start: {start} is not where {a} {kind} partition begins.")
    assert all(f'"{each}"' in problem for each in neighbours)
    assert ("Weeks begin on Sundays" in problem) == (kind == "weekly")
    (problem,) = problems(kind, partition_end=start)
    assert problem.startswith(f"partition_end: {start} is not where {a} {kind} partition ends.")
    assert all(f'"{each}"' in problem for each in neighbours)


def test_the_error_says_which_of_the_two_keeps_the_days_that_were_meant() -> None:
    (problem,) = problems("monthly", partition_start=date(2024, 1, 15))
    assert 'Write "2024-01-01" to include the month it is in, or "2024-02-01" to leave it out.' in problem
    (problem,) = problems("monthly", partition_end=date(2024, 1, 15))
    assert 'Write "2024-01-01" to leave out the month it is in, or "2024-02-01" to include it.' in problem


@pytest.mark.parametrize(
    ("kind", "start"),
    [
        ("monthly", date(2024, 1, 1)),
        ("weekly", date(2024, 1, 7)),
        ("daily", date(2024, 2, 29)),
        ("daily", datetime(2024, 2, 29)),
        ("hourly", date(2024, 1, 3)),
        ("hourly", datetime(2024, 1, 3, 5)),
    ],
)
def test_a_bound_between_two_partitions_is_accepted(kind: str, start: date) -> None:
    assert problems(kind, partition_start=start) == problems(kind, partition_end=start) == []


def test_an_aware_bound_is_read_in_the_time_zone_of_the_partitions() -> None:
    assert problems("daily", "America/New_York", partition_start=datetime(2024, 1, 3, 5, tzinfo=UTC)) == []
    (problem,) = problems("daily", "America/New_York", partition_start=datetime(2024, 1, 3, tzinfo=UTC))
    assert "which is 2024-01-02 19:00:00 in America/New_York" in problem
    (problem,) = problems("hourly", "Asia/Kolkata", partition_start=datetime(2024, 1, 3, tzinfo=UTC))
    assert '"2024-01-03T05:00"' in problem and '"2024-01-03T06:00"' in problem


def test_an_hour_that_the_clocks_skip_is_not_a_bound() -> None:
    (problem,) = problems("hourly", "America/New_York", partition_start=datetime(2024, 3, 10, 2))
    assert '"2024-03-10T01:00"' in problem and '"2024-03-10T03:00"' in problem
    # The clocks of São Paulo skipped midnight, but the day has a partition.
    assert problems("daily", "America/Sao_Paulo", partition_start=date(2017, 10, 15)) == []


def test_the_hour_that_repeats_has_two_bounds() -> None:
    first, second = (datetime(2024, 11, 3, 1, tzinfo=ZoneInfo("America/New_York"), fold=fold) for fold in (0, 1))
    assert problems("hourly", "America/New_York", partition_start=first, partition_end=second) == []
    (problem,) = problems("hourly", "America/New_York", partition_start=second, partition_end=first)
    assert "is not after partition_start" in problem


def test_the_end_is_after_the_start_in_the_time_zone_of_the_partitions() -> None:
    start, end = date(2024, 1, 3), datetime(2024, 1, 3, 5, tzinfo=UTC)
    (problem,) = problems("daily", "America/New_York", partition_start=start, partition_end=end)
    assert "is not after partition_start" in problem


def test_a_bound_has_no_effect_without_partitions() -> None:
    assert problems(None, partition_start=date(2024, 1, 1)) == [
        "partition_start: has no effect with partitions=None; remove it."
    ]
