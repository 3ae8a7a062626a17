"""Sets of partitions agree with plain sets of keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.iceberg.ledger.partition_set import PartitionSet
from cascade.iceberg.ledger.schemes import UNPARTITIONED, Scheme

DAILY = Scheme("daily", "UTC")
DAYS = [f"2024-02-{day:02}" for day in range(1, 30)]
KEYS = st.sets(st.sampled_from(DAYS))


def of(keys: set[str]) -> PartitionSet:
    return PartitionSet.of_keys(DAILY, keys)


@given(KEYS, KEYS, st.sampled_from(DAYS), st.sampled_from(DAYS))
def test_they_agree_with_sets_of_keys(ours: set[str], theirs: set[str], first: str, last: str) -> None:
    assert list(of(ours)) == sorted(ours)
    assert set(of(ours) | of(theirs)) == ours | theirs
    assert set(of(ours) & of(theirs)) == ours & theirs
    assert set(of(ours) - of(theirs)) == ours - theirs
    assert (len(of(ours)), bool(of(ours))) == (len(ours), bool(ours))
    assert {key for key in DAYS if key in of(ours)} == ours
    assert set(of(ours).between(first, last)) == {key for key in ours if first <= key <= last}
    assert sum(each.count for each in of(ours).ranges) == len(ours)


def test_sets_of_other_schemes_have_nothing_in_common() -> None:
    weekly, daily = PartitionSet.of_keys(Scheme("weekly", "UTC"), ["2024-02-04"]), of({"2024-02-04"})
    assert not daily & weekly
    assert list(daily - weekly) == ["2024-02-04"]
    assert list(daily | weekly) == ["2024-02-04"]
    assert "2024-02-04-05:00" not in daily


def test_the_only_partition_of_a_table_without_any() -> None:
    whole = PartitionSet.of_keys(UNPARTITIONED, [None])
    assert (list(whole), str(whole.ranges[0])) == ([None], "")
    assert list(whole.between(None, None)) == [None]


def test_ranges_read_as_the_command_line_writes_them() -> None:
    assert [str(each) for each in of({"2024-02-01", "2024-02-02", "2024-02-09"}).ranges] == [
        "2024-02-01...2024-02-02",
        "2024-02-09",
    ]


@pytest.mark.parametrize("offset", [0, 1])
@pytest.mark.parametrize(
    "kind", [dg.HourlyPartitionsDefinition, dg.DailyPartitionsDefinition, dg.WeeklyPartitionsDefinition]
)
@pytest.mark.parametrize("timezone", ["UTC", "America/New_York", "Australia/Lord_Howe"])
def test_closed_partitions_are_those_of_dagster_that_have_ended(kind: type, offset: int, timezone: str) -> None:
    start = (datetime.now(UTC) - timedelta(days=400)).replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    partitions = kind(start_date=start, timezone=timezone, end_offset=offset)
    now = datetime.now(UTC)
    ended = [key for key in partitions.get_partition_keys() if partitions.time_window_for_partition_key(key).end <= now]
    found = PartitionSet.closed(partitions, now)
    if (kind, timezone) == (dg.HourlyPartitionsDefinition, "Australia/Lord_Howe"):
        # Where clocks change by half an hour, Dagster begins two partitions in one hour of the ledger.
        assert set(ended[-24:]) <= set(found)
    else:
        assert list(found) == ended


def test_no_partition_has_ended_before_the_start() -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=3)
    partitions = dg.DailyPartitionsDefinition(start_date=tomorrow.strftime("%Y-%m-%d"), end_offset=1)
    assert not PartitionSet.closed(partitions, datetime.now(UTC))
