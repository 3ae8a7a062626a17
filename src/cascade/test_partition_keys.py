from __future__ import annotations

from datetime import datetime

import dagster as dg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.exceptions import PartitionError
from cascade.partition_keys import choose_partitions

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-06")


def test_keys_and_ranges_are_taken_in_order_and_once() -> None:
    chosen = choose_partitions("a", DAYS, ["2024-01-05", "2024-01-02", "2024-01-05"], ["2024-01-01...2024-01-03"])
    assert chosen == ["2024-01-05", "2024-01-02", "2024-01-01", "2024-01-03"]


def test_an_asset_without_partitions_takes_none() -> None:
    assert choose_partitions("a", None, [], []) == [None]
    with pytest.raises(PartitionError, match="a has no partitions, but 2024-01-01 was given") as caught:
        choose_partitions("a", None, ["2024-01-01"], [], "cascade materialize")
    assert caught.value.hint == "Type: cascade materialize a"


@pytest.mark.parametrize(
    ("keys", "ranges", "message"),
    [
        ([], [], r"a is partitioned \(daily\), but no partition was given"),
        (["2024-02-01"], [], "2024-02-01 is not a partition of a"),
        ([], ["2024-01-01...2024-02-01"], "2024-02-01 is not a partition of a"),
    ],
)
def test_the_error_for_a_missing_or_unknown_key_suggests_one(keys: list[str], ranges: list[str], message: str) -> None:
    with pytest.raises(PartitionError, match=message) as caught:
        choose_partitions("a", DAYS, keys, ranges, "cascade materialize")
    assert "2024-01-01...2024-01-05" in str(caught.value)
    assert "cascade materialize a --partition 2024-01-05" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_range_is_written_in_one_way_only() -> None:
    with pytest.raises(PartitionError, match="not a range") as caught:
        choose_partitions("a", DAYS, [], ["2024-01-01:2024-01-03"])
    assert "FIRST...LAST" in str(caught.value)
    with pytest.raises(PartitionError, match="comes after") as caught:
        choose_partitions("a", DAYS, [], ["2024-01-03...2024-01-01"])
    assert caught.value.hint == "Write 2024-01-01...2024-01-03."


def test_partitions_do_not_have_to_be_times() -> None:
    letters = dg.StaticPartitionsDefinition(["a", "b", "c"])
    assert choose_partitions("x", letters, [], ["a...b"]) == ["a", "b"]


HOURS = dg.HourlyPartitionsDefinition(
    start_date=datetime(2024, 3, 9), end_date=datetime(2024, 3, 12), timezone="America/New_York"
)
AUTUMN_HOURS = dg.HourlyPartitionsDefinition(
    start_date=datetime(2024, 11, 2), end_date=datetime(2024, 11, 5), timezone="America/New_York"
)
WEEKS = dg.WeeklyPartitionsDefinition(start_date="2024-01-07", end_date="2024-03-03")
MONTHS = dg.MonthlyPartitionsDefinition(start_date="2024-01-01", end_date="2024-07-01")


@settings(max_examples=300, deadline=None)
@given(
    definition=st.sampled_from([HOURS, AUTUMN_HOURS, DAYS, WEEKS, MONTHS]),
    moment=st.datetimes(datetime(2024, 1, 1), datetime(2024, 12, 1)),
    minutes=st.sampled_from([0, 0, 0, 1, 30]),
    ending=st.sampled_from(["", "", "-0400", "-0500", " "]),
)
def test_exactly_the_listed_keys_are_accepted(
    definition: dg.TimeWindowPartitionsDefinition, moment: datetime, minutes: int, ending: str
) -> None:
    listed = definition.get_partition_keys()
    start = definition.start + (moment - datetime(2024, 1, 1)) % (definition.end - definition.start)  # type: ignore[operator]
    key = f"{start.replace(minute=minutes):{definition.fmt}}{ending}"
    if key in listed:
        assert choose_partitions("a", definition, [key], []) == [key]
        return
    with pytest.raises(PartitionError, match="is not a partition of a") as caught:
        choose_partitions("a", definition, [key], [])
    assert any(f"--partition {each}" in str(caught.value) for each in listed)


@pytest.mark.parametrize(
    ("definition", "key", "nearest"),
    [
        (HOURS, "2024-03-10-05:30", "2024-03-10-05:00 and 2024-03-10-06:00 are nearest"),
        (HOURS, "2024-03-10-02:00", "2024-03-10-03:00 is nearest"),
        (HOURS, "2024-03-10T05:00", "2024-03-10-05:00 is nearest"),
        (HOURS, "2024-03-10", "2024-03-10-00:00 is nearest"),
        (HOURS, "2024-03-11-23:30", "2024-03-11-23:00 is nearest"),
        (AUTUMN_HOURS, "2024-11-03-01:00-0400", "2024-11-03-01:00 is nearest"),
        (DAYS, "1999-01-01", "2024-01-01 is nearest"),
        (DAYS, "2024-1-5", "2024-01-05 is nearest"),
        (DAYS, "20240102", "2024-01-02 is nearest"),
        (DAYS, "2024-01-02-06:00", "2024-01-02 and 2024-01-03 are nearest"),
        (WEEKS, "2024-01-10", "2024-01-07 and 2024-01-14 are nearest"),
        (MONTHS, "2024-02", "2024-02-01 is nearest"),
        (dg.StaticPartitionsDefinition(["red", "green"]), "gren", "green is nearest"),
    ],
)
def test_the_error_names_the_keys_that_are_nearest(
    definition: dg.PartitionsDefinition[str], key: str, nearest: str
) -> None:
    with pytest.raises(PartitionError) as caught:
        choose_partitions("a", definition, [key], [], "cascade materialize")
    assert f"{nearest}. Type: cascade materialize a --partition {nearest.split()[0]}" in str(caught.value)


@pytest.mark.parametrize("key", ["2025-01-01", "x", "2024-02-30", ""])
def test_the_last_key_is_the_example_if_none_is_near(key: str) -> None:
    with pytest.raises(PartitionError) as caught:
        choose_partitions("a", DAYS, [key], [])
    assert str(caught.value).endswith("Its partitions are 2024-01-01...2024-01-05. For example: --partition 2024-01-05")


def test_a_range_with_a_key_that_dagster_would_round_is_refused() -> None:
    with pytest.raises(PartitionError, match="2024-03-10-02:00 is not a partition of a") as caught:
        choose_partitions("a", HOURS, [], ["2024-03-10-02:00...2024-03-10-04:00"])
    assert "2024-03-10-03:00 is nearest" in str(caught.value)
    assert choose_partitions("a", HOURS, [], ["2024-03-10-01:00...2024-03-10-04:00"]) == [
        "2024-03-10-01:00",
        "2024-03-10-03:00",
        "2024-03-10-04:00",
    ]
    assert choose_partitions("a", AUTUMN_HOURS, [], ["2024-11-03-01:00...2024-11-03-01:00-0500"]) == [
        "2024-11-03-01:00",
        "2024-11-03-01:00-0500",
    ]


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("", '"" is not a partition of a'),
        (" 2024-01-01", '" 2024-01-01" is not'),
        ("2024-01-01\n", r'"2024-01-01\n" is not'),
        ("\x1b[31mx", r'"\u001b[31mx" is not'),
        ("x" * 5000, f"{'x' * 80}... is not"),
    ],
)
def test_an_unusual_key_is_quoted_and_short_in_the_error(key: str, shown: str) -> None:
    with pytest.raises(PartitionError) as caught:
        choose_partitions("a", DAYS, [key], [])
    assert str(caught.value).startswith(shown)


def test_the_suggested_command_quotes_a_key_with_a_blank() -> None:
    cities = dg.StaticPartitionsDefinition(["New York", "Paris"])
    with pytest.raises(PartitionError) as caught:
        choose_partitions("a", cities, ["New Yorc"], [], "cascade materialize")
    assert "cascade materialize a --partition 'New York'" in str(caught.value.hint)
