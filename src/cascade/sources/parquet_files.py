"""Read Parquet files, one row group at a time. Values keep the types that the file gives them.

Arrow reads them, not DuckDB, which reads a UUID as text, a duration as a number, and a decimal of more than 38 digits
as a float.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from cascade.exceptions import SourceError
from cascade.schemas.views import without_views
from cascade.sources.matching import InputFile
from cascade.sources.moments import Moment
from cascade.sources.partition_rows import PartitionFilter

if TYPE_CHECKING:
    import pyarrow as pa

_ROWS_PER_BATCH = 20_000
_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def parquet_tables(files: Iterable[InputFile], only: PartitionFilter | None) -> Iterator[tuple[InputFile, pa.Table]]:
    """Read Parquet files.

    A directory such as `day=2024-01-31` in a path adds the column `day`, as text, if the file has none of that name.

    Args:
        files: the files.
        only: the partition to read. Row groups, and files, that contain no row of it are not read.

    Yields:
        Each file with each of its tables, in order.

    Raises:
        SourceError: a file cannot be read.
    """
    for file in files:
        for table in _tables(file, only):
            yield file, table


def _tables(file: InputFile, only: PartitionFilter | None) -> Iterator[pa.Table]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with file.local() as path:
        try:
            with pq.ParquetFile(path) as parquet:
                names = parquet.schema_arrow.names
                twice = next((name for name in names if names.count(name) > 1), None)
                if twice is not None:
                    raise SourceError(f'{file.shown} has more than one column "{twice}".')
                added = {name: value for name, value in _of_directories(file.shown).items() if name not in names}
                if only is not None and only.column in added and only.contains(added[only.column]) is False:
                    return
                groups = [g for g in range(parquet.num_row_groups) if not _is_outside(parquet, g, only)]
                for batch in parquet.iter_batches(_ROWS_PER_BATCH, row_groups=groups, use_threads=False):
                    table = without_views(pa.Table.from_batches([batch]))
                    for name, value in added.items():
                        table = table.append_column(name, pa.repeat(pa.scalar(value, pa.string()), len(table)))
                    yield table
        except (pa.ArrowException, OSError) as error:
            raise SourceError(f"{file.shown} cannot be read as Parquet: {str(error).splitlines()[0]}") from error


def _of_directories(shown: str) -> dict[str, str | None]:
    """Return the values of columns that the names of directories state, as Hive and Spark write them."""
    pairs = (part.partition("=") for part in PurePath(shown).parts[:-1])
    return {
        unquote(name): None if value == _HIVE_NULL else unquote(value) for name, mark, value in pairs if mark and name
    }


def _is_outside(parquet: Any, group: int, only: PartitionFilter | None) -> bool:
    """Return whether the statistics of a row group show that none of its rows is in the partition."""
    if only is None:
        return False
    metadata = parquet.metadata.row_group(group)
    leaves = (metadata.column(index) for index in range(metadata.num_columns))
    statistics = next((leaf.statistics for leaf in leaves if leaf.path_in_schema == only.column), None)
    # A row without a date is refused, so its row group is read.
    if statistics is None or not statistics.has_min_max or not statistics.has_null_count or statistics.null_count:
        return False
    kind = parquet.schema_arrow.field(only.column).type
    ends = [_moment(end, kind) for end in _ends(statistics)]
    return len(ends) == 2 and None not in ends and only.excludes(*ends)  # type: ignore[arg-type]


def _ends(statistics: Any) -> list[object]:
    # Python has no type for nanoseconds and for years beyond 9999.
    with contextlib.suppress(ValueError, OverflowError, NotImplementedError):
        return [statistics.min, statistics.max]
    return []


def _moment(end: object, kind: pa.DataType) -> Moment | None:
    from datetime import UTC, date, datetime

    import pyarrow as pa

    if isinstance(end, datetime) and pa.types.is_timestamp(kind):
        return end.replace(tzinfo=UTC) if kind.tz is not None and end.tzinfo is None else end
    return end if isinstance(end, date) and pa.types.is_date(kind) else None
