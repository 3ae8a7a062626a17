from __future__ import annotations

import itertools
import zoneinfo
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from croniter import croniter
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from cascade.declarations import IngestionDeclaration
from cascade.exceptions import DeclarationError, PartitionError
from cascade.ingestion import cascade_ingestion
from cascade.partition_keys import choose_partitions
from cascade.partitions import (
    _floor,
    _ticks_once,
    default_partition_start,
    fires_within_partition,
    first_key,
    has_ended,
    partitions_definition,
    window_for,
)


class Row(BaseModel):
    id: int


def declared(**arguments: Any) -> IngestionDeclaration:
    named = {"partition_start": "2013-01-01", "partition_end": "2014-01-01", **arguments}
    if named.get("partitions", "daily") is None:
        named |= {"partition_start": None, "partition_end": None}
    decorate = cascade_ingestion(table_name="rows", unique_key="id", group="g", validation_schema=Row, **named)
    return decorate(lambda: None).declaration


NEW_YORK = {"partition_timezone": "America/New_York"}


def test_a_window_is_aware_and_local() -> None:
    window = window_for(declared(**NEW_YORK), "2013-01-15")
    assert window is not None
    assert window.start.astimezone(UTC) == datetime(2013, 1, 15, 5, tzinfo=UTC)
    assert window.end.astimezone(UTC) == datetime(2013, 1, 16, 5, tzinfo=UTC)


@pytest.mark.parametrize(("day", "hours"), [("2013-03-10", 23), ("2013-03-11", 24), ("2013-11-03", 25)])
def test_the_day_of_a_clock_change_is_shorter_or_longer(day: str, hours: int) -> None:
    window = window_for(declared(**NEW_YORK), day)
    assert window is not None
    assert window.end - window.start == timedelta(hours=hours)
    assert window.start.date().isoformat() == day


def test_each_of_the_two_hours_that_clocks_show_twice_takes_an_hour() -> None:
    declaration = declared(partitions="hourly", **NEW_YORK)
    first, second = (window_for(declaration, key) for key in ("2013-11-03-01:00", "2013-11-03-01:00-0500"))
    assert first is not None and second is not None
    assert first.end - first.start == second.end - second.start == second.start - first.start == timedelta(hours=1)
    assert first.end == second.start
    assert (first.start.isoformat(), first.end.isoformat()) == (
        "2013-11-03T01:00:00-04:00",
        "2013-11-03T01:00:00-05:00",
    )


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    zone=st.sampled_from(sorted(zoneinfo.available_timezones() - {"localtime"})),
    partitions=st.sampled_from(["hourly", "daily"]),
    day=st.dates(date(2008, 1, 1), date(2024, 12, 1)),
    near_a_change=st.booleans(),
)
def test_windows_meet_and_subtract_to_the_time_that_passes(
    zone: str, partitions: str, day: date, near_a_change: bool
) -> None:
    if near_a_change:
        day = _before_the_next_clock_change(zone, day)
    # Where the clocks change by half an hour, as on Lord Howe Island, Dagster lists hours that it does not accept.
    assume(partitions == "daily" or _changes_by_whole_hours(zone, day))
    declaration = declared(
        partitions=partitions,
        partition_timezone=zone,
        partition_start=day,
        partition_end=day + timedelta(days=3),
    )
    definition = partitions_definition(declaration)
    assert definition is not None
    windows = [window_for(declaration, key) for key in definition.get_partition_keys()]
    for window, following in itertools.pairwise(each for each in windows if each is not None):
        passed = window.end.timestamp() - window.start.timestamp()
        assert window.end == following.start
        assert (window.end - window.start).total_seconds() == passed > 0
        assert window.start + (window.end - window.start) == window.end
        assert window.key.startswith(window.start.date().isoformat())


def _changes_by_whole_hours(zone: str, day: date) -> bool:
    local = zoneinfo.ZoneInfo(zone)
    times = [datetime.combine(day + timedelta(days=each), time(12), local) for each in range(-1, 5)]
    offsets = [moment.utcoffset() or timedelta() for moment in times]
    return all((one - other).seconds % 3600 == 0 for one, other in itertools.pairwise(offsets))


def _before_the_next_clock_change(zone: str, day: date) -> date:
    local = zoneinfo.ZoneInfo(zone)
    for number in range(366):
        before = day + timedelta(days=number)
        offsets = {datetime.combine(before + timedelta(days=each), time(12), local).utcoffset() for each in (0, 1)}
        if len(offsets) > 1:
            return before
    return day


@pytest.mark.parametrize(
    ("partitions", "start", "key"),
    [
        ("hourly", "2013-01-01", "2013-01-01-00:00"),
        ("daily", "2013-01-01", "2013-01-01"),
        ("weekly", "2013-01-06", "2013-01-06"),
        ("monthly", "2013-01-01", "2013-01-01"),
    ],
)
def test_the_first_key_of_each_kind_is_that_of_the_start(partitions: str, start: str, key: str) -> None:
    assert first_key(declared(partitions=partitions, partition_start=start, partition_end=None)) == key


@pytest.mark.parametrize(
    ("partitions", "start"), [("monthly", "2013-01-15"), ("weekly", "2013-01-01"), ("daily", "2013-01-01T06:00")]
)
def test_a_start_inside_a_partition_does_not_skip_it(partitions: str, start: str) -> None:
    with pytest.raises(DeclarationError, match=f"is not where a {partitions} partition begins"):
        declared(partitions=partitions, partition_start=start, partition_end=None)


def test_the_configured_start_suits_every_length_of_partition() -> None:
    with default_partition_start(date(2013, 1, 15)):
        assert first_key(declared(partitions="weekly", partition_start=None, partition_end=None)) == "2013-01-20"
        assert first_key(declared(partitions="monthly", partition_start=None, partition_end=None)) == "2013-02-01"


def test_without_partitions_there_is_no_key() -> None:
    whole = declared(partitions=None)
    assert partitions_definition(whole) is None
    assert first_key(whole) is None
    assert window_for(whole, None) is None


@pytest.mark.parametrize(
    ("arguments", "key", "said"),
    [
        ({}, None, r"raw.rows is partitioned \(daily\), but no partition was given"),
        ({}, "2012-12-31", "2012-12-31 is not a partition of raw.rows"),
        ({}, "2014-01-01", r"2013-01-01\.\.\.2013-12-31"),
        ({}, "15.1.2013", "15.1.2013 is not a partition"),
        ({"partitions": None}, "2013-01-15", "raw.rows has no partitions, but 2013-01-15 was given"),
        ({"partitions": "hourly"}, "2013-01-15", "is not a partition"),
        ({"partition_start": "2999-01-01", "partition_end": None}, "2999-01-01", "no complete partition yet"),
    ],
)
def test_the_error_for_a_wrong_key_has_the_valid_ones(arguments: dict[str, Any], key: str | None, said: str) -> None:
    with pytest.raises(PartitionError, match=said):
        window_for(declared(**arguments), key)


def keys_between(declaration: IngestionDeclaration, text: str) -> list[str | None]:
    return choose_partitions(declaration.table, partitions_definition(declaration), [], [text])


def test_a_range_has_both_its_ends() -> None:
    assert keys_between(declared(), "2013-01-30...2013-02-01") == ["2013-01-30", "2013-01-31", "2013-02-01"]
    assert keys_between(declared(), "2013-01-30...2013-01-30") == ["2013-01-30"]
    hourly = keys_between(declared(partitions="hourly", **NEW_YORK), "2013-11-03-00:00...2013-11-03-02:00")
    assert len(hourly) == 4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2013-01-30", "is not a range"),
        ("...2013-01-30", "is not a range"),
        ("2013-02-01...2013-01-30", "2013-02-01 comes after 2013-01-30"),
        ("2013-02-30...2013-03-01", "2013-02-30 is not a partition"),
    ],
)
def test_the_error_for_a_wrong_range_explains_it(text: str, said: str) -> None:
    with pytest.raises(PartitionError, match=said):
        keys_between(declared(), text)


def test_a_range_of_a_table_without_partitions() -> None:
    with pytest.raises(PartitionError, match="has no partitions"):
        keys_between(declared(partitions=None), "2013-01-01...2013-01-02")


@pytest.mark.parametrize(
    ("cron", "partitions", "within"),
    [
        ("0 6 * * *", "daily", False),
        ("0 6 * * 1-5", "daily", False),
        ("0 6,18 * * *", "daily", True),
        ("*/5 * * * *", "daily", True),
        ("0 * * * *", "hourly", False),
        ("*/30 * * * *", "hourly", True),
        ("0 6 * * *", "weekly", True),
        ("0 6 * * 0", "weekly", False),
        ("0 6 1 * *", "monthly", False),
        ("0 6 1,15 6 *", "monthly", True),
        ("@daily", "daily", False),
        ("0 6,18 * * *", None, False),
        (None, "daily", False),
    ],
)
def test_whether_a_cron_fires_within_a_partition(cron: str | None, partitions: str | None, within: bool) -> None:
    assert (
        fires_within_partition(declared(partition_start=None, partition_end=None, cron=cron, partitions=partitions))
        is within
    )


SUNDAYS = {"partition_start": "2013-01-06", "partition_end": "2014-01-05"}


def test_weeks_begin_on_sundays() -> None:
    """A tick on Saturday and one on Sunday are in different weeks, as Dagster has them."""
    assert not fires_within_partition(declared(cron="0 6 * * 6", partitions="weekly", **SUNDAYS))
    assert fires_within_partition(declared(cron="0 6 * * 0,6", partitions="weekly", **SUNDAYS))
    window = window_for(declared(partitions="weekly", **SUNDAYS), "2013-01-06")
    assert window is not None and window.start.date().toordinal() % 7 == 0


def test_the_end_is_local_and_exclusive() -> None:
    declaration = declared(**NEW_YORK)
    assert not has_ended(declaration, datetime(2014, 1, 1, 4, 59, tzinfo=UTC))
    assert has_ended(declaration, datetime(2014, 1, 1, 5, tzinfo=UTC))
    assert not has_ended(declared(partition_end=None), datetime(2999, 1, 1, tzinfo=UTC))


def test_the_default_start_is_the_configured_one(monkeypatch: pytest.MonkeyPatch) -> None:
    declaration = declared(partition_start=None)
    with default_partition_start(date(2013, 6, 1)):
        assert first_key(declaration) == "2013-06-01"
    monkeypatch.setenv("CASCADE_PARTITION_START", "2013-07-01")
    assert first_key(declaration) == "2013-07-01"


def test_an_aware_start_is_read_in_the_time_zone() -> None:
    assert first_key(declared(partition_start=datetime(2013, 1, 1, 5, tzinfo=UTC), **NEW_YORK)) == "2013-01-01"


@pytest.mark.parametrize("kind", ["hourly", "daily", "weekly", "monthly"])
def test_an_expression_that_plainly_ticks_once_does_not_tick_twice(kind: str) -> None:
    fields = itertools.product(
        ["0", "5", "*/20"], ["6", "*", "1,13"], ["*", "1", "1,15"], ["*", "3"], ["*", "0", "1-5"]
    )
    plain = [cron for cron in map(" ".join, fields) if _ticks_once(cron, kind)]
    assert plain
    for cron in plain:
        ticks = croniter(cron, datetime(2024, 1, 1))
        starts = [_floor(ticks.get_next(datetime), kind) for _ in range(60)]
        assert len(set(starts)) == len(starts), cron
