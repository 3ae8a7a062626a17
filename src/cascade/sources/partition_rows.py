"""Keep the rows of one partition, by the date or time in one of their fields, whatever its type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from cascade.exceptions import SourceError, UsageError
from cascade.notices import notice
from cascade.partitions import PartitionWindow
from cascade.schemas.rows import RefusedRow, python_rows
from cascade.sources.columns import distinct
from cascade.sources.malformed import unknown_partition
from cascade.sources.moments import Moment, MomentReader, naive
from cascade.spelling import nearest

if TYPE_CHECKING:
    import pyarrow as pa

_SHOWN_FILES = 5


class PartitionFilter:
    """Keeps the rows of one partition.

    An instant belongs to the partition that contains it. A date, and a time without a zone, is one of the calendar and
    the clock in the partition's time zone.

    Args:
        window: the partition.
        column: the field with the date or time.
        by_day: whether the schema declares a date, so that midnight in any zone is the date that it shows.
        form: the format of the field's text that the user declared.
    """

    def __init__(self, window: PartitionWindow, column: str, *, by_day: bool, form: str | None) -> None:
        self.column = column
        self._window = window
        self._bounds = naive(window.start), naive(window.end)
        self._by_day = by_day
        self._form = form
        self._moment = MomentReader()
        self._seen: list[datetime] = []
        self._kept = False

    def contains(self, value: object) -> bool | None:
        """Return whether a value is in the partition, or None if it is not a date or a time."""
        moment = self._moment(value)
        if moment is None:
            return None
        self.see(moment)
        if self._is_instant(moment):
            inside = self._window.start <= moment < self._window.end
        else:
            inside = self._bounds[0] <= naive(moment) < self._bounds[1]
        self._kept = self._kept or inside
        return inside

    def excludes(self, first: Moment, last: Moment) -> bool:
        """Return whether no value from one moment to another is in the partition."""
        for moment in (first, last):
            self.see(moment)
        if not isinstance(first, datetime) or not isinstance(last, datetime) or first.tzinfo is None:
            return naive(last) < self._bounds[0] or naive(first) >= self._bounds[1]
        # If the schema declares a date, an instant can be of another day than the one that contains it.
        return not self._by_day and (last < self._window.start or first >= self._window.end)

    def see(self, moment: Moment) -> None:
        """Remember the earliest and the latest moment of the files."""
        try:
            local = naive(moment.astimezone(self._window.start.tzinfo) if self._is_instant(moment) else moment)  # type: ignore[union-attr]
        except OverflowError:  # a moment at the end of the calendar
            local = naive(moment)
        self._seen = [min((*self._seen, local)), max((*self._seen, local))]

    def rows_of(self, table: pa.Table, shown: str) -> tuple[pa.Table, list[RefusedRow]]:
        """Split a table into the rows of the partition and those whose partition is unknown. Others are left out.

        Args:
            table: the rows.
            shown: path of their file, as the user knows it.

        Raises:
            SourceError: the table lacks the column, or it does not hold dates or times.
        """
        mask = self._mask(self._column_of(table, shown), shown)
        unknown, problems = python_rows(table.filter(mask.is_null()))
        assert not problems or unknown
        return table.filter(mask), [self.refused(row, shown) for row in unknown]

    def refused(self, row: Mapping[str, object], shown: str) -> RefusedRow:
        """Return the refused row of a row whose partition is unknown.

        Args:
            row: the row.
            shown: path of its file, as the user knows it.
        """
        value = row.get(self.column)
        advice = f'The declared format is "{self._form}".' if self._form is not None else ""
        if self._form is None and isinstance(value, (str, int)) and str(value).strip():
            form = "%Y%m%d" if str(value).strip().isdecimal() else "%d.%m.%Y"
            advice = f'If it is one, declare its format, such as formats={{"{self.column}": "{form}"}}.'
        return unknown_partition(shown, self.column, row, value, advice)

    def warn_if_empty(self, files: Sequence[str]) -> None:
        """Tell the user if no row of the files is in the partition.

        Args:
            files: paths of the files, as the user knows them.
        """
        if self._kept or not files:
            return
        listed = ", ".join(files[:_SHOWN_FILES]) + (" and more" if len(files) > _SHOWN_FILES else "")
        if self._seen:
            whole = all(moment.time() == time() for moment in self._seen)
            first, last = (f"{moment:%Y-%m-%d}" if whole else f"{moment:%Y-%m-%d %H:%M}" for moment in self._seen)
            found = f'"{self.column}" is {first if first == last else f"from {first} to {last}"} there.'
        else:
            found = f'No row there has a date or time in "{self.column}".'
        notice(f"No row of partition {self._window.key} is in {listed}. {found}")

    def _is_instant(self, moment: Moment) -> bool:
        if not isinstance(moment, datetime) or moment.tzinfo is None:
            return False
        return not (self._by_day and moment.timetz().replace(tzinfo=None) == time())

    def _column_of(self, table: pa.Table, shown: str) -> pa.ChunkedArray:
        if self.column in table.column_names:
            return table.column(self.column)
        near = nearest(self.column, table.column_names)
        columns = ", ".join(table.column_names[:20])
        raise SourceError(
            f'{shown} has no column "{self.column}", which partition_column names. It has {columns}.',
            hint=f'Did you mean "{near}"?' if near else None,
        )

    def _mask(self, column: pa.ChunkedArray, shown: str) -> Any:
        """Return whether each value is in the partition, null where it is not a date or a time."""
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = column.type
        if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
            mask = self._mask_of_typed(column)
            ends = pc.min_max(column)
            for moment in python_rows(pa.table({"end": [ends["min"], ends["max"]]}))[0] if len(column) else ():
                if isinstance(moment["end"], (datetime, type(self._bounds[0].date()))):
                    self.see(moment["end"])
            self._kept = self._kept or bool(pc.any(mask).as_py())
            return mask
        values = distinct(column)
        if values is None:
            raise SourceError(f'"{self.column}" of {shown} is of type {kind}, which is not a date or a time.')
        states = pa.array([self.contains(value) for value in values.dictionary.to_pylist()], pa.bool_())
        return states.take(values.indices)

    def _mask_of_typed(self, column: pa.ChunkedArray) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        def between(values: Any, start: datetime, end: datetime, zone: str | None) -> Any:
            first, last = (pa.scalar(bound, pa.timestamp("us", zone)) for bound in (start, end))
            return pc.and_(pc.greater_equal(values, first), pc.less(values, last))

        if pa.types.is_date(column.type):
            # As numbers, because not every date has a timestamp.
            days = column.cast(pa.date32()).cast(pa.int32())
            first, end = map(_first_day, self._bounds)
            return pc.and_(pc.greater_equal(days, first), pc.less(days, end))
        if column.type.tz is None:
            return between(column, *self._bounds, None)
        inside = between(column, self._window.start, self._window.end, column.type.tz)
        if not self._by_day:
            return inside
        shown = pc.local_timestamp(column)
        day = shown.cast(pa.date32(), safe=False).cast(shown.type)
        return pc.if_else(pc.equal(day, shown), between(shown, *self._bounds, None), inside)


def _first_day(bound: datetime) -> int:
    """Return the first day whose midnight is at or after a moment, counted from 1970."""
    day = bound.date().toordinal() + (bound.time() > time())
    return day - date(1970, 1, 1).toordinal()


def partition_filter(
    partition: object, column: str | None, schema: type | None, formats: Mapping[str, str]
) -> PartitionFilter | None:
    """Build the filter that the arguments of a reader ask for.

    Args:
        partition: the partition, or None for all rows.
        column: the field with the date or time.
        schema: the validation schema, or None.
        formats: the formats of text, by column.

    Raises:
        UsageError: the arguments do not fit together.
    """
    if partition is None and column is None:
        return None
    if partition is None or column is None:
        given, other = ("partition_column", "partition") if partition is None else ("partition", "partition_column")
        raise UsageError(f"{given} needs {other}, too: the column and the partition select the rows together.")
    if not isinstance(partition, PartitionWindow):
        raise UsageError(
            f"partition must be the window of the run, not {partition!r}.",
            hint="Take `window` in the workflow's function in place of `partition_date`, and pass partition=window.",
        )
    name, by_day = _declared(column, schema)
    return PartitionFilter(partition, name, by_day=by_day, form=formats.get(name))


def _declared(column: str, schema: type | None) -> tuple[str, bool]:
    """Return the source's name of a column, and whether the schema declares it as a date."""
    if schema is None:
        return column, False
    import pyarrow as pa

    from cascade.schemas.converter import declared_schema

    for declared in declared_schema(schema).columns:
        if column == declared.name or column in declared.source_names:
            name = column if column in declared.source_names else declared.source_name
            return name, pa.types.is_date(declared.type)
    names = [declared.name for declared in declared_schema(schema).columns]
    near = nearest(column, names)
    raise UsageError(
        f'partition_column "{column}" is not a field of {schema.__name__}.',
        hint=f'Did you mean "{near}"?' if near else f"Its fields are {', '.join(names)}.",
    )
