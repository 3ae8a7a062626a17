"""Read the rows of one partition."""

from __future__ import annotations

import warnings
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import AwareDatetime, BaseModel, Field

from cascade.exceptions import SourceError, UsageError
from cascade.notices import CascadeNotice
from cascade.partitions import PartitionWindow
from cascade.sources.conftest import Write, day, rows_of, split
from cascade.sources.files import read_csv, read_jsonl

NEW_YORK = ZoneInfo("America/New_York")


class Reading(BaseModel):
    meter: int
    measured_on: date = Field(validation_alias="Gemessen am")
    at: AwareDatetime


def kept(values: list[object], window: PartitionWindow, write: Write, **options: Any) -> list[object]:
    import json

    path = write("rows.jsonl", "\n".join(json.dumps({"on": value}) for value in values).encode())
    return [row["on"] for row in rows_of(read_jsonl(path, partition=window, partition_column="on", **options))]


def window(start: str, end: str) -> PartitionWindow:
    first, last = (datetime.fromisoformat(text).replace(tzinfo=NEW_YORK) for text in (start, end))
    return PartitionWindow(start, first, last)


@pytest.mark.parametrize(
    ("inside", "outside"),
    [
        (["2024-01-31", " 2024-01-31 "], ["2024-01-30", "2024-02-01"]),
        (["2024-01-31T00:00:00", "2024-01-31 23:59:59.999999"], ["2024-01-30T23:59:59", "2024-02-01T00:00:00"]),
        (["2024-01-31T05:00:00Z", "2024-02-01T04:59:59+00:00"], ["2024-01-31T04:59:59Z", "2024-02-01T00:00:00-05:00"]),
        ([1706677200, 1706677200000, 1706763599.5], [1706677199, 1706763600]),
    ],
)
def test_values_of_any_form_are_in_the_day_or_not(inside: list[object], outside: list[object], write: Write) -> None:
    assert kept([*outside, *inside], day("2024-01-31", "America/New_York"), write) == inside


@pytest.mark.parametrize(
    ("start", "end", "inside"),
    [
        ("2024-01-01", "2024-02-01", ["2024-01-01", "2024-01-31", "2024-02-01T04:59:59Z"]),
        ("2024-01-28", "2024-02-04", ["2024-01-31", "2024-02-01", "2024-02-01T04:59:59Z"]),
        ("2024-01-31T23:00", "2024-02-01T00:00", ["2024-02-01T04:59:59Z"]),
    ],
)
def test_months_weeks_and_hours_are_partitions_too(start: str, end: str, inside: list[object], write: Write) -> None:
    values: list[object] = ["2024-01-01", "2024-01-31", "2024-02-01", "2024-02-01T04:59:59Z", "2024-03-01"]
    assert kept(values, window(start, end), write) == inside


def test_a_row_whose_partition_is_unknown_is_refused(write: Write) -> None:
    path = write("rows.csv", b"meter,on\n1,2024-01-31\n2,\n3,n/a\n4,01.02.2024\n5,20240131\n")
    rows, refused = split(read_csv(path, partition=day("2024-01-31"), partition_column="on"))
    assert rows == [{"meter": "1", "on": "2024-01-31"}]
    assert [(row.rule, row.field, row.row["meter"]) for row in refused] == [
        ("partition_unknown", "on", meter) for meter in ("2", "3", "4", "5")
    ]
    assert [row.message.removeprefix(f"{path}: ") for row in refused] == [
        "the value is null, so the partition of the row is unknown.",
        '"n/a" is not a date or a time, so the partition of the row is unknown. '
        'If it is one, declare its format, such as formats={"on": "%d.%m.%Y"}.',
        '"01.02.2024" is not a date or a time, so the partition of the row is unknown. '
        'If it is one, declare its format, such as formats={"on": "%d.%m.%Y"}.',
        '"20240131" is not a date or a time, so the partition of the row is unknown. '
        'If it is one, declare its format, such as formats={"on": "%Y%m%d"}.',
    ]


@pytest.mark.parametrize(
    ("text", "form", "rewritten"),
    [
        ("31.01.2024", "%d.%m.%Y", "2024-01-31"),
        ("31.1.24", "%d.%m.%y", "2024-01-31"),
        ("01/31/2024", "%m/%d/%Y", "2024-01-31"),
        ("31.01.2024 13:05", "%d.%m.%Y %H:%M", "2024-01-31T13:05:00"),
        ("31.01.2024 13:05 +0100", "%d.%m.%Y %H:%M %z", "2024-01-31T13:05:00+01:00"),
        ("20240131", "%Y%m%d", "2024-01-31"),
    ],
)
def test_a_declared_format_is_rewritten_in_iso_8601(write: Write, text: str, form: str, rewritten: str) -> None:
    content = f"meter;on\n1;{text}\n2;{text}\n".encode()
    options: dict[str, Any] = {"formats": {"on": form, "absent": "%Y"}}
    rows = rows_of(read_csv(write("rows.csv", content), **options))
    assert rows == [{"meter": "1", "on": rewritten}, {"meter": "2", "on": rewritten}]
    read = read_csv(write("rows.csv", content), partition=day("2024-01-31"), partition_column="on", **options)
    assert rows_of(read) == rows


def test_text_that_is_not_in_the_declared_format_stays_for_the_schema_to_refuse(write: Write) -> None:
    content = b'{"on": "31.01.2024"}\n{"on": "soon"}\n{"on": null}\n{"on": true}\n{"on": 1.5}\n'
    rows = rows_of(read_jsonl(write("rows.jsonl", content), formats={"on": "%d.%m.%Y"}))
    assert [row["on"] for row in rows] == ["2024-01-31", "soon", None, True, 1.5]


def test_a_field_of_the_schema_is_found_by_its_name_in_the_source(write: Write) -> None:
    path = write("rows.csv", b"meter,Gemessen am\n1,2024-01-31\n2,2024-02-01\n")
    for column in ("measured_on", "Gemessen am"):
        read = read_csv(path, partition=day("2024-01-31"), partition_column=column, schema=Reading)
        assert [row["meter"] for row in rows_of(read)] == ["1"]


def test_files_without_a_row_of_the_partition_are_named_in_a_warning(write: Write) -> None:
    first = write("a.csv", b"meter,on\n1,2024-01-05\n")
    second = write("b.csv", b"meter,on\n2,2024-01-31\n3,2024-01-02\n")
    with pytest.warns(CascadeNotice) as warned:
        assert rows_of(read_csv([first, second], partition=day("2024-02-01"), partition_column="on")) == []
    (told,) = warned
    assert str(told.message) == (
        f'No row of partition 2024-02-01 is in {first}, {second}. "on" is from 2024-01-02 to 2024-01-31 there.'
    )


def test_moments_are_shown_in_the_time_zone_of_the_partition(write: Write) -> None:
    path = write("a.csv", b"on\n2024-01-31T02:00:00Z\n")
    with pytest.warns(CascadeNotice, match=r'"on" is 2024-01-30 21:00 there'):
        assert rows_of(read_csv(path, partition=day("2024-02-01", "America/New_York"), partition_column="on")) == []


def test_files_without_any_row_are_named_in_a_warning(write: Write) -> None:
    path = write("a.csv", b"meter,on\n")
    with pytest.warns(CascadeNotice, match=r'No row there has a date or time in "on"'):
        assert rows_of(read_csv(path, partition=day("2024-02-01"), partition_column="on")) == []


def test_there_is_no_warning_if_a_row_or_no_file_is_found(write: Write) -> None:
    path = write("a.csv", b"meter,on\n1,2024-01-31\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert rows_of(read_csv(path, partition=day("2024-01-31"), partition_column="on"))
        assert not rows_of(read_csv("no/*.csv", partition=day("2024-01-31"), partition_column="on", missing_ok=True))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"partition": "2024-01-31", "partition_column": "on"},
            "partition must be the window of the run, not '2024-01-31'",
        ),
        ({"partition": day("2024-01-31")}, "partition needs partition_column, too"),
        ({"partition_column": "on"}, "partition_column needs partition, too"),
        (
            {"partition": day("2024-01-31"), "partition_column": "measured", "schema": Reading},
            'partition_column "measured" is not a field of Reading.\nDid you mean "measured_on"?',
        ),
    ],
)
def test_arguments_that_do_not_fit_together_are_errors(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as raised:
        read_csv("rows.csv", **options)
    assert message in str(raised.value)


def test_a_file_that_lacks_the_column_is_an_error(write: Write) -> None:
    with pytest.raises(
        SourceError, match=r'a.csv has no column "on", which partition_column names. It has meter, day.'
    ):
        list(read_csv(write("a.csv", b"meter,day\n1,2\n"), partition=day("2024-01-31"), partition_column="on"))


def test_the_hour_that_clocks_repeat_is_two_partitions(write: Write) -> None:
    first = datetime(2024, 11, 3, 1, tzinfo=NEW_YORK)
    hours = [PartitionWindow("first", first, first.replace(fold=1)),
             PartitionWindow("second", first.replace(fold=1), first + timedelta(hours=1))]  # fmt: skip
    moments: list[object] = ["2024-11-03T05:30:00Z", "2024-11-03T06:30:00Z"]
    assert [kept(moments, hour, write) for hour in hours] == [moments[:1], moments[1:]]
