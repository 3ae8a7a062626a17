"""Whatever Python's csv module writes is read back, whatever the values are."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.sources.conftest import rows_of
from cascade.sources.files import read_csv

# A zero byte in the first lines of a file without a mark looks like UTF-16.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
TRICKY = st.text(st.sampled_from("a\",;\t|\r\n' \\#=é€\u2028\ufeff"), max_size=8)
ROWS = st.lists(st.lists(TEXT | TRICKY, min_size=3, max_size=3), min_size=1, max_size=8)


@settings(max_examples=80, deadline=None)
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
