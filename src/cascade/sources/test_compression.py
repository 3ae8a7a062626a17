from __future__ import annotations

import pyarrow as pa
import pytest

from cascade.exceptions import SourceError
from cascade.sources.conftest import Write, rows_of
from cascade.sources.files import read_csv, read_jsonl

TEXT = "id,name\n1,Köln\n"
KINDS = ["zstd", "lz4"]


def compressed(text: str, kind: str, encoding: str = "utf-8") -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, kind) as stream:
        stream.write(text.encode(encoding))
    return bytes(sink.getvalue())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_what_arrow_decompresses_is_read(write: Write, kind: str, encoding: str) -> None:
    read = read_csv(write("rows.csv", compressed(TEXT, kind, encoding)))
    assert rows_of(read) == [{"id": "1", "name": "Köln"}]


@pytest.mark.parametrize("kind", KINDS)
def test_files_that_were_joined_are_read_to_the_end(write: Write, kind: str) -> None:
    content = compressed('{"id": 1}\n', kind) + compressed('{"id": 2}\n', kind)
    assert rows_of(read_jsonl(write("rows.jsonl", content))) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_an_error(write: Write, kind: str) -> None:
    damaged = compressed(TEXT * 50, kind)[:-9]
    with pytest.raises(SourceError, match=r"rows\.csv cannot be read: "):
        list(read_csv(write("rows.csv", damaged)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\xff\x06\x00\x00sNaPpY...", "rows.csv is compressed with Snappy, not text"),
        (b"ORC\x08\x03...", "rows.csv is an ORC file, not text"),
        (b"Obj\x01\x04...", "rows.csv is an Avro file, not text"),
        (b"ARROW1\x00\x00...", "rows.csv is an Arrow file, not text"),
    ],
)
def test_a_file_of_another_kind_is_named(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        list(read_csv(write("rows.csv", content)))


@pytest.mark.parametrize("name", ["ORCID", "PAR1", "ARROW1"])
def test_a_column_may_be_called_as_a_binary_file_begins(write: Write, name: str) -> None:
    assert rows_of(read_csv(write("rows.csv", f"{name},b\n1,2\n".encode()))) == [{name: "1", "b": "2"}]
