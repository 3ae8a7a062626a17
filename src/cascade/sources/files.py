"""Read files of rows: CSV, JSON lines and Parquet.

The validation schema of a workflow decides every value, and the head of a file decides nothing: a value of a CSV file
is text until the schema converts it, and one of JSON lines is what its own line says. A line that is not a row becomes
a refused row with the number of the line. Files are read in pieces, so they can be larger than the memory.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from cascade.exceptions import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from cascade.partitions import PartitionWindow
    from cascade.schemas import RefusedRow
    from cascade.sources.matching import Files, InputFile
    from cascade.sources.partition_rows import PartitionFilter

__all__ = ["read_csv", "read_jsonl", "read_parquet"]

_NO_FORMATS: Mapping[str, str] = MappingProxyType({})


def read_csv(
    files: Files,
    *,
    partition: PartitionWindow | None = None,
    partition_column: str | None = None,
    schema: type | None = None,
    formats: Mapping[str, str] = _NO_FORMATS,
    delimiter: str | None = None,
    quote: str | None = None,
    encoding: str | None = None,
    columns: Sequence[str] | None = None,
    skip: int = 0,
    nulls: Sequence[str] = ("",),
    quoted_nulls: bool = False,
    decimal_commas: Sequence[str] = (),
    missing_ok: bool = False,
) -> Iterator[pa.Table | RefusedRow]:
    """Read CSV files. Every value is text, which the schema of the workflow converts.

    The first line is the header. Delimiter, quotes and encoding are found in each file. It may be compressed by gzip,
    bzip2, xz, zstd or lz4.

    Args:
        files: a path, a pattern such as `incoming/*.csv`, a file of a package (see `importlib.resources`), or several.
            The ending of a pattern matches in upper and lower case. A relative path starts at the working directory.
        partition: the window of the run, to read the rows of its partition only. A row whose partition is unknown is
            refused.
        partition_column: the column with the date or time of a row. Needs `partition`.
        schema: the validation schema. If it declares `partition_column` as a date, midnight in any time zone is the
            date that it shows.
        formats: how dates and times are written, by column, where they are not in ISO 8601, such as
            `{"measured_on": "%d.%m.%Y"}`.
        delimiter: what stands between two values.
        quote: what encloses a value; `""` if nothing does.
        encoding: the encoding, such as `cp1252`.
        columns: names of the columns, for files without a header.
        skip: number of lines before the header.
        nulls: the texts that stand for null, unless they are in quotes. By default, `""` in quotes is empty text.
        quoted_nulls: whether these texts stand for null in quotes, too.
        decimal_commas: the columns whose numbers are written as `1.234,5`, and mean 1234.5.
        missing_ok: whether to read nothing if no file matches.

    Returns:
        An iterator of tables, and of refused rows in place of malformed lines. Return it from the workflow.

    Raises:
        SourceError: no file matches, or a file cannot be read.
        UsageError: the arguments do not fit together.
    """
    from cascade.sources.delimited import CsvOptions, csv_rows
    from cascade.sources.numbers import with_point

    _check_csv(delimiter, quote, columns, skip, (nulls, decimal_commas))
    options = CsvOptions(
        delimiter=delimiter,
        quote=quote,
        encoding=_encoding(encoding),
        columns=None if columns is None else tuple(columns),
        skip=skip,
        nulls=tuple(nulls),
        quoted_nulls=quoted_nulls,
    )
    found, only = _arguments(files, missing_ok, partition, partition_column, schema, formats)
    numbers = dict.fromkeys(decimal_commas, with_point)
    return _tables(csv_rows(found, options), found, only, formats, numbers)


def read_jsonl(
    files: Files,
    *,
    partition: PartitionWindow | None = None,
    partition_column: str | None = None,
    schema: type | None = None,
    formats: Mapping[str, str] = _NO_FORMATS,
    encoding: str | None = None,
    missing_ok: bool = False,
) -> Iterator[dict[str, object] | RefusedRow]:
    """Read JSON lines: files with one JSON object on each line, whatever their names end in.

    Args:
        files: a path, a pattern, a file of a package, or several, as for `read_csv`.
        partition: the window of the run, to read the rows of its partition only. A row whose partition is unknown is
            refused.
        partition_column: the field with the date or time of a row. Needs `partition`.
        schema: the validation schema. If it declares `partition_column` as a date, midnight in any time zone is the
            date that it shows.
        formats: how dates and times are written, by field, where they are not in ISO 8601.
        encoding: the encoding, such as `utf-16`; found if absent.
        missing_ok: whether to read nothing if no file matches.

    Returns:
        An iterator of dicts, and of refused rows in place of malformed lines. Return it from the workflow.

    Raises:
        SourceError: no file matches, or a file cannot be read.
        UsageError: the arguments do not fit together.
    """
    found, only = _arguments(files, missing_ok, partition, partition_column, schema, formats)
    return _dicts(found, only, formats, _encoding(encoding))


def read_parquet(
    files: Files,
    *,
    partition: PartitionWindow | None = None,
    partition_column: str | None = None,
    schema: type | None = None,
    formats: Mapping[str, str] = _NO_FORMATS,
    missing_ok: bool = False,
) -> Iterator[pa.Table | RefusedRow]:
    """Read Parquet files.

    A directory such as `day=2024-01-31` in the path of a file adds the column `day`, as text.

    Args:
        files: a path, a pattern such as `lake/**/*.parquet`, a file of a package, or several, as for `read_csv`.
        partition: the window of the run, to read the rows of its partition only. A row whose partition is unknown is
            refused. Row groups without a row of the partition are not read.
        partition_column: the column with the date or time of a row: of any date or timestamp type, or text. Needs
            `partition`.
        schema: the validation schema. If it declares `partition_column` as a date, midnight in any time zone is the
            date that it shows.
        formats: how dates and times are written, by column of text, where they are not in ISO 8601.
        missing_ok: whether to read nothing if no file matches.

    Returns:
        An iterator of tables, and of refused rows. Return it from the workflow.

    Raises:
        SourceError: no file matches, or a file cannot be read.
        UsageError: the arguments do not fit together.
    """
    from cascade.sources.parquet_files import parquet_tables

    found, only = _arguments(files, missing_ok, partition, partition_column, schema, formats)
    return _tables(parquet_tables(found, only), found, only, formats)


def _arguments(
    files: Files,
    missing_ok: bool,
    partition: object,
    column: str | None,
    schema: type | None,
    formats: Mapping[str, str],
) -> tuple[list[InputFile], PartitionFilter | None]:
    from cascade.sources.matching import matching_files
    from cascade.sources.moments import check_formats
    from cascade.sources.partition_rows import partition_filter

    only = partition_filter(partition, column, schema, check_formats(formats))
    return matching_files(files, missing_ok=missing_ok), only


def _check_csv(
    delimiter: str | None, quote: str | None, columns: Sequence[str] | None, skip: int, lists: Sequence[Sequence[str]]
) -> None:
    problems = []
    if any(isinstance(given, str) for given in (columns, *lists)):
        problems.append("columns, nulls and decimal_commas take a list of texts, not one text.")
    elif columns is not None and (not columns or len(set(columns)) < len(columns)):
        problems.append(f"columns must name each column once, not {list(columns)}.")
    if skip < 0:
        problems.append(f"skip is a number of lines, not {skip}.")
    if delimiter is not None and (not 1 <= len(delimiter.encode()) <= 4 or set(delimiter) & set("\r\n")):
        problems.append(f"delimiter must be one to four characters, and not a line end, not {delimiter!r}.")
    if quote is not None and len(quote.encode()) > 1:
        problems.append(f'quote must be one character, or "" for none, not {quote!r}.')
    if problems:
        raise UsageError(" ".join(problems))


def _encoding(name: str | None) -> str | None:
    if name is None:
        return None
    from cascade.sources.encodings import check_encoding

    return check_encoding(name)


def _tables(
    pieces: Iterator[tuple[InputFile, pa.Table | RefusedRow]],
    files: Sequence[InputFile],
    only: PartitionFilter | None,
    formats: Mapping[str, str],
    rewritten: Mapping[str, Callable[[object], object]] = MappingProxyType({}),
) -> Iterator[pa.Table | RefusedRow]:
    from cascade.schemas.rows import RefusedRow
    from cascade.sources.columns import reformatted
    from cascade.sources.moments import Reformatter

    rewrite = dict(rewritten)
    rewrite |= {column: Reformatter(form) for column, form in formats.items()}
    for file, piece in pieces:
        if isinstance(piece, RefusedRow):
            yield piece
            continue
        table, unknown = reformatted(piece, rewrite), list[RefusedRow]()
        if only is not None:
            table, unknown = only.rows_of(table, file.shown)
        if table.num_rows:
            yield table
        yield from unknown
    if only is not None:
        only.warn_if_empty([file.shown for file in files])


def _dicts(
    files: Sequence[InputFile], only: PartitionFilter | None, formats: Mapping[str, str], encoding: str | None
) -> Iterator[dict[str, object] | RefusedRow]:
    from cascade.schemas.rows import RefusedRow
    from cascade.sources.json_lines import json_rows
    from cascade.sources.moments import Reformatter

    rewrite = {column: Reformatter(form) for column, form in formats.items()}
    for file in files:
        for row in json_rows(file, encoding=encoding):
            if isinstance(row, RefusedRow):
                yield row
                continue
            for column, rewritten in rewrite.items():
                if column in row:
                    row[column] = rewritten(row[column])
            inside = True if only is None else only.contains(row.get(only.column))
            if inside:
                yield row
            elif inside is None and only is not None:
                yield only.refused(row, file.shown)
    if only is not None:
        only.warn_if_empty([file.shown for file in files])
