"""How a CSV file is written: its delimiter, its quotes and the names of its columns."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.exceptions import SourceError
from cascade.sources.text_files import Utf8File

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

_DELIMITERS = (",", ";", "\t", "|")
# The delimiter of a file with one column, whose values may contain any of the others.
_NONE = "\x1f"
_LONGEST_HEADER = 1 << 16
_SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|])\s*'[^']*'\s*(?:$|[,;\t|])")
_JSON = re.compile(r'\s*(?:\[\s*)?\{\s*(?:"|\}|$)|\s*\[\s*\]?\s*$')
# The sniffer calls what it saw no use of by this name.
_UNSEEN = "(empty)"


@dataclass(frozen=True)
class Dialect:
    """How a file is written.

    Args:
        delimiter: what stands between two values.
        quote: what encloses a value; empty if nothing does.
        escape: what precedes a quote inside of a value.
        names: the names of the columns.
        header: whether the first record is the header.
    """

    delimiter: str
    quote: str
    escape: str
    names: tuple[str, ...]
    header: bool


def dialect_of(
    connection: DuckDBPyConnection,
    text: Utf8File,
    shown: str,
    *,
    delimiter: str | None,
    quote: str | None,
    columns: Sequence[str] | None,
) -> Dialect | None:
    """Find how a file is written, by DuckDB's sniffer and by its first line.

    Args:
        connection: the connection to DuckDB.
        text: the file.
        shown: its path as the user knows it.
        delimiter: the delimiter that the user named.
        quote: the quote that the user named; empty for none.
        columns: names of the columns of a file without a header.

    Returns:
        The dialect, or None for a file without a line.

    Raises:
        SourceError: the header is unreadable, or names two columns alike.
    """
    first = _first_record(text, quote if quote is not None else '"')
    if not first:
        return None
    if columns is None and _JSON.match(first):
        raise SourceError(
            f"{shown} looks like JSON, not CSV.",
            hint="Read one JSON object per line with read_jsonl, and one document with json.load.",
        )
    delimiter = delimiter or text.separator
    sniffed, quoted, escaped = _sniffed(connection, text, delimiter, quote)
    if quote is None and quoted == "'" and not _SINGLE_QUOTED.search(first):
        # An apostrophe around some values, or two of them, is part of the text.
        sniffed, quoted, escaped = _sniffed(connection, text, delimiter, '"')
    if delimiter is None:
        delimiter = sniffed if sniffed and sniffed in first else _most_frequent(first)
    quote = quote if quote is not None else quoted or '"'
    escape = (escaped or quote) if quote else ""
    names = tuple(columns) if columns is not None else _header(text, shown, delimiter, quote, escape)
    return Dialect(delimiter, quote, escape, names, header=columns is None)


def _first_record(text: Utf8File, quote: str) -> str:
    """Return the first line, and those after it if a quote in it is still open."""
    with text.path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        record = stream.readline()
        while quote and record.count(quote) % 2 and len(record) < _LONGEST_HEADER and (line := stream.readline()):
            record += line
    return record.rstrip("\r\n")


def _sniffed(
    connection: DuckDBPyConnection, text: Utf8File, delimiter: str | None, quote: str | None
) -> tuple[str, str, str]:
    """Return the delimiter, the quote and the escape that the sniffer found, empty where it found none."""
    import duckdb

    options: dict[str, object] = {"all_varchar": True, "header": True, "ignore_errors": True, "skip": 0}
    options["compression"] = "none"
    options |= {} if delimiter is None else {"delim": delimiter}
    options |= {} if quote is None else {"quote": quote}
    named = ", ".join(f"{name} = ${name}" for name in options)
    query = f"SELECT Delimiter, Quote, Escape FROM sniff_csv($path, {named})"
    try:
        (found,) = connection.execute(query, {"path": str(text.path), **options}).fetchall()
    except duckdb.Error:
        # A file of one line, or one that no dialect fits. The first line then decides.
        return "", "", ""
    sniffed = ["" if value in (None, _UNSEEN) else str(value) for value in found]
    return sniffed[0], sniffed[1], sniffed[2]


def _most_frequent(line: str) -> str:
    counts = {mark: line.count(mark) for mark in _DELIMITERS}
    return max(_DELIMITERS, key=counts.__getitem__) if any(counts.values()) else _NONE


def _header(text: Utf8File, shown: str, delimiter: str, quote: str, escape: str) -> tuple[str, ...]:
    with text.path.open(encoding="utf-8", errors="surrogateescape", newline="") as stream:
        try:
            if len(delimiter) > 1:
                record = stream.readline().rstrip("\r\n").split(delimiter)
            else:
                record = next(
                    csv.reader(
                        stream,
                        delimiter=delimiter,
                        quotechar=quote or None,
                        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
                        doublequote=escape == quote,
                        escapechar=escape if escape and escape != quote else None,
                        skipinitialspace=True,
                    )
                )
        except csv.Error as error:
            raise SourceError(
                f"The header of {shown} is malformed: {error}.",
                hint="Is it a CSV file? Name its columns: columns=[...].",
            ) from error
    names = [name.strip() for name in record]
    # A delimiter at the end of each line ends the last value.
    while len(names) > 1 and not names[-1]:
        names.pop()
    if any(not _is_unicode(name) for name in names):
        raise SourceError(
            f"The header of {shown} is not in {text.encoding}.",
            hint='Pass the right encoding to the reader, such as encoding="cp1252".',
        )
    twice = next((name for name, count in Counter(filter(None, names)).items() if count > 1), None)
    if twice is not None:
        raise SourceError(
            f'{shown} has more than one column "{twice}".',
            hint=f"Name all columns yourself, in place of the header: skip={text.lines_before + 1}, columns=[...].",
        )
    return tuple(name or f"column_{number}" for number, name in enumerate(names, start=1))


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
