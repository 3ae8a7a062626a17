"""Whatever Python's csv module writes is read back, and every line is a row or is refused with its number."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.sources.conftest import line_of, rows_of, split
from cascade.sources.files import read_csv

# A zero byte in the first lines of a file without a mark looks like UTF-16.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
TRICKY = st.text(st.sampled_from("a\",;\t|\r\n' \\#=é€\u2028\ufeff"), max_size=8)
ROWS = st.lists(st.lists(TEXT | TRICKY, min_size=3, max_size=3), min_size=1, max_size=8)


@settings(max_examples=50, deadline=None)
@given(
    rows=ROWS,
    delimiter=st.sampled_from(",;\t|"),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    # Only values that hold a character of the line end are quoted, so a line feed alone would leave CR without quotes.
    style=st.sampled_from([(csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_MINIMAL, "\r\n")]),
)
def test_rows_are_read_as_they_were_written(
    rows: list[list[str]], delimiter: str, encoding: str, style: tuple[int, str]
) -> None:
    text = io.StringIO(newline="")
    quoting, line_end = style
    writer = csv.writer(text, delimiter=delimiter, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(["one", "two", "three"])
    writer.writerows(rows)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "rows.csv")
        path.write_bytes(text.getvalue().encode(encoding))
        read = rows_of(read_csv(path, delimiter=delimiter, quote='"', encoding=encoding))
    # Without quotes, empty text and null are the same.
    assert [[value or "" for value in row.values()] for row in read] == rows


LINES = st.lists(
    st.sampled_from(["7,x", '8,"a{end}b"', '9,""', "short", "1,too,long", '5,"x"y', "\xff,x", ""]), max_size=20
)


@settings(max_examples=40, deadline=None)
@given(lines=LINES, end=st.sampled_from(["\n", "\r\n", "\r"]), before=st.integers(0, 2), is_marked=st.booleans())
def test_every_line_is_a_row_or_is_refused_with_its_number(
    lines: list[str], end: str, before: int, is_marked: bool
) -> None:
    written = [line.format(end=end) for line in lines]
    text = end * before + end.join(["a,b", *written]) + end
    number = before + 2
    rows: list[dict[str, str]] = []
    refused: list[int] = []
    for line in written:
        if line[:2] in ("7,", "8,", "9,"):
            rows.append({"a": line[0], "b": line[2:].strip('"')})
        elif line:
            refused.append(number)
        number += 1 + line.count(end)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "rows.csv")
        path.write_bytes((b"\xef\xbb\xbf" if is_marked else b"") + text.encode("latin-1"))
        found, not_rows = split(read_csv(path, encoding="utf-8"))
    assert found == rows
    assert [line_of(row)["line"] for row in not_rows] == refused
