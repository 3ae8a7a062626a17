"""Read CSV files as people send them."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import pytest

from cascade.exceptions import SourceError, UsageError
from cascade.sources import delimited, rejects, text_files
from cascade.sources.conftest import Write, line_of, rows_of, split
from cascade.sources.files import read_csv

ROWS = [{"id": "1", "name": "Köln"}, {"id": "2", "name": None}, {"id": "3", "name": ""}]
TEXT = 'id,name\n1,Köln\n2,\n3,""\n'
UTF8 = TEXT.encode()


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(UTF8, id="plain"),
        pytest.param(UTF8.rstrip(), id="no line end at the end of the file"),
        pytest.param(b"\xef\xbb\xbf" + UTF8, id="byte order mark"),
        pytest.param(TEXT.replace("\n", "\r\n").encode(), id="CRLF"),
        pytest.param(TEXT.replace("\n", "\r").encode(), id="CR"),
        pytest.param('id,name\r\n1,Köln\n2,\r3,""\r\n'.encode(), id="line ends of three kinds"),
        pytest.param(TEXT.replace(",", ";").encode(), id="semicolon"),
        pytest.param(TEXT.replace(",", "\t").encode(), id="tab"),
        pytest.param(TEXT.replace(",", "|").encode(), id="pipe"),
        pytest.param(f"sep=;\r\n{TEXT.replace(',', ';')}".encode(), id="sep line"),
        pytest.param(f"\n\n{TEXT}".encode(), id="blank lines before the header"),
        pytest.param(UTF8.replace(b"1,", b"\n1,") + b"\n\n", id="blank lines"),
        pytest.param(b'id,name,\n1,K\xc3\xb6ln,\n2,,\n3,"",\n', id="delimiter at the end of each line"),
        pytest.param(b'"id", "name"\n1, "K\xc3\xb6ln"\n2,\n3,""\n', id="blanks before quotes"),
        pytest.param(TEXT.encode("cp1252"), id="cp1252"),
        pytest.param(TEXT.encode("utf-16"), id="UTF-16"),
        pytest.param(TEXT.encode("utf-16-le"), id="UTF-16 without a mark"),
        pytest.param(TEXT.encode("utf-16-be"), id="UTF-16 without a mark, high byte first"),
        pytest.param(TEXT.encode("utf-32"), id="UTF-32"),
        pytest.param(f"sep=;\r\n{TEXT}".replace(",", ";").encode("utf-16"), id="UTF-16 with a sep line"),
        pytest.param(gzip.compress(UTF8), id="gzip"),
        pytest.param(gzip.compress(TEXT.encode("utf-16")), id="UTF-16 in gzip"),
        pytest.param(bz2.compress(UTF8), id="bzip2"),
        pytest.param(lzma.compress(UTF8), id="xz"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*is a guess")
def test_every_form_of_a_file_reads_alike(write: Write, content: bytes) -> None:
    assert rows_of(read_csv(write("rows.csv", content))) == ROWS


def test_values_are_text_whatever_the_first_rows_hold(write: Write) -> None:
    lines = [b"meter,kwh", *(b"%d,%d" % (meter, meter) for meter in range(150)), b"150,20.5", b"151,n/a", b"007,1e3"]
    rows = rows_of(read_csv(write("rows.csv", b"\n".join(lines))))
    assert [row["kwh"] for row in rows[-4:]] == ["149", "20.5", "n/a", "1e3"]
    assert rows[-1]["meter"] == "007"


def test_a_value_in_quotes_holds_line_ends_delimiters_and_quotes(write: Write) -> None:
    content = b'id,name\r\n1,"a\nb, ""c"""\r\n2,"d\r\ne"\r\n'
    assert rows_of(read_csv(write("rows.csv", content))) == [
        {"id": "1", "name": 'a\nb, "c"'},
        {"id": "2", "name": "d\r\ne"},
    ]


@pytest.mark.parametrize(
    ("content", "delimiter_of_header"),
    [
        (b"a;b\n1,0;2,0\n3,5;4,1\n", ["a", "b"]),
        (b"a,b\n1;2,x;y\n3;4,x;z\n", ["a", "b"]),
        (b"text\nhello, world\nfoo; bar\n", ["text"]),
        (b"a,b\n1,x\n2,y,z\n3,w\n", ["a", "b"]),
        (b"a,b,c\n1,2,3\n", ["a", "b", "c"]),
        (b"when,at\n10:00,a b\n11:00,c d\n", ["when", "at"]),
        (b"a,b\n", []),
    ],
)
def test_the_header_decides_the_delimiter(write: Write, content: bytes, delimiter_of_header: list[str]) -> None:
    rows, _ = split(read_csv(write("rows.csv", content)))
    assert list(rows[0] if rows else []) == delimiter_of_header


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (b"1,x\n2,y\n", {"columns": ["id", "name"]}, [{"id": "1", "name": "x"}, {"id": "2", "name": "y"}]),
        (b"Report\nof today\n\nid,name\n1,x\n", {"skip": 2}, [{"id": "1", "name": "x"}]),
        (b"id,id\n1,2\n", {"skip": 1, "columns": ["a", "b"]}, [{"a": "1", "b": "2"}]),
        (b"id||name\n1||x\n", {"delimiter": "||"}, [{"id": "1", "name": "x"}]),
        (b"id\tname\n1\t\"x\n2\t5\"\n", {"quote": ""}, [{"id": "1", "name": '"x'}, {"id": "2", "name": '5"'}]),
        (b"id,name\n1,'x,y'\n", {"quote": "'"}, [{"id": "1", "name": "x,y"}]),
        (b'id,name\n1,NA\n2,"NA"\n3,""\n', {"nulls": ["NA"]}, [
            {"id": "1", "name": None},
            {"id": "2", "name": "NA"},
            {"id": "3", "name": ""},
        ]),
        (b'"id","name"\n"1",""\n', {"quoted_nulls": True}, [{"id": "1", "name": None}]),
        (b"id,,ID\n1,2,3\n", {}, [{"id": "1", "column_2": "2", "ID": "3"}]),
        (b"id,name\n1,\x8e\n", {"encoding": "mac_roman"}, [{"id": "1", "name": "é"}]),
        (b'"a\nb",c\n1,2\n', {}, [{"a\nb": "1", "c": "2"}]),
        (b'a,b\n1,"x\\"y"\n2,z\n', {}, [{"a": "1", "b": 'x"y'}, {"a": "2", "b": "z"}]),
        (b"a,b\n1,x\x00y\n", {}, [{"a": "1", "b": "x\x00y"}]),
        (b"id\n1\n\n2\n\n", {}, [{"id": "1"}, {"id": "2"}]),
    ],
)  # fmt: skip
def test_options(write: Write, content: bytes, options: dict[str, Any], expected: list[dict[str, Any]]) -> None:
    assert rows_of(read_csv(write("rows.csv", content), **options)) == expected


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", b"id,name\n", b"id,name", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)]
)
def test_a_file_without_rows_has_no_rows(write: Write, content: bytes) -> None:
    assert rows_of(read_csv(write("rows.csv", content))) == []


@pytest.mark.parametrize(
    ("content", "good", "refused"),
    [
        (b"a,b\n1,x\n2\n3,y,z\n4,w\n", ["1", "4"], [(3, "2", "expected 2 values, but found 1"),
                                                    (4, "3,y,z", "expected 2 values, but found 3")]),
        (b"sep=;\r\na;b\r\n1;\"x\r\ny\"\r\n2\r\n", ["1"], [(5, "2", "expected 2 values, but found 1")]),
        (b"a,b\r1,x\r2\r3,y\r", ["1", "3"], [(3, "2", "expected 2 values, but found 1")]),
        ("a,b\n1,é\n2,".encode() + b"\xe9\n3,y\n", ["1", "3"], [(3, "2,\\xe9", "it holds bytes that are not utf-8")]),
        (b'a,b\n1,x\n2,"y"z\n3,w\n', ["1", "3"],
         [(3, '2,"y"z', 'the quotes around the value of "b" are not closed where the value ends')]),
        (b'a,b\n1,"x\n2,y\n3,"z"\n4\n', ["2", "3"], [(2, '1,"x', "the quote that opens in it is not closed"),
                                                     (5, "4", "expected 2 values, but found 1")]),
        (b'a,b\n1,x\n2,"y\n3,z\n4,w\n', ["1", "3", "4"], [(3, '2,"y', "the quote that opens in it is not closed")]),
        (b'a,b\n1,"one\ntwo\nthree"x\n2,y\n', ["2"],
         [(2, '1,"one\ntwo\nthree"x', 'the quotes around the value of "b" are not closed where the value ends')]),
    ],
)  # fmt: skip
def test_a_malformed_line_is_refused_with_its_number(
    write: Write, content: bytes, good: list[str], refused: list[tuple[int, str, str]]
) -> None:
    path = write("rows.csv", content)
    rows, found = split(read_csv(path))
    assert [row["a"] for row in rows] == good
    assert [(line_of(row)["line"], line_of(row)["text"], row.message.partition(": ")[2]) for row in found] == refused
    assert {(row.rule, row.field, line_of(row)["file"]) for row in found} == {("malformed_line", None, str(path))}


def test_a_line_that_a_quote_joins_to_others_names_all_of_them(write: Write) -> None:
    path = write("rows.csv", b'a,b\n1,"one\ntwo\nthree"x\n2,y\n')
    _, (refused,) = split(read_csv(path))
    assert refused.message.startswith(f"{path}, lines 2 to 4: ")


def test_rows_after_malformed_lines_of_a_large_file_are_read(write: Write) -> None:
    lines = [b"id,text,n"]
    for number in range(200_000):
        lines.append(b'%d,"some text\nhere %d",%d' % (number, number, number))
        if number % 50_000 == 0:
            lines += [b"bad", b'%d,"open,4' % number]
    rows = 0
    refused = []
    for piece in read_csv(write("rows.csv", b"\n".join(lines))):
        if hasattr(piece, "num_rows"):
            rows += piece.num_rows
        else:
            refused.append(piece)
    # Each open quote is closed by the quote of the next row, whose second line is then malformed, too.
    assert rows == 200_000 - 4
    assert len(refused) == 4 * 3


def test_many_open_quotes_are_an_error_that_says_what_to_do(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "_MOST_UNCLOSED", 2)
    content = b"a,b\n" + b'1,"x\n2,y\n3,z\n4,"w"\n' * 3
    with pytest.raises(SourceError, match=r'more than 2 lines with a quote that is not closed.\nPass quote=""'):
        list(read_csv(write("rows.csv", content)))


def test_a_line_that_is_too_long_is_refused(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (delimited, rejects):
        monkeypatch.setattr(module, "LONGEST_LINE", 1 << 20)
    rows, (refused,) = split(read_csv(write("rows.csv", b"a,b\n1," + b"x" * (2 << 20) + b"\n2,y\n")))
    assert rows == [{"a": "2", "b": "y"}]
    assert refused.message.endswith("line 2: it is longer than 1 MiB")
    assert len(str(line_of(refused)["text"])) < 1 << 17


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"id,name,id\n1,2,3\n", 'rows.csv has more than one column "id".\nName all columns yourself'),
        (b'"a"x,b\n1,2\n', "rows.csv, line 1: the header is malformed"),
        (b'a,"b\n1,2\n3,4\n', "rows.csv, line 1: the header is malformed"),
        (b"x" * (1 << 18), "The header of"),
        (b"PK\x03\x04...", "rows.csv is a zip archive or an Excel workbook, not text.\nUnpack it"),
        (b"PAR1\x15\x04...", "rows.csv is a Parquet file, not text.\nRead it with read_parquet."),
        (gzip.compress(UTF8, mtime=0)[:-4], "rows.csv cannot be read: Compressed file ended"),
        (gzip.compress(UTF8 * 50, mtime=0)[:30] + b"damaged" * 9, "rows.csv cannot be read: "),
        (TEXT.encode("utf-16")[:-1], "rows.csv is damaged, or not in utf-16-le: truncated data"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(write: Write, content: bytes, message: str) -> None:
    with pytest.raises(SourceError) as raised:
        list(read_csv(write("rows.csv", content)))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "id"}, "take a list of texts"),
        ({"nulls": "NA"}, "take a list of texts"),
        ({"skip": -1}, "skip is a number of lines, not -1"),
        ({"columns": []}, "columns must name each column once"),
        ({"columns": ["a", "a"]}, "columns must name each column once"),
        ({"delimiter": ""}, "delimiter must be one to four characters"),
        ({"delimiter": "\n"}, "delimiter must be one to four characters"),
        ({"quote": "''"}, "quote must be one character"),
        ({"formats": {"on": "%Q"}}, "is not a format of a date or time"),
    ],
)
def test_wrong_options_are_errors_before_a_file_is_read(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_csv("missing.csv", **options)


def test_an_unknown_encoding_is_an_error() -> None:
    with pytest.raises(SourceError, match=r"encoding='utf-99' is not an encoding that Python knows"):
        read_csv("missing.csv", encoding="utf-99")


def test_several_files_are_read_in_order_each_with_its_own_form(write: Write, tmp_path: Path) -> None:
    write("in/b.csv", b"id;name\n2;y\n")
    write("in/A.CSV", b"name,id\nx,1\n")
    write("in/c.txt", b"id\n3\n")
    read = read_csv([f"{tmp_path}/in/*.csv", tmp_path / "in/c.txt", tmp_path / "in/b.csv"])
    assert rows_of(read) == [{"name": "x", "id": "1"}, {"id": "2", "name": "y"}, {"id": "3"}]


def test_a_file_whose_name_is_a_pattern_is_read(write: Write) -> None:
    assert rows_of(read_csv(write("it's [1] 100% *.csv", UTF8))) == ROWS


@pytest.mark.parametrize("name", ["rows.csv.gz", "rows.csv.zst", "rows.parquet"])
def test_the_name_of_a_file_does_not_decide_how_it_is_read(write: Write, name: str) -> None:
    assert rows_of(read_csv(write(name, UTF8))) == ROWS


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full disk to write to")
def test_a_full_disk_is_an_error_that_names_the_directory(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def full() -> Iterator[IO[bytes]]:
        with Path("/dev/full").open("wb", buffering=0) as stream:
            yield stream

    monkeypatch.setattr(text_files, "temporary_copy", full)
    with pytest.raises(SourceError, match=r"rows.csv cannot be copied to .*: No space left on device"):
        list(read_csv(write("rows.csv", TEXT.encode("utf-16"))))


def test_a_pattern_finds_files_below(write: Write, tmp_path: Path) -> None:
    write("in/2024/01/a.csv.gz", gzip.compress(UTF8))
    assert rows_of(read_csv(f"{tmp_path}/in/**/*.csv.gz")) == ROWS


def test_a_file_of_a_package_is_read() -> None:
    assert rows_of(read_csv(files("cascade.sources") / "__init__.py", columns=["text"]))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("in/*.csv", 'No file matches "in/*.csv" in the working directory'),
        (["a.csv", "b.csv"], 'No file matches "a.csv" or "b.csv" in the working directory'),
        ([], "No file matches an empty list of paths."),
        ("/", '"/" is a directory.'),
        ("s3://bucket/a.csv", '"s3://bucket/a.csv" is an address'),
    ],
)
def test_files_that_are_not_there_are_an_error(given: Any, message: str) -> None:
    with pytest.raises(SourceError) as raised:
        read_csv(given)
    assert message in str(raised.value)


def test_a_missing_file_can_be_allowed(write: Write) -> None:
    assert rows_of(read_csv("in/*.csv", missing_ok=True)) == []
    assert rows_of(read_csv(["in/*.csv", write("rows.csv", UTF8)], missing_ok=True)) == ROWS


def test_nothing_is_written_beside_the_file(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("in/rows.csv", TEXT.encode("utf-16") * 1)
    monkeypatch.chdir(path.parent)
    assert rows_of(read_csv("rows.csv")) == ROWS
    assert [entry.name for entry in path.parent.iterdir()] == ["rows.csv"]
