"""Which partitions are run, and what is known of each run."""

from __future__ import annotations

import dagster as dg
import pytest

from cascade.exceptions import ConfigError, PartitionError
from cascade.framework.runs import RunOutcome, choose_partitions, run_partitions

DAYS = dg.DailyPartitionsDefinition(start_date="2024-01-01", end_date="2024-01-06")


def test_keys_and_ranges_are_taken_in_order_and_once() -> None:
    chosen = choose_partitions("a", DAYS, ["2024-01-05", "2024-01-02", "2024-01-05"], ["2024-01-01...2024-01-03"])
    assert chosen == ["2024-01-05", "2024-01-02", "2024-01-01", "2024-01-03"]


def test_an_asset_without_partitions_takes_none() -> None:
    assert choose_partitions("a", None, [], []) == [None]
    with pytest.raises(PartitionError, match="a has no partitions, and 2024-01-01 was given") as caught:
        choose_partitions("a", None, ["2024-01-01"], [], "cascade materialize")
    assert caught.value.hint == "Use: cascade materialize a"


@pytest.mark.parametrize(
    ("keys", "ranges", "message"),
    [
        ([], [], "a is partitioned, and no partition was given"),
        (["2024-02-01"], [], "2024-02-01 is not a partition of a"),
        ([], ["2024-01-01...2024-02-01"], "2024-02-01 is not a partition of a"),
    ],
)
def test_a_missing_or_unknown_key_names_one_to_use(keys: list[str], ranges: list[str], message: str) -> None:
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


def test_partitions_need_not_be_times() -> None:
    letters = dg.StaticPartitionsDefinition(["a", "b", "c"])
    assert choose_partitions("x", letters, [], ["a...b"]) == ["a", "b"]


def outcome_where_a_resource_raises(error: Exception) -> RunOutcome:
    @dg.resource
    def store(_: dg.InitResourceContext) -> None:
        raise error

    @dg.asset(required_resource_keys={"store"})
    def held() -> None:
        """Is never reached."""

    definitions = dg.Definitions(assets=[held], resources={"store": store})
    with dg.DagsterInstance.ephemeral() as instance:
        (outcome,) = run_partitions(definitions, held.key, [None], instance=instance)
    return outcome


def test_what_a_resource_raises_is_the_reason_of_the_failure() -> None:
    outcome = outcome_where_a_resource_raises(ConfigError("The catalog cannot be opened.", hint="Start it."))
    assert not outcome.success
    assert outcome.error is not None
    assert (outcome.error.kind, str(outcome.error)) == ("ConfigError", "The catalog cannot be opened.\nStart it.")
    assert "in store" in outcome.error.traceback


def test_no_password_is_in_the_reason_of_a_failure() -> None:
    outcome = outcome_where_a_resource_raises(OSError("no postgresql://me:hush@host"))
    assert outcome.error is not None
    assert outcome.error.message == "no postgresql://me:**********@host"
