from __future__ import annotations

import dagster as dg
import pytest

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
