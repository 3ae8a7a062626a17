from __future__ import annotations

import math
import struct
import tempfile
import uuid
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import IO

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from cascade.clock import Clock
from cascade.exceptions import CascadeError
from cascade.runs.report import Refusal
from cascade.runs.staging import staging
from cascade.schemas import RefusedRow, ValidationResult, declared_schema, validator_for
from cascade.schemas.keys import KeyReader

PLACE = pa.struct([("city", pa.string()), ("at", pa.timestamp("us", "UTC"))])
NOON = datetime(2013, 1, 15, 12, 0, 0, 1, tzinfo=UTC)
COLUMNS: dict[str, pa.Array] = {
    "id": pa.array([1, None, -(2**63)], pa.int64()),
    "uuid": pa.array([uuid.UUID(int=1).bytes, None, uuid.UUID(int=2**128 - 1).bytes], pa.uuid()),
    "price": pa.array(
        [Decimal("1.10"), None, Decimal("-99999999999999999999999999999999999.999")], pa.decimal128(38, 3)
    ),
    "at": pa.array([NOON, None, datetime(1, 1, 1, tzinfo=UTC)], pa.timestamp("us", "UTC")),
    "naive": pa.array([datetime(2013, 1, 15), None, datetime(9999, 12, 31)], pa.timestamp("us")),
    "day": pa.array([date(2013, 1, 15), None, date(1, 1, 1)]),
    "hour": pa.array([time(12, 0, 0, 1), None, time(0)], pa.time64("us")),
    "x": pa.array([math.nan, -0.0, math.inf], pa.float64()),
    "text": pa.array(["", None, "ä\0\U0001f600"], pa.string()),
    "raw": pa.array([b"", None, b"\0\xff"], pa.binary()),
    "tags": pa.array([[], None, ["a", None]], pa.list_(pa.string())),
    "place": pa.array([{"city": None, "at": NOON}, None, {"city": "x", "at": None}], PLACE),
    "places": pa.array([[None, {"city": "x", "at": NOON}], None, []], pa.list_(PLACE)),
    "ids": pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"a" * 16, b"b" * 16, None], pa.binary(16))),
}
ROWS = pa.table(COLUMNS)


class Reading(BaseModel):
    id: int
    celsius: float = Field(lt=60)


KEYS = KeyReader(declared_schema(Reading), ("id",))


def result(good: pa.Table, *refused: RefusedRow) -> ValidationResult:
    return ValidationResult(good=good, refused=refused, dropped_fields=())


def refused(number: int) -> RefusedRow:
    return RefusedRow("hot", None if number % 2 else "celsius", f"too hot: {number}", {"n": number})


def test_rows_are_read_exactly_as_they_were_staged() -> None:
    with staging(ROWS.schema, KEYS, Clock()) as stage:
        stage.add(result(ROWS))
        stage.add(result(ROWS.slice(1, 1)))
        staged = stage.finish()
        good = staged.good()
        assert good.schema.equals(ROWS.schema)
        assert staged.rows_good == good.num_rows == 4
        expected = pa.concat_tables([ROWS, ROWS.slice(1, 1)])
        for name in COLUMNS:
            if name != "x":
                assert good[name].to_pylist() == expected[name].to_pylist(), name
                assert good[name].type == ROWS[name].type
        bits = [[struct.pack("d", value) for value in column.to_pylist()] for column in (good["x"], expected["x"])]
        assert bits[0] == bits[1]
        assert good["places"].to_pylist()[0][0] is None


def test_rows_can_be_read_twice_and_outlive_the_stage() -> None:
    with staging(ROWS.schema, KEYS, Clock()) as stage:
        stage.add(result(ROWS))
        staged = stage.finish()
        first, second = staged.good(), staged.good()
    assert first["text"].to_pylist() == second["text"].to_pylist() == ["", None, "ä\0\U0001f600"]


def test_refused_rows_are_staged_in_order_and_the_first_are_known() -> None:
    clock = Clock()
    with staging(ROWS.schema, KEYS, clock) as stage:
        stage.add(result(ROWS.slice(0, 0), *map(refused, range(3))))
        stage.add(result(ROWS, *map(refused, range(3, 9))))
        staged = stage.finish()
        found = list(staged.refused())
    assert staged.rows_refused == 9
    assert found == [Refusal("hot", row.field, row.message, row.row_json) for row in map(refused, range(9))]
    assert staged.first_refused == tuple(found[:5])
    assert clock.seconds.keys() == {"stage"}


def test_nothing_staged_is_an_empty_table() -> None:
    with staging(ROWS.schema, KEYS, Clock()) as stage:
        staged = stage.finish()
        assert staged.good().equals(ROWS.schema.empty_table())
        assert list(staged.refused()) == []


def test_staged_rows_have_no_name_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with staging(ROWS.schema, KEYS, Clock()) as stage:
        stage.add(result(ROWS))
        assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a device that is always full")
@pytest.mark.parametrize("buffering", [0, -1])
def test_the_error_for_a_full_disk_has_the_directory_and_a_hint(
    monkeypatch: pytest.MonkeyPatch, buffering: int
) -> None:
    files: list[IO[bytes]] = []

    def full(**_: object) -> IO[bytes]:
        files.append(Path("/dev/full").open("wb", buffering=buffering))  # noqa: SIM115 (closed by `staging`)
        return files[-1]

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    with (
        pytest.raises(CascadeError, match=r"Could not stage rows in .*: No space left on device") as caught,
        staging(ROWS.schema, KEYS, Clock()) as stage,
    ):
        stage.add(result(ROWS))
    assert "TMPDIR" in str(caught.value)
    assert all(file.closed for file in files)


def staged_readings(batches: list[list[tuple[int, float]]]) -> tuple[list[tuple[int, float]], list[str], int]:
    """Stage batches of `(id, celsius)`. Return the rows that land, the messages of the others, and how many do not."""
    validator = validator_for(Reading, unique_key=("id",))
    with staging(declared_schema(Reading).arrow, KEYS, Clock()) as stage:
        for batch in batches:
            stage.add(validator.validate([{"id": n, "celsius": celsius} for n, celsius in batch]))
        staged = stage.finish()
        good = [(row["id"], row["celsius"]) for row in staged.good().to_pylist()]
        messages = [row.message for row in staged.refused()]
        assert staged.first_refused == tuple(staged.refused())[:5]
    return good, messages, staged.rows_superseded


NEWER = "an older row with the same key is valid, but does not land either, because this row is newer"


@pytest.mark.parametrize("split", [False, True])
def test_a_valid_row_does_not_land_if_a_newer_row_with_its_key_was_refused(split: bool) -> None:
    rows = [(1, 5.0), (2, 7.0), (1, 99.0), (3, 98.0)]
    good, messages, superseded = staged_readings([[row] for row in rows] if split else [rows])
    assert good == [(2, 7.0)]
    assert [NEWER in message for message in messages] == [True, False]
    assert messages[0].startswith("Input should be less than 60")
    assert superseded == 1


def test_a_valid_row_lands_if_the_refused_row_with_its_key_is_older() -> None:
    good, messages, superseded = staged_readings([[(1, 4.0), (1, 99.0)], [(1, 5.0)]])
    assert good == [(1, 4.0), (1, 5.0)]
    assert (superseded, [NEWER in message for message in messages]) == (0, [False])


@settings(deadline=None)
@given(st.lists(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1.0, 2.0, 99.0])), max_size=5), max_size=5))
def test_the_newest_row_of_a_key_decides_whether_the_key_lands(batches: list[list[tuple[int, float]]]) -> None:
    rows = [row for batch in batches for row in batch]
    last = dict(rows)
    good, messages, superseded = staged_readings(batches)
    assert dict(good) == {key: celsius for key, celsius in last.items() if celsius < 60}
    assert len(good) + superseded + len(messages) == len(rows)
    refused = [(at, key) for at, (key, celsius) in enumerate(rows) if celsius > 60]
    last_valid = {key: at for at, (key, celsius) in enumerate(rows) if celsius < 60}
    newer = [at > last_valid.get(key, at) for at, key in refused]
    assert [NEWER in message for message in messages] == newer
