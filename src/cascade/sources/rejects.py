"""The lines of a CSV file that DuckDB rejected, as refused rows with their numbers in the file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from cascade.exceptions import SourceError
from cascade.schemas.rows import RefusedRow
from cascade.sources.dialects import Dialect
from cascade.sources.malformed import malformed_line
from cascade.sources.text_files import Utf8File

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONGEST_LINE = 1 << 24
"""The length of the longest line that is a row, in bytes."""

_CHUNK = 1 << 20
_READ = 1 << 17
_EXAMINED_LINES = 100
_UNCLOSED = "UNQUOTED VALUE"
# One line can have several errors. DuckDB counts bytes from 1, and calls a record a line.
_REJECTED = """
    SELECT line_byte_position - 1, max(strlen(csv_line)), list(error_type::VARCHAR), list(column_idx),
        list(error_message)
    FROM reject_errors GROUP BY line_byte_position ORDER BY line_byte_position
"""


@dataclass(frozen=True)
class Cut:
    """Where to go on after a line whose quote stays open over lines that are rows themselves.

    Args:
        start: position of the line in bytes.
        end: position of the next line.
        line: number of the line.
    """

    start: int
    end: int
    line: int


def rejected_lines(
    connection: DuckDBPyConnection, text: Utf8File, dialect: Dialect, shown: str
) -> tuple[list[RefusedRow], Cut | None]:
    """Return the lines that are not rows. Call it after a scan of the file.

    Args:
        connection: the connection that scanned the file.
        text: the file.
        dialect: how the file is written.
        shown: its path as the user knows it.

    Returns:
        The refused rows up to the cut, and the cut, if there is one.

    Raises:
        SourceError: the header is malformed.
    """
    refused: list[RefusedRow] = []
    with text.path.open("rb") as stream:
        lines = _Lines(stream, text.lines_before)
        for position, length, kinds, columns, messages in connection.execute(_REJECTED).fetchall():
            start, number = lines.at(position)
            end = max(position + length, start)
            raw = lines.read(start, min(end, start + _READ))
            more = lines.between(start, end)
            problem = _problem(kinds, columns, messages, dialect, text)
            if dialect.header and position == 0:
                raise SourceError(
                    f"{shown}, line {number}: the header is malformed: {problem}.",
                    hint=f"Name all columns yourself, in place of the header: skip={number}, columns=[...].",
                )
            if more and _UNCLOSED in kinds and _are_rows(raw.split(lines.end)[1:], dialect):
                first = raw[: raw.index(lines.end) + 1]
                refused.append(_malformed(shown, number, first, "the quote that opens in it is not closed"))
                return refused, Cut(start, start + len(first), number)
            refused.append(_malformed(shown, number, raw, problem, number + more))
    return refused, None


class _Lines:
    """Counts the lines of a file up to ascending positions."""

    def __init__(self, stream: IO[bytes], before: int) -> None:
        self._stream = stream
        self._counted = 0
        self._before = before
        first = re.search(rb"\r\n|\r|\n", stream.read(_CHUNK))
        self.end = b"\r" if first is not None and first[0] == b"\r" else b"\n"

    def at(self, position: int) -> tuple[int, int]:
        """Return where the text of the line at a position starts, and its number."""
        # DuckDB can start a line at the second half of the line end before it.
        while (byte := self.read(position, position + 1)) and byte in b"\r\n":
            position += 1
        self._before += self._ends(self._counted, position)
        self._counted = position
        return position, self._before + 1

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes between two positions."""
        self._stream.seek(start)
        return self._stream.read(end - start)

    def between(self, start: int, end: int) -> int:
        """Return how many lines end between two positions, without the last if it ends there."""
        while end > start and self.read(end - 1, end) in b"\r\n":
            end -= 1
        return self._ends(start, end)

    def _ends(self, start: int, end: int) -> int:
        steps = range(start, end, _CHUNK)
        return sum(self.read(step, min(step + _CHUNK, end)).count(self.end) for step in steps)


def _are_rows(lines: Sequence[bytes], dialect: Dialect) -> bool:
    """Return whether most lines, each by itself, have the values of a row and no stray quote."""
    delimiter, quote = re.escape(dialect.delimiter.encode()), re.escape(dialect.quote.encode())
    value = rb"(?:%(q)s(?:[^%(q)s]|%(q)s%(q)s)*%(q)s|[^%(q)s%(d)s]*)" % {b"q": quote, b"d": delimiter}
    row = re.compile(rb"%s(?:%s%s){%d}\r?" % (value, delimiter, value, len(dialect.names) - 1))
    examined = [line for line in lines[:_EXAMINED_LINES] if line]
    return sum(row.fullmatch(line) is not None for line in examined) * 2 > len(examined)


def _malformed(shown: str, number: int, raw: bytes, problem: str, last: int | None = None) -> RefusedRow:
    text = raw.rstrip(b"\r\n").decode("utf-8", "backslashreplace")
    return malformed_line(shown, number, text, problem, last)


def _problem(
    kinds: Sequence[str], columns: Sequence[int | None], messages: Sequence[str], dialect: Dialect, text: Utf8File
) -> str:
    if "INVALID ENCODING" in kinds:
        return f"it holds bytes that are not {text.encoding}"
    if _UNCLOSED in kinds:
        column = columns[kinds.index(_UNCLOSED)]
        name = f' of "{dialect.names[column - 1]}"' if column and column <= len(dialect.names) else ""
        return f"the quotes around the value{name} are not closed where the value ends"
    if "LINE SIZE OVER MAXIMUM" in kinds:
        return f"it is longer than {LONGEST_LINE >> 20} MiB"
    counts = [int(word) for message in messages for word in message.split()[-1:] if word.isdigit()]
    if counts and ("MISSING COLUMNS" in kinds or "TOO MANY COLUMNS" in kinds):
        return f"expected {len(dialect.names)} values, but found {max(counts)}"
    return messages[0]
