"""What a ledger says, its order of keys, and its text."""

from __future__ import annotations

import random
import time
from typing import Any

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.exceptions import PartitionError
from cascade.iceberg.ledger.contents import MOST_VERSIONS, UNKNOWN, Contents
from cascade.iceberg.ledger.encoding import Claim, Stored, claim, stored
from cascade.iceberg.ledger.intervals import Intervals, contains, count, merged, with_one, without
from cascade.iceberg.ledger.published import PublishedPartitions
from cascade.iceberg.ledger.schemes import UNPARTITIONED, Scheme

DAILY = Scheme("daily", "UTC")
NEW_YORK = Scheme("hourly", "America/New_York")

INTERVALS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6)).map(lambda each: (each[0], sum(each)))).map(
    merged
)


def numbers(intervals: Intervals) -> set[int]:
    return {number for first, last in intervals for number in range(first, last + 1)}


@settings(deadline=None)
@given(INTERVALS, INTERVALS, st.integers(0, 50))
def test_intervals_behave_like_sets(left: Intervals, right: Intervals, number: int) -> None:
    assert numbers(merged((*left, *right))) == numbers(left) | numbers(right)
    assert numbers(without(left, right)) == numbers(left) - numbers(right)
    assert numbers(with_one(left, number)) == numbers(left) | {number}
    assert contains(left, number) == (number in numbers(left))
    assert count(left) == len(numbers(left))
    for found in (with_one(left, number), without(left, right), merged((*left, *right))):
        assert found == merged((each, each) for each in numbers(found))


def every(kind: str, timezone: str, start: str, end: str) -> dg.TimeWindowPartitionsDefinition:
    kinds: dict[str, Any] = {
        "hourly": dg.HourlyPartitionsDefinition,
        "daily": dg.DailyPartitionsDefinition,
        "weekly": dg.WeeklyPartitionsDefinition,
        "monthly": dg.MonthlyPartitionsDefinition,
    }
    found: dg.TimeWindowPartitionsDefinition = kinds[kind](start_date=start, end_date=end, timezone=timezone)
    return found


SPANS = [
    ("hourly", "America/New_York", "2024-03-09-22:00", "2024-03-11-02:00"),
    ("hourly", "America/New_York", "2024-11-02-22:00", "2024-11-04-02:00"),
    ("hourly", "Asia/Kolkata", "2024-03-09-22:00", "2024-03-11-02:00"),
    ("hourly", "UTC", "1969-12-31-20:00", "1970-01-01-05:00"),
    ("daily", "America/New_York", "2024-02-27", "2024-03-20"),
    ("weekly", "Europe/Paris", "2023-12-10", "2024-02-04"),
    ("monthly", "UTC", "2023-10-01", "2024-04-01"),
]


@pytest.mark.parametrize(("kind", "timezone", "start", "end"), SPANS)
def test_neighboring_partitions_become_one_range(kind: str, timezone: str, start: str, end: str) -> None:
    keys = list(every(kind, timezone, start, end).get_partition_keys())
    scheme, contents = Scheme(kind, timezone), Contents()
    random.Random(1).shuffle(shuffled := keys.copy())
    for key in shuffled:
        contents = contents.published(scheme, key, "a")
    found = PublishedPartitions(True, contents)
    assert list(found) == keys
    assert [(each.first, each.last, each.count) for each in found.ranges] == [(keys[0], keys[-1], len(keys))]
    assert found.missing(every(kind, timezone, start, end)) == ()


@pytest.mark.parametrize(
    ("kind", "timezone", "start", "end"),
    [
        *SPANS,
        ("hourly", "Australia/Lord_Howe", "2024-04-06-22:00", "2024-04-08-02:00"),
        ("hourly", "Australia/Lord_Howe", "2024-10-05-22:00", "2024-10-07-02:00"),
    ],
)
def test_missing_partitions_are_those_of_the_definition_without_the_published_ones(
    kind: str, timezone: str, start: str, end: str
) -> None:
    partitions, contents = every(kind, timezone, start, end), Contents()
    keys = list(partitions.get_partition_keys())
    for key in keys[1::3]:
        contents = contents.published(Scheme.of(partitions), key, "a")
    found = PublishedPartitions(True, contents)
    assert list(found.missing(partitions)) == [key for key in keys if key not in keys[1::3]]
    assert [key for key in keys if key in found] == keys[1::3]


def test_partitions_of_another_length_or_time_zone_start_anew() -> None:
    contents = Contents().published(DAILY, "2024-01-15", "a")
    found = PublishedPartitions(True, contents)
    assert found.missing(every("daily", "Europe/Paris", "2024-01-15", "2024-01-16")) == ("2024-01-15",)
    assert "2024-01-15-00:00" not in found
    assert list(PublishedPartitions(True, contents.published(NEW_YORK, "2024-01-15-00:00", "a"))) == [
        "2024-01-15-00:00"
    ]


def test_names_never_stand_for_names_between_them() -> None:
    contents = Contents()
    for name in ("eu2", "eu1", "eu3", ""):
        contents = contents.published(UNPARTITIONED, name, "a")
    found = PublishedPartitions(True, contents)
    assert all(each.first == each.last for each in found.ranges) and set(found) == {"", "eu1", "eu2", "eu3"}
    assert found.missing(dg.StaticPartitionsDefinition(["us", "eu3", "eu2b", "eu1"])) == ("us", "eu2b")


def test_a_table_without_partitions_is_published_or_not() -> None:
    assert PublishedPartitions(False, Contents()).missing(None) == (None,)
    found = PublishedPartitions(True, Contents().published(UNPARTITIONED, None, "a"))
    assert (None in found, found.missing(None), found.code_version(None)) == (True, (), "a")
    assert "2024-01-15" not in found


@pytest.mark.parametrize("key", ["2024-01-15-05:00", "2024-1-15", "x", "", None])
def test_a_key_of_another_kind_has_no_position(key: str | None) -> None:
    with pytest.raises(PartitionError):
        DAILY.position(key)


@pytest.mark.parametrize("key", ["2024-01-15", "2024-01-15 05:00", "2024-01-15-05.00", "2024-01-15-25:00"])
def test_a_key_that_is_no_hour_has_no_position(key: str) -> None:
    with pytest.raises(PartitionError):
        NEW_YORK.position(key)


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 20), st.sampled_from("abc")), max_size=15), st.integers(0, 15))
def test_the_last_version_of_each_partition_counts(runs: list[tuple[int, str]], split: int) -> None:
    def after(some: list[tuple[int, str]]) -> Contents:
        contents = Contents()
        for day, version in some:
            contents = contents.published(DAILY, f"2024-01-{day:02}", version)
        return contents

    expected = {f"2024-01-{day:02}": version for day, version in runs}
    for contents in (after(runs), after(runs[split:]).after(after(runs[:split]))):
        found = PublishedPartitions(True, contents)
        assert {key: found.code_version(key) for key in found} == expected
        assert len(found) == len(expected)
        assert set(found.outdated("a")) == {key for key, version in expected.items() if version != "a"}


def test_only_the_newest_versions_keep_their_names() -> None:
    contents = Contents()
    for day in range(1, MOST_VERSIONS + 6):
        contents = contents.published(DAILY, f"2024-01-{day:02}", f"v{day}")
    found = PublishedPartitions(True, contents)
    assert len(contents.versions) == MOST_VERSIONS
    assert len(found) == MOST_VERSIONS + 5
    assert found.ranges[0].code_version is None
    assert found.code_version("2024-01-21") == "v21"
    assert contents.says(DAILY, "2024-01-01", UNKNOWN)


DAYS = st.sets(st.integers(700_000, 700_000 + 3000), max_size=900).map(lambda days: merged((day, day) for day in days))


@settings(deadline=None, max_examples=30)
@given(DAYS, st.sampled_from([DAILY, UNPARTITIONED]))
def test_the_text_reads_as_it_was_written(days: Intervals, scheme: Scheme) -> None:
    positions = days if scheme is DAILY else tuple((2 * first + 2**40, 2 * first + 2**40) for first, _ in days)
    if scheme is UNPARTITIONED:
        positions = tuple((each, each) for each in sorted({scheme.position(f"é{first}") for first, _ in days}))
    half = len(positions) // 2
    versions = (("a", positions[:half]), ("b", positions[half:]))
    contents = Contents(scheme, tuple(each for each in versions if each[1]))
    for keys in (("2024-01-15",), (None,)):
        found = Stored(contents, 2**62, None, keys)
        assert stored(found.text()) == found
    asked = Claim(contents, 7, 1)
    assert claim(asked.text()) == asked


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"format":2}', '{"format":1}', '{"format":1,"partitions":"daily UTC","published":"x"}'],
)
def test_a_text_of_another_format_is_no_ledger(text: str) -> None:
    assert stored(text) is None and claim(text) is None


def test_the_text_stays_short() -> None:
    """Ten years of hours: all but one; every second one; and half of them at random."""
    first = NEW_YORK.position("2015-01-01-00:00")
    hours = range(first, first + 10 * 8766)
    chance = random.Random(1)
    spans = {
        "whole": ((hours[0], hours[999]), (hours[1001], hours[-1])),
        "second": tuple((hour, hour) for hour in hours[::2]),
        "random": merged((hour, hour) for hour in hours if chance.random() < 0.5),
    }
    sizes = {}
    for name, positions in spans.items():
        found = Stored(Contents(NEW_YORK, (("a" * 12, positions),)), 1, None, ("2015-01-01-00:00",))
        before = time.process_time()
        text = found.text()
        stored.cache_clear()
        assert stored(text) == found
        sizes[name] = len(text)
        print(name, len(text), time.process_time() - before)
    assert sizes["whole"] < 250 and sizes["second"] < 1500 and sizes["random"] < 35_000
