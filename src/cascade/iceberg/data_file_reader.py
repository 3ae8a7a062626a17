"""Read one data file, row group by row group, in the table's current schema and by position in the file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from cascade.iceberg.columns import conform
from cascade.iceberg.storage_errors import damaged_file

if TYPE_CHECKING:
    import numpy as np
    from pyiceberg.manifest import DataFile
    from pyiceberg.schema import Schema
    from pyiceberg.table import Table

_FIELD_ID = b"PARQUET:field_id"


@dataclass(frozen=True)
class RowGroup:
    """Consecutive rows of a data file.

    Args:
        number: its number in the file; 0 for a file that is read as a whole.
        start: position of its first row in the file.
        rows: number of rows.
    """

    number: int
    start: int
    rows: int


@dataclass(frozen=True)
class Bounds:
    """The smallest and the largest value of a column, as `physical` numbers or as text."""

    least: Any
    most: Any


@dataclass(frozen=True)
class Projection:
    """Columns of a table in its current schema.

    Args:
        schema: the columns.
        arrow: the same columns in Arrow.
    """

    schema: Schema
    arrow: pa.Schema


def projection(table: Table, columns: Sequence[str] | None = None) -> Projection:
    """Return columns of a table, to be read from its files.

    Args:
        table: the table.
        columns: their names; all if absent.

    Returns:
        The columns, in the table's order.
    """
    from pyiceberg.io.pyarrow import schema_to_pyarrow

    schema = table.schema() if columns is None else table.schema().select(*columns)
    return Projection(schema, schema_to_pyarrow(schema, include_field_ids=False))


class DataFileReader:
    """Reads one open data file. Rows that delete files remove are returned too, so that positions are the file's.

    Args:
        table: the table, for its schema.
        file: the data file.
        parquet: the open file; None for another format, which pyiceberg reads as a whole.
    """

    def __init__(self, table: Table, file: DataFile, parquet: pq.ParquetFile | None) -> None:
        self._table = table
        self._file = file
        self._parquet = parquet

    @property
    def groups(self) -> list[RowGroup]:
        """The row groups, in order."""
        if self._parquet is None:
            return [RowGroup(0, 0, self._file.record_count)]
        metadata, found, start = self._parquet.metadata, [], 0
        for number in range(metadata.num_row_groups):
            rows = metadata.row_group(number).num_rows
            found.append(RowGroup(number, start, rows))
            start += rows
        return found

    def bounds(self, group: RowGroup, column: str) -> Bounds | None:
        """Return the bounds of a column in a row group, from the file's statistics.

        Args:
            group: the row group.
            column: name of the column in the table.

        Returns:
            The bounds; None if the file does not have them, or stores the column in another type.
        """
        place = self._places.get(self._table.schema().find_field(column).field_id)
        if self._parquet is None or place is None:
            return None
        stored = self._arrow.field(place).type
        chunk = self._parquet.metadata.row_group(group.number).column(self._leaf(place))
        if not chunk.is_stats_set or not chunk.statistics.has_min_max:
            return None
        if pa.types.is_string(stored) or pa.types.is_large_string(stored):
            return Bounds(chunk.statistics.min, chunk.statistics.max)
        whole = pa.types.is_signed_integer(stored) or pa.types.is_date32(stored)
        if whole or (pa.types.is_timestamp(stored) and stored.unit == "us"):
            return Bounds(chunk.statistics.min_raw, chunk.statistics.max_raw)
        return None

    def read(self, group: RowGroup, wanted: Projection) -> pa.Table:
        """Read a row group.

        Args:
            group: the row group.
            wanted: the columns to read.
        """
        rows = self._with_pyiceberg(wanted.schema) if self._parquet is None else self._projected(group, wanted)
        return conform(rows, wanted.arrow)

    def read_at(self, positions: np.ndarray[Any, Any], wanted: Projection) -> Iterator[pa.Table]:
        """Yield the rows at some positions, a row group at a time. Row groups without any are not read.

        Args:
            positions: positions in the file, sorted.
            wanted: the columns to read.
        """
        import numpy as np

        for group in self.groups:
            first, last = np.searchsorted(positions, [group.start, group.start + group.rows])
            if first < last:
                yield self.read(group, wanted).take(pa.array(positions[first:last] - group.start))

    def _projected(self, group: RowGroup, projection: Projection) -> pa.Table:
        assert self._parquet is not None
        if (plain := self._plain(group, projection)) is not None:
            return plain
        schema = projection.schema
        from pyiceberg.io.pyarrow import _get_column_projection_values, _to_requested_schema
        from pyiceberg.schema import prune_columns
        from pyiceberg.types import ListType, MapType

        stored = self._stored
        missing = _get_column_projection_values(
            self._file,
            schema,
            self._table.schema(),
            self._table.specs().get(self._file.spec_id),
            stored.field_ids,
        )
        # A list or a map is selected by its elements.
        ids = {found for found in schema.field_ids if not isinstance(schema.find_type(found), (ListType, MapType))}
        wanted = prune_columns(stored, ids, select_full_types=False)
        read = self._parquet.read_row_group(group.number, columns=[column.name for column in wanted.columns])
        batches = [
            _to_requested_schema(
                schema,
                wanted,
                batch,
                downcast_ns_timestamp_to_us=self._table.metadata.format_version <= 2,
                projected_missing_fields=missing,
                allow_timestamp_tz_mismatch=True,
            )
            for batch in read.to_batches()
        ]
        return pa.Table.from_batches(batches, schema=batches[0].schema) if batches else projection.arrow.empty_table()

    def _plain(self, group: RowGroup, projection: Projection) -> pa.Table | None:
        """Read columns that the file stores under their field ids, if no nested field can be renamed or missing."""
        assert self._parquet is not None
        names = []
        for column, field in zip(projection.schema.fields, projection.arrow, strict=True):
            place = self._places.get(column.field_id)
            if place is None or not column.field_type.is_primitive:
                return None
            stored, wanted = self._arrow.field(place).type, field.type
            if stored != wanted and (pa.types.is_temporal(wanted) or isinstance(wanted, pa.BaseExtensionType)):
                return None
            names.append(self._arrow.field(place).name)
        read = self._parquet.read_row_group(group.number, columns=names)
        return read.select(names).rename_columns(projection.arrow.names)

    def _with_pyiceberg(self, schema: Schema) -> pa.Table:
        from pyiceberg.expressions import AlwaysTrue
        from pyiceberg.io.pyarrow import ArrowScan
        from pyiceberg.table import FileScanTask

        scan = ArrowScan(self._table.metadata, self._table.io, schema, AlwaysTrue())
        return scan.to_table([FileScanTask(self._file)])

    @cached_property
    def _stored(self) -> Schema:
        """The file's schema with field ids, which its column names give if it has none itself."""
        from pyiceberg.io.pyarrow import pyarrow_to_schema

        assert self._parquet is not None
        version = self._table.metadata.format_version
        return pyarrow_to_schema(
            self._arrow,
            self._table.name_mapping(),
            downcast_ns_timestamp_to_us=version <= 2,
            format_version=version,
        )

    @cached_property
    def _arrow(self) -> pa.Schema:
        """The file's schema. pyarrow builds it anew whenever it is asked."""
        assert self._parquet is not None
        return self._parquet.schema_arrow

    @cached_property
    def _places(self) -> dict[int, int]:
        """Positions of the file's columns, by their field ids."""
        if self._parquet is None:
            return {}
        ids = [(field.metadata or {}).get(_FIELD_ID) for field in self._arrow]
        return {int(found): place for place, found in enumerate(ids) if found is not None}

    @cached_property
    def _leaves(self) -> dict[str, int]:
        assert self._parquet is not None
        metadata = self._parquet.metadata
        return {metadata.schema.column(place).path: place for place in range(metadata.num_columns)}

    def _leaf(self, place: int) -> int:
        """Return the number of a primitive column among the file's leaf columns."""
        assert self._parquet is not None
        return self._leaves[self._arrow.field(place).name]


@contextmanager
def open_data_file(table: Table, file: DataFile) -> Iterator[DataFileReader]:
    """Open a data file.

    Args:
        table: the table, for its schema and storage.
        file: the data file.

    Raises:
        CascadeError: the file is not a Parquet file.
    """
    from pyiceberg.manifest import FileFormat

    if file.file_format != FileFormat.PARQUET:
        yield DataFileReader(table, file, None)
        return
    with ExitStack() as stack:
        opened = stack.enter_context(table.io.new_input(file.file_path).open())
        try:
            parquet = stack.enter_context(pq.ParquetFile(opened, pre_buffer=True))
        except pa.ArrowInvalid as error:
            raise damaged_file(file.file_path, ".".join(table.name()[-2:]), error) from error
        yield DataFileReader(table, file, parquet)
