"""Read JSON lines: each line decides its own values."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade.exceptions import SourceError
from cascade.sources.conftest import Write, line_of, rows_of, split
from cascade.sources.files import read_jsonl
from cascade.sources.json_lines import _number

ROWS: list[dict[str, Any]] = [{"meter": 1, "town": "Köln"}, {"meter": 2, "kwh": 2.5}]
TEXT = '{"meter": 1, "town": "Köln"}\n{"meter": 2, "kwh": 2.5}\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("rows.jsonl", TEXT.encode()),
        ("rows.ndjson", TEXT.encode().rstrip()),
        ("ROWS.JSONL", TEXT.replace("\n", "\r\n\r\n").encode()),
        ("rows.json", TEXT.replace("\n", "\r").encode()),
        ("rows.jsonl.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("rows", b"\xef\xbb\xbf" + TEXT.encode()),
        ("rows.txt", TEXT.encode("utf-16")),
        ("rows.log", TEXT.encode("cp1252")),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is a guess")
def test_every_form_of_a_file_reads_alike(write: Write, name: str, content: bytes) -> None:
    assert rows_of(read_jsonl(write(name, content))) == ROWS


def test_a_field_that_appears_late_is_read(write: Write) -> None:
    lines = [b'{"meter": 1, "measured_on": "2024-01-01"}'] * 100 + [b'{"meter": 2, "kwh": 2.5}', b'{"meter": "n/a"}']
    rows = rows_of(read_jsonl(write("rows.jsonl", b"\n".join(lines))))
    assert rows[100:] == [{"meter": 2, "kwh": 2.5}, {"meter": "n/a"}]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"nope", "it is not valid JSON: expecting value at character 1"),
        (b'{"meter": 1', "it is not valid JSON: expecting ',' delimiter at character 12"),
        (b"[1, 2]", "expected a JSON object, such as {...}, but found a list"),
        (b"null", "expected a JSON object, such as {...}, but found null"),
        (b"7", "expected a JSON object, such as {...}, but found a number"),
        (b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}", "its values are nested too deeply"),
        (b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}", "its values are nested too deeply"),
        (b'{"a": "x\ty"}', "it is not valid JSON: invalid control character at character 9"),
        (b'{"a": 1, "b": 2, "a": 3}', 'an object has the key "a" twice'),
        (b'{"a": [{"b": null, "b": null}]}', 'an object has the key "b" twice'),
        (b'{"a": 1e999}', "the number 1e999 is too large"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "it is not valid JSON: Exceeds the limit (4300 digits)"),
    ],
)
def test_a_malformed_line_is_refused_with_its_number(write: Write, line: bytes, problem: str) -> None:
    path = write("rows.jsonl", b'{"meter": 1}\n\n' + line + b'\n{"meter": 2}\n')
    rows, (refused,) = split(read_jsonl(path))
    assert rows == [{"meter": 1}, {"meter": 2}]
    assert (refused.rule, line_of(refused)["file"], line_of(refused)["line"]) == ("malformed_line", str(path), 3)
    assert refused.message.startswith(f"{path}, line 3: {problem}")
    assert line_of(refused)["text"] == line.decode()


def test_a_value_of_many_levels_is_read(write: Write) -> None:
    (row,) = rows_of(
        read_jsonl(write("rows.jsonl", b'{"a": ' + b"[" * 199 + b"]" * 199 + b', "b": [' + b"[]," * 300 + b"[]]}\n"))
    )
    assert len(row["b"]) == 301


def test_bytes_that_are_not_in_the_encoding_refuse_their_line_only(write: Write) -> None:
    path = write("rows.jsonl", '{"a": "é"}\n{"a": "è"}\n'.encode() + b'{"a": "\xe9"}\n{"a": "\\ud800"}\n')
    rows, (refused,) = split(read_jsonl(path))
    # An escape of half a character is the schema's to refuse.
    assert rows == [{"a": "é"}, {"a": "è"}, {"a": "\ud800"}]
    assert line_of(refused)["text"] == '{"a": "\\xe9"}'


@pytest.mark.parametrize("content", [b'[\n{"a": 1}\n]\n', b'[{"a": 1}, {"a": 2}]', b'{\n"a": 1\n}\n'])
def test_one_json_document_is_an_error_that_says_what_to_do(write: Write, content: bytes) -> None:
    with pytest.raises(
        SourceError, match=r"is one JSON document, not one JSON object per line\.\nRead it with json.load"
    ):
        list(read_jsonl(write("rows.json", content)))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf\r\n"])
def test_a_file_without_rows_has_no_rows(write: Write, content: bytes) -> None:
    assert rows_of(read_jsonl(write("rows.jsonl", content))) == []


def test_a_line_separator_within_a_value_does_not_end_the_line(write: Write) -> None:
    assert rows_of(read_jsonl(write("rows.jsonl", '{"a": "x\u2028y\x85z"}\n'.encode()))) == [{"a": "x\u2028y\x85z"}]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=20) | st.floats(allow_nan=False, allow_infinity=False))
def test_no_number_loses_digits(number: Decimal | float) -> None:
    text = format(number, "f") if isinstance(number, Decimal) else json.dumps(number)
    read = _number(text)
    assert Decimal(repr(read) if isinstance(read, float) else read) == Decimal(text)
