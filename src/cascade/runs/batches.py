"""Turn the data that a workflow's function returns into batches of rows.

A batch is a list of dicts or an Arrow table. Values stay as the source returned them, so that validation sees a column
of mixed types unchanged. Nothing here imports a library that the function did not use.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pyarrow as pa

from cascade.exceptions import SourceError, SourceLocation
from cascade.runs.arrow_tables import batch_of_table
from cascade.runs.columns import ColumnError, Everything
from cascade.runs.plain_rows import advice_for, make_plain, plain_row
from cascade.schemas import Batch, RefusedRow
from cascade.schemas.dict_rows import DictRows
from cascade.schemas.values import shown

ROWS_PER_BATCH = 50_000
# Rows that are held back are passed on sooner if they are large: documents, images, geometries.
_BYTES_PER_BATCH = 64 * 2**20
_SAMPLE = 8
# A table holds its rows already, and larger slices cost less: Polars wakes every core for each check of a slice. The
# slices of a wide table are bounded by their rows, so that what validation makes of one stays small.
_ROWS_PER_SLICE = 131_072
_BYTES_PER_SLICE = 64 * 2**20

_ACCEPTED = (
    "Return dicts or pydantic models, an Arrow table, batches or a reader, a Polars or pandas frame, a dlt source or "
    "resource, a generator of any of these, or None."
)


def _not_taken(refused: list[RefusedRow]) -> None:
    raise AssertionError(f"nothing takes the {len(refused)} rows that the source refused")


@dataclass
class Feeder:
    """Turns data into batches and passes them on, in the source's order.

    Args:
        consume: takes each batch.
        extract: takes each dlt source or resource, and feeds its items back to `feed`.
        table: full name of the table, for errors.
        location: the workflow's function, for errors.
        reads: the names of the fields that the schema reads. A column of another name may have any type.
        refuse: takes the rows that the source itself refuses, such as malformed lines of a file.
    """

    consume: Callable[[Batch], None]
    extract: Callable[[Any], None]
    table: str
    location: SourceLocation
    reads: Container[str] = field(default_factory=Everything)
    refuse: Callable[[list[RefusedRow]], None] = _not_taken
    _rows: list[dict[str, object]] = field(default_factory=list)
    _refused: list[RefusedRow] = field(default_factory=list)
    # How many rows there must be until their size is estimated again.
    _look_at: int = 1

    def feed(self, data: object) -> None:
        """Take data of any accepted kind. Call `flush` after the last.

        Args:
            data: rows of any kind that a workflow may return.

        Raises:
            SourceError: the data, or a part of it, is not rows.
        """
        if data is None:
            return
        if isinstance(data, Mapping):
            self._append(dict(data))
        elif isinstance(data, RefusedRow):
            self._refused.append(data)
            if len(self._refused) >= ROWS_PER_BATCH:
                self.flush()
        elif _is_model(data):
            self._add_model(data)
        elif is_dlt(data):
            self.flush()
            self.extract(data)
        elif not self._feed_frame(data):
            self._feed_each(data)

    def flush(self) -> None:
        """Pass on the rows that are held back."""
        rows, self._rows, self._look_at = self._rows, [], 1
        if rows:
            self.consume(self._plain(rows))
        refused, self._refused = self._refused, []
        if refused:
            self.refuse(refused)

    def _flush_if_full(self) -> None:
        """Pass on the rows that are held back if they are many or large, which a few of the newest tell."""
        held = len(self._rows)
        if held < ROWS_PER_BATCH:
            newest = self._rows[-_SAMPLE:]
            size = sum(sys.getsizeof(value) for row in newest for value in row.values())
            if size * held < _BYTES_PER_BATCH * len(newest):
                self._look_at = min(2 * held, ROWS_PER_BATCH)
                return
        self.flush()

    def _plain(self, rows: list[dict[str, object]]) -> Batch:
        """Check the names of rows, and return them with Python's own values."""
        if set(map(type, rows)) != {dict}:
            # A model's values are Python's own.
            self._check_names(name for row in rows for name in row)
            return [plain_row(row) if type(row) is dict else row for row in rows]
        plain = DictRows(rows)
        self._check_names(plain.names)
        make_plain(plain)
        return plain

    def _check_names(self, names: Iterable[object]) -> None:
        for name in names:
            if not isinstance(name, str):
                raise self._error(f"a row has the field {shown(name)}, whose name is not a string.")

    def _add_model(self, model: Any) -> None:
        from cascade.schemas.model_rows import ModelRow, root_of

        if (root := root_of(model)) is not None:
            self.feed(root)
        else:
            self._append(ModelRow(model))

    def _append(self, row: dict[str, object]) -> None:
        self._rows.append(row)
        if len(self._rows) >= self._look_at:
            self._flush_if_full()

    def _feed_frame(self, data: object) -> bool:
        """Take a table or frame. Return False if the data is neither."""
        if isinstance(data, pa.RecordBatchReader):
            self._feed_reader(data)
            return True
        with self._columns_named():
            batch = _batch_of(data, self.reads)
        if batch is None:
            return False
        self.flush()
        most = _rows_per_slice(batch)
        for start in range(0, len(batch), most):
            self.consume(batch if len(batch) <= most else batch[start : start + most])
        return True

    def _consume_table(self, batches: list[pa.RecordBatch]) -> None:
        with self._columns_named():
            batch = batch_of_table(pa.Table.from_batches(batches), self.reads)
        self.consume(batch)

    def _feed_reader(self, reader: pa.RecordBatchReader) -> None:
        self.flush()
        held: list[pa.RecordBatch] = []
        rows = size = 0
        for batch in reader:
            if len(batch):
                held.append(batch)
                rows += len(batch)
                size += batch.nbytes
            if rows >= ROWS_PER_BATCH or size >= _BYTES_PER_BATCH:
                self._consume_table(held)
                held, rows, size = [], 0, 0
        if held:
            self._consume_table(held)

    def _feed_each(self, data: object) -> None:
        advice = advice_for(data)
        if advice or isinstance(data, (str, bytes, bytearray)) or not isinstance(data, Iterable):
            raise self._error(f"the function returned {_described(data)}.", advice)
        start = 0
        while type(data) is list and (taken := self._take_dicts(data, start)):
            start += taken
        for item in islice(data, start, None) if start else data:
            if type(item) is dict:
                # A generator may change a dict after yielding it, and yield it again as the next row.
                self._rows.append(item.copy())
                if len(self._rows) >= self._look_at:
                    self._flush_if_full()
            else:
                self.feed(item)

    def _take_dicts(self, data: list[Any], start: int) -> int:
        """Take the next rows of a list at once if all are dicts, and return how many were taken."""
        rows = data[start : start + ROWS_PER_BATCH - len(self._rows)]
        if set(map(type, rows)) != {dict}:
            return 0
        # A whole batch is passed on before anything can change its rows, so it needs no copy.
        self._rows += rows if len(rows) == ROWS_PER_BATCH else map(dict.copy, rows)
        if len(self._rows) >= self._look_at:
            self._flush_if_full()
        return len(rows)

    @contextmanager
    def _columns_named(self) -> Iterator[None]:
        try:
            yield
        except ColumnError as error:
            raise SourceError(f"{self.table}: {error.problem}", location=self.location, hint=error.advice) from None

    def _error(self, problem: str, advice: str | None = None) -> SourceError:
        return SourceError(f"{self.table}: {problem}", location=self.location, hint=advice or _ACCEPTED)


def is_dlt(data: object) -> bool:
    """Return whether data is a dlt source or resource."""
    module = sys.modules.get("dlt.extract")
    return module is not None and isinstance(data, (module.DltResource, module.DltSource))


def _is_model(data: object) -> bool:
    """Return whether data is an instance of a pydantic model."""
    module = sys.modules.get("pydantic")
    return module is not None and isinstance(data, module.BaseModel)


def one_batch(batches: list[Batch]) -> Batch | None:
    """Combine batches: into Arrow if all are Arrow, else into rows. Return None if there are no batches."""
    if len(batches) < 2:
        return batches[0] if batches else None
    tables = [batch for batch in batches if isinstance(batch, pa.Table)]
    if len(tables) == len(batches):
        try:
            return pa.concat_tables(tables, promote_options="permissive")
        except pa.ArrowException:
            pass  # the types of one column have no common type, such as text and numbers
    from cascade.schemas.rows import python_rows

    return [row for batch in batches for row in (python_rows(batch)[0] if isinstance(batch, pa.Table) else batch)]


def _table_of(data: object) -> pa.Table | None:
    if isinstance(data, pa.Table):
        return data
    if isinstance(data, pa.RecordBatch):
        return pa.Table.from_batches([data])
    polars = sys.modules.get("polars")
    if hasattr(data, "__arrow_c_stream__") and not (polars is not None and isinstance(data, polars.Series)):
        return _from_stream(data)
    return None


def _batch_of(data: object, reads: Container[str]) -> Batch | None:
    polars, pandas = sys.modules.get("polars"), sys.modules.get("pandas")
    if polars is not None and isinstance(data, (polars.LazyFrame, polars.DataFrame)):
        from cascade.runs import polars_frames

        return polars_frames.batch_of_frame(data.collect() if isinstance(data, polars.LazyFrame) else data, reads)
    if pandas is not None and isinstance(data, pandas.DataFrame):
        from cascade.runs import pandas_frames

        return pandas_frames.batch_of_frame(data, reads)
    table = _table_of(data)
    return None if table is None else batch_of_table(table, reads)


def _from_stream(data: Any) -> pa.Table | None:
    try:
        return pa.RecordBatchReader.from_stream(data).read_all()
    except (pa.ArrowException, TypeError):
        return None  # a stream of something other than rows


def _rows_per_slice(batch: Batch) -> int:
    if not isinstance(batch, pa.Table):
        return _ROWS_PER_SLICE
    narrow: int = _BYTES_PER_SLICE * len(batch) // max(batch.nbytes, 1)
    return max(_ROWS_PER_SLICE, narrow)


def _described(data: object) -> str:
    return f"{type(data).__name__} {shown(data)}, which is not rows"
