"""Read CSV files, one by one, by DuckDB's reader. Every value is text.

Each file is scanned twice: first to find the lines that are not rows, and then for its rows. A quote that is never
closed makes all lines after it one value. The first scan finds such a line, and the file is read in two parts, before
and after it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import SourceError
from cascade.schemas.rows import RefusedRow
from cascade.sources.dialects import Dialect, dialect_of
from cascade.sources.duck import duck
from cascade.sources.matching import InputFile
from cascade.sources.rejects import LONGEST_LINE, Cut, rejected_lines
from cascade.sources.temporary import temporary_copy
from cascade.sources.text_files import Utf8File, copying, utf8_file

if TYPE_CHECKING:
    import pyarrow as pa
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

_ROWS_PER_BATCH = 20_000
_MOST_UNCLOSED = 50


@dataclass(frozen=True)
class CsvOptions:
    """What the user said of the files.

    Args:
        delimiter: the delimiter; found if None.
        quote: the quote; found if None, and empty if the files have none.
        encoding: the encoding; found if None.
        columns: names of the columns, for files without a header.
        skip: number of lines before the header.
        nulls: unquoted texts that stand for null.
        quoted_nulls: whether these texts stand for null in quotes, too.
    """

    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    columns: tuple[str, ...] | None = None
    skip: int = 0
    nulls: tuple[str, ...] = ("",)
    quoted_nulls: bool = False


@dataclass(frozen=True)
class _Part:
    """A file, or what is left to read of it."""

    text: Utf8File
    dialect: Dialect


def csv_rows(files: Iterable[InputFile], options: CsvOptions) -> Iterator[tuple[InputFile, pa.Table | RefusedRow]]:
    """Read CSV files.

    Args:
        files: the files.
        options: what the user said of them.

    Yields:
        Each file with a table of text, in the order of the file, or after them with a line that is not a row.

    Raises:
        SourceError: a file cannot be read.
    """
    with closing(duck()) as connection:
        for file in files:
            for piece in _pieces(connection, file, options):
                yield file, piece


def _pieces(connection: DuckDBPyConnection, file: InputFile, options: CsvOptions) -> Iterator[pa.Table | RefusedRow]:
    with ExitStack() as stack:
        path = stack.enter_context(file.local())
        text = stack.enter_context(utf8_file(path, file.shown, encoding=options.encoding, skip=options.skip))
        dialect = dialect_of(
            connection,
            text,
            file.shown,
            delimiter=options.delimiter,
            quote=options.quote,
            columns=options.columns,
        )
        part = None if dialect is None else _Part(text, dialect)
        for _ in range(_MOST_UNCLOSED):
            if part is None:
                return
            rows, refused, cut = _examined(connection, part, options, file.shown)
            rest = None
            if cut is not None:
                with copying(file.shown):
                    part, rest = _cut(stack, part, cut)
                rows, *_ = _examined(connection, part, options, file.shown)
            yield from _tables(connection, part, options, file.shown, rows)
            yield from refused
            part = rest
        raise SourceError(
            f"{file.shown} has more than {_MOST_UNCLOSED} lines with a quote that is not closed.",
            hint='Pass quote="" to the reader if the file does not quote its values.',
        )


def _examined(
    connection: DuckDBPyConnection, part: _Part, options: CsvOptions, shown: str
) -> tuple[int, list[RefusedRow], Cut | None]:
    """Return the number of rows, header included, and the lines that are not rows, up to one that cuts the file."""
    import duckdb

    try:
        # The values must be read to find those that are not UTF-8.
        scan = _scan(connection, part, options)
        aggregates = ["count(*)", *(f"max({column})" for column in scan.columns)]
        ((rows, *_),) = scan.aggregate(", ".join(aggregates)).fetchall()
    except duckdb.Error as error:
        raise _unreadable(error, shown) from error
    return rows, *rejected_lines(connection, part.text, part.dialect, shown)


def _cut(stack: ExitStack, part: _Part, cut: Cut) -> tuple[_Part, _Part]:
    """Copy the parts of a file before and after a line."""
    before = replace(part.text, path=_copy(stack, part.text.path, 0, cut.start))
    after = replace(part.text, path=_copy(stack, part.text.path, cut.end, None), lines_before=cut.line)
    return _Part(before, part.dialect), _Part(after, replace(part.dialect, header=False))


def _copy(stack: ExitStack, path: Path, start: int, end: int | None) -> Path:
    copy = stack.enter_context(temporary_copy())
    with path.open("rb") as stream:
        stream.seek(start)
        shutil.copyfileobj(stream, copy)
    copy.truncate(end)
    copy.flush()
    return Path(copy.name)


def _tables(
    connection: DuckDBPyConnection, part: _Part, options: CsvOptions, shown: str, rows: int
) -> Iterator[pa.Table]:
    import duckdb
    import pyarrow as pa

    names = list(part.dialect.names)
    read = 0
    try:
        for batch in _scan(connection, part, options).to_arrow_reader(_ROWS_PER_BATCH):
            table = pa.Table.from_batches([batch]).rename_columns(names)
            if read == 0 and part.dialect.header:
                _check_header(table, part.dialect, shown)
                table = table.slice(1)
            read += len(batch)
            # A blank line of a file with one column is not a row.
            yield table if len(names) > 1 else table.drop_null()
    except (duckdb.Error, pa.ArrowException) as error:
        raise _unreadable(error, shown) from error
    if read != rows:
        raise SourceError(f"{shown} changed while it was read.", hint="Run the partition again.")


def _check_header(table: pa.Table, dialect: Dialect, shown: str) -> None:
    """Raise an error if the first record is not the header, because DuckDB refused that or understood it otherwise."""
    first = [value and value.strip() for value in table.slice(0, 1).to_pylist()[0].values()]
    if any(given and given != name for given, name in zip(first, dialect.names, strict=True)):
        raise SourceError(
            f"The header of {shown} is malformed. Its first line is read as {', '.join(dialect.names)}.",
            hint="Correct it, or name all columns yourself, in place of the header: skip=1, columns=[...].",
        )


def _scan(connection: DuckDBPyConnection, part: _Part, options: CsvOptions) -> DuckDBPyRelation:
    dialect = part.dialect
    parameters = {
        "auto_detect": False,
        "all_varchar": True,
        "columns": {f"c{number}": "VARCHAR" for number in range(len(dialect.names))},
        "header": False,
        "delim": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.escape,
        "nullstr": list(options.nulls),
        "allow_quoted_nulls": options.quoted_nulls,
        "max_line_size": LONGEST_LINE,
        "hive_partitioning": False,
        # DuckDB goes by the ending of the name, which need not be true.
        "compression": "none",
        # Without the tables of rejects, `ignore_errors` loses good rows after a malformed line.
        "store_rejects": True,
    }
    given = ", ".join(f"{name} = ${name}" for name in parameters)
    query = f"SELECT * FROM read_csv($path, {given})"
    connection.execute("DROP TABLE IF EXISTS reject_errors; DROP TABLE IF EXISTS reject_scans")
    return connection.sql(query, params={"path": str(part.text.path), **parameters})


def _unreadable(error: Exception, shown: str) -> SourceError:
    first = str(error).splitlines()[0]
    if "state machine" in first:
        return SourceError(
            f"{shown} cannot be read as CSV: it has different line ends, or quotes within values that are not doubled.",
            hint='Pass quote="" to the reader if the file does not quote its values.',
        )
    return SourceError(
        f"{shown} cannot be read as CSV: {first}", hint="Pass the delimiter and the quote to the reader."
    )
