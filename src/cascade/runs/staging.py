"""The third stage: keep the validated rows of a run on local disk until they are published."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from cascade.clock import Clock
from cascade.iceberg.large import LARGE_BYTES, LargeRows, Spool
from cascade.runs.newest import GOOD_BEFORE, NUMBER, OLDER, REASON, VERSION, Superseded, superseded
from cascade.runs.report import SHOWN_REFUSED, Refusal
from cascade.schemas import RefusedRow, ValidationResult
from cascade.schemas.keys import KeyReader
from cascade.schemas.sensitive import Redaction

_REFUSED = pa.schema([(name, pa.large_string()) for name in ("rule", "field", "message", "row")])
_REFUSED_AT_ONCE = 1000


@dataclass(frozen=True)
class Staged:
    """The rows of a run that are on disk and not in the table yet.

    Args:
        rows_good: number of rows that passed validation.
        rows_refused: number of rows that failed validation.
        rows_superseded: number of rows that passed validation, but do not land, because a newer row with the same key
            was refused.
        first_refused: the first refused rows.
    """

    rows_good: int
    rows_refused: int
    rows_superseded: int
    first_refused: tuple[Refusal, ...]
    _good: Spool
    _refused: Spool
    _superseded: Superseded | None

    def good(self) -> pa.Table:
        """Return the rows that are to land, in the source's order. They are mapped from disk, and read on use."""
        rows = self._good.read()
        if not self.rows_superseded:
            return rows
        assert self._superseded is not None
        kept = pc.invert(pc.is_in(pa.arange(0, rows.num_rows), value_set=self._superseded.good))
        return rows.filter(kept)

    @property
    def good_bytes(self) -> int:
        """Size of the rows that passed validation."""
        return self._good.bytes

    def good_in_chunks(self) -> LargeRows:
        """Return the rows of `good`, to be read one chunk at a time."""
        left_out = self._superseded.good.to_numpy() if self._superseded is not None else None
        return LargeRows(self._good, left_out)

    def refused(self) -> Iterator[Refusal]:
        """Yield the refused rows in the source's order."""
        return _refusals(self._refused, self._superseded)


class Staging:
    """Writes the rows of one run to local disk.

    Args:
        schema: the schema of good rows.
        keys: reads the keys of refused rows; None for a workflow without a key.
        versions: reads their keys together with the column that says which row of a key is the newest, if one does.
        clock: measures the stage as `stage`.
        redaction: leaves sensitive values out of refused rows, which others read; None for a schema without any.
    """

    def __init__(
        self,
        schema: pa.Schema,
        keys: KeyReader | None,
        clock: Clock,
        versions: KeyReader | None = None,
        redaction: Redaction | None = None,
    ) -> None:
        self._clock = clock
        self._redaction = redaction
        self._keys = keys
        self._versions = versions
        self._good = Spool(schema)
        self._refused = Spool(_REFUSED)
        numbers = [pa.field(name, pa.int64()) for name in (NUMBER, GOOD_BEFORE)]
        version = [] if versions is None else [pa.field(VERSION, versions.arrow[-1].type)]
        self._refused_keys = Spool(pa.schema([*(keys.arrow if keys is not None else ()), *numbers, *version]))

    def add(self, result: ValidationResult) -> None:
        """Stage the rows of one batch.

        Args:
            result: the good and the refused rows.

        Raises:
            CascadeError: the disk is full.
        """
        with self._clock.timed("stage"):
            if result.refused:
                self._add_keys(result.refused)
                refused = map(self._redaction.apply, result.refused) if self._redaction else result.refused
                rows = [(row.rule, row.field, row.message, row.row_json) for row in refused]
                columns = [pa.array(column, pa.large_string()) for column in zip(*rows, strict=True)]
                self._refused.write(pa.table(columns, schema=_REFUSED))
            self._good.write(result.good)

    def finish(self) -> Staged:
        """Return the staged rows. Call it after the last batch."""
        found = None
        if self._keys is not None and self._good.rows and self._refused_keys.rows:
            with self._clock.timed("stage"):
                unique_key, version = self._keys.arrow.names, self._version
                columns = unique_key if version is None else [*unique_key, version]
                # Rows that are mapped stay in memory, but only the columns that are used are read.
                parts = [self._good.read()] if self._good.bytes < LARGE_BYTES else self._good.batches()
                good = (part.select(columns) for part in parts)
                found = superseded(good, self._refused_keys.read(), unique_key, version)
        return Staged(
            rows_good=self._good.rows,
            rows_refused=self._refused.rows,
            rows_superseded=len(found.good) if found is not None else 0,
            first_refused=tuple(islice(_refusals(self._refused, found), SHOWN_REFUSED)),
            _good=self._good,
            _refused=self._refused,
            _superseded=found,
        )

    def close(self) -> None:
        """Release the disk space."""
        self._good.close()
        self._refused.close()
        self._refused_keys.close()

    def _add_keys(self, refused: Sequence[RefusedRow]) -> None:
        if self._keys is None:
            return
        keys, found = self._keys.read([row.row for row in refused])
        # The other rows of the batch before a refused one are valid.
        before = [self._good.rows + refused[index].position - index for index in found]
        numbers = [self._refused.rows + index for index in found]
        columns = [*keys.columns, pa.array(numbers, pa.int64()), pa.array(before, pa.int64())]
        if self._versions is not None:
            known, places = self._versions.read([row.row for row in refused])
            at = {place: position for position, place in enumerate(places)}
            columns.append(
                known.column(known.num_columns - 1).take(pa.array([at.get(row) for row in found], pa.int64()))
            )
        self._refused_keys.write(pa.Table.from_arrays(columns, schema=self._refused_keys.schema))

    @property
    def _version(self) -> str | None:
        return None if self._versions is None else self._versions.arrow.names[-1]


@contextmanager
def staging(
    schema: pa.Schema,
    keys: KeyReader | None,
    clock: Clock,
    versions: KeyReader | None = None,
    redaction: Redaction | None = None,
) -> Iterator[Staging]:
    """Open a `Staging` for the rows of one run, and delete it afterwards.

    Args:
        schema: the schema of good rows.
        keys: see `Staging`.
        clock: measures the stage as `stage`.
        versions: see `Staging`.
        redaction: see `Staging`.

    Yields:
        The opened `Staging`.
    """
    with closing(Staging(schema, keys, clock, versions, redaction)) as opened:
        yield opened


def _refusals(refused: Spool, found: Superseded | None) -> Iterator[Refusal]:
    newer = dict.fromkeys(found.by, REASON) | dict.fromkeys(found.older, OLDER) if found is not None else {}
    number = 0
    for rows in refused.batches():
        for batch in rows.to_batches(max_chunksize=_REFUSED_AT_ONCE):
            for row in batch.to_pylist():
                message = f"{row['message']}; {newer[number]}" if number in newer else row["message"]
                number += 1
                yield Refusal(row["rule"], row["field"], message, row["row"])
