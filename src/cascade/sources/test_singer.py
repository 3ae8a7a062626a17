"""The records of a Singer tap, and a tap that misbehaves."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path

import pytest

from cascade.exceptions import SourceError, UsageError
from cascade.sources.singer import read_singer

MESSAGES = [
    {"type": "SCHEMA", "stream": "users", "schema": {}, "key_properties": ["id"]},
    {"type": "RECORD", "stream": "users", "record": {"id": 1, "name": "Zoë"}},
    {"type": "RECORD", "stream": "teams", "record": {"id": 7}},
    {"type": "STATE", "value": {}},
    {"type": "RECORD", "stream": "users", "record": {"id": 2}},
]


def tap(path: Path, text: str) -> list[str]:
    """Write a tap and return the command that starts it."""
    file = path / "tap.py"
    file.write_text(textwrap.dedent(text))
    return [sys.executable, str(file)]


def written(path: Path, *lines: str, end: str = "") -> list[str]:
    """Return the command of a tap that writes some lines."""
    (path / "lines").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return tap(path, f"import sys\nsys.stdout.buffer.write(open({str(path / 'lines')!r}, 'rb').read())\n{end}")


def test_the_records_of_one_stream_are_read(tmp_path: Path) -> None:
    command = written(tmp_path, *(json.dumps(each, ensure_ascii=False) for each in MESSAGES), "")
    assert list(read_singer(command, stream="users")) == [{"id": 1, "name": "Zoë"}, {"id": 2}]
    assert list(read_singer(command, stream="teams")) == [{"id": 7}]


def test_an_empty_stream_has_no_rows_and_a_missing_one_is_told(tmp_path: Path) -> None:
    command = written(tmp_path, json.dumps(MESSAGES[0]))
    assert list(read_singer(command, stream="users")) == []
    with pytest.raises(SourceError, match="no stream 'user'") as raised:
        list(read_singer(command, stream="user"))
    assert "It wrote users." in str(raised.value)


@pytest.mark.parametrize(
    ("lines", "end", "why"),
    [
        (["Starting"], "", "Line 1 of the output of the tap is not a Singer message"),
        (['["RECORD"]'], "", "Line 1 of the output of the tap is not a Singer message"),
        (["", '{"type": "RECORD", "stream": "users"}'], "", "Line 2 .* a RECORD without a record"),
        ([json.dumps(MESSAGES[1])], "sys.stdout.flush(); sys.exit(3)", "failed with exit code 3"),
    ],
)
def test_a_tap_that_misbehaves_fails(tmp_path: Path, lines: list[str], end: str, why: str) -> None:
    with pytest.raises(SourceError, match=why):
        list(read_singer(written(tmp_path, *lines, end=end), stream="users"))


def test_a_tap_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be started: no-such-tap --x: No such file"):
        list(read_singer(["no-such-tap", "--x"], stream="users"))
    with pytest.raises(UsageError, match="a list of words"):
        read_singer("meltano invoke tap-x", stream="users")


def test_a_run_that_stops_early_stops_the_tap(tmp_path: Path) -> None:
    command = tap(
        tmp_path,
        f"""
        import os, time
        open({str(tmp_path / "pid")!r}, "w").write(str(os.getpid()))
        print({json.dumps(json.dumps(MESSAGES[1]))}, flush=True)
        time.sleep(600)
        """,
    )
    records = read_singer(command, stream="users")
    assert next(records) == {"id": 1, "name": "Zoë"}
    records.close()  # type: ignore[attr-defined]
    with pytest.raises(ProcessLookupError):
        import os

        os.kill(int((tmp_path / "pid").read_text()), 0)
