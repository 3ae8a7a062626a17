"""One run of one workflow, from its function to rows in its table. Knows nothing of Dagster.

function ──► batches ──► good rows | refused rows ──► quarantine ──► merge in one snapshot ──► dlt state
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from cascade.declarations import IngestionDeclaration
from cascade.exceptions import RowsRefusedError
from cascade.iceberg import Lakehouse, ensure_table, merge_rows, replace_quarantine
from cascade.ingestion.batches import Feeder, one_batch
from cascade.ingestion.deadline import deadline
from cascade.ingestion.dlt_helpers import DltSession, dlt_session, quiet_dlt
from cascade.ingestion.dlt_settings import missing_settings_named
from cascade.partitions import PartitionWindow
from cascade.schemas import Batch, RefusedRow, declared_schema, to_iceberg_schema, validator_for

if TYPE_CHECKING:
    from pyiceberg.table.snapshots import Snapshot

SHOWN_ROWS = 10
SHOWN_REFUSED = 5


class Unset(Enum):
    """Stands for an argument that was not given, where None is a value."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True)
class IngestionResult:
    """What a run did.

    Args:
        table: full name of the table.
        partition: key of the partition, or None.
        run_id: the run.
        rows_in: rows that the source gave.
        rows_good: rows that passed validation.
        rows_refused: rows that did not.
        rows_inserted: rows whose keys were new to the table.
        rows_updated: rows that replaced another version.
        snapshot_id: the table's current snapshot; None while it never had rows.
        committed: whether this run made that snapshot.
        refused: the first refused rows.
        dropped_fields: fields of the source that the schema lacks.
        sample: the first rows of this run as they are in the table.
        partition_rows: rows of this run in the table, one for each key.
        table_rows: rows of the whole table.
        seconds: how long the run took.
        timings: seconds of each step, by its name.
    """

    table: str
    partition: str | None
    run_id: str
    rows_in: int
    rows_good: int
    rows_refused: int
    rows_inserted: int
    rows_updated: int
    snapshot_id: int | None
    committed: bool
    refused: tuple[RefusedRow, ...]
    dropped_fields: tuple[str, ...]
    sample: pa.Table
    partition_rows: int
    table_rows: int
    seconds: float
    timings: Mapping[str, float]


def run_ingestion(
    declaration: IngestionDeclaration,
    *,
    lakehouse: Lakehouse,
    window: PartitionWindow | None,
    run_id: str,
    data: object = UNSET,
    log: Callable[[str], None] = lambda line: None,
) -> IngestionResult:
    """Run a workflow once.

    Args:
        declaration: the workflow's declaration.
        lakehouse: where its table is.
        window: the partition, or None for a workflow without.
        run_id: goes into the snapshot's summary and the quarantine.
        data: stands for what the function would give; the function is not called then.
        log: takes lines for people.

    Returns:
        what the run did.

    Raises:
        CascadeError: see `cascade.exceptions`; nothing of the run landed in the table.
    """
    with deadline(declaration.max_runtime_seconds, declaration.table, declaration.location):
        return _Run(declaration, lakehouse, window, run_id, log).carry_out(data)


def _total_rows(snapshot: Snapshot | None) -> int:
    return int(snapshot.summary["total-records"] or 0) if snapshot is not None and snapshot.summary is not None else 0


@dataclass
class _Run:
    """The steps of one run, and what they found so far."""

    declaration: IngestionDeclaration
    lakehouse: Lakehouse
    window: PartitionWindow | None
    run_id: str
    log: Callable[[str], None]
    rows_in: int = 0
    good: list[pa.Table] = field(default_factory=list)
    refused: list[RefusedRow] = field(default_factory=list)
    dropped: dict[str, None] = field(default_factory=dict)
    waiting: list[Batch] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        declaration = self.declaration
        self.started = time.perf_counter()
        self.validator = validator_for(
            declaration.validation_schema, unique_key=declaration.unique_key, validate=declaration.validate
        )

    @property
    def partition(self) -> str | None:
        return None if self.window is None else self.window.key

    def carry_out(self, data: object) -> IngestionResult:
        declaration = self.declaration
        with self._timed("open"):
            # Drift is refused before the source is asked for anything.
            ensure_table(
                self.lakehouse,
                declaration.table_ref,
                to_iceberg_schema(declaration.validation_schema, declaration.unique_key),
                partition_spec=declaration.partition_spec,
            )
        with dlt_session(declaration, self.lakehouse.dlt_directory, self.partition) as session:
            self._read(data, session)
            self._judge()
            result = self._land()
            with self._timed("state"):
                session.keep()
        return result

    def _read(self, data: object, session: DltSession) -> None:
        """Ask the source for its rows and validate them, batch by batch."""
        quiet_dlt(self.lakehouse.dlt_directory)
        feeder = Feeder(
            self._take,
            lambda source: session.extract(source, feeder.feed),
            self.declaration.table,
            self.declaration.location,
        )
        with self._timed("extract"), missing_settings_named(self.declaration.location):
            feeder.feed(self._call() if data is UNSET else data)
            feeder.flush()
            whole = one_batch(self.waiting)
            if whole is not None:
                self._validate(whole)
        # Validation happens in the midst of extraction, and counts as itself.
        self.timings["extract"] -= self.timings.get("validate", 0.0)
        if self.dropped:
            self.log(f"Fields that the schema lacks are dropped: {', '.join(self.dropped)}.")

    def _call(self) -> object:
        given: dict[str, Any] = {}
        if self.window is not None:
            given = {"partition_date": self.window.key, "window": self.window}
        wanted = self.declaration.wants
        return self.declaration.function(**{name: value for name, value in given.items() if name in wanted})

    def _take(self, batch: Batch) -> None:
        self.rows_in += len(batch)
        if self.validator.needs_whole_partition:
            self.waiting.append(batch)
        else:
            self._validate(batch)

    def _validate(self, batch: Batch) -> None:
        with self._timed("validate"):
            result = self.validator.validate(batch)
        self.good.append(result.good)
        self.refused.extend(result.refused)
        self.dropped.update(dict.fromkeys(result.dropped_fields))

    def _judge(self) -> None:
        """Set refused rows aside, or refuse the whole run."""
        on_invalid = self.declaration.on_invalid
        if self.refused and on_invalid == "fail":
            raise self._refusal('and on_invalid="fail" lets nothing land')
        # A source that gave nothing, such as an incremental one without news, says nothing about its refused rows.
        if self.rows_in:
            with self._timed("quarantine"):
                replace_quarantine(
                    self.lakehouse,
                    self.declaration.table_ref.quarantine,
                    self.refused,
                    run_id=self.run_id,
                    partition=self.partition,
                )
        if self.refused and len(self.refused) == self.rows_in:
            raise self._refusal(f"and they are in {self.declaration.table_ref.quarantine}")

    def _land(self) -> IngestionResult:
        declaration = self.declaration
        rows = pa.concat_tables([declared_schema(declaration.validation_schema).empty(), *self.good])
        merged = merge_rows(
            self.lakehouse,
            declaration.table_ref,
            rows,
            declaration.unique_key,
            run_id=self.run_id,
            partition=self.partition,
        )
        self.timings |= {
            "plan": merged.plan_seconds,
            "write": merged.write_seconds,
            "commit": merged.commit_seconds,
        }
        snapshot = merged.table.current_snapshot()
        return IngestionResult(
            table=declaration.table,
            partition=self.partition,
            run_id=self.run_id,
            rows_in=self.rows_in,
            rows_good=rows.num_rows,
            rows_refused=len(self.refused),
            rows_inserted=merged.plan.inserted,
            rows_updated=merged.plan.updated,
            snapshot_id=snapshot.snapshot_id if snapshot else None,
            committed=merged.snapshot_id is not None,
            refused=tuple(self.refused[:SHOWN_REFUSED]),
            dropped_fields=tuple(self.dropped),
            sample=merged.plan.rows.slice(0, SHOWN_ROWS),
            partition_rows=merged.plan.rows.num_rows,
            table_rows=_total_rows(snapshot),
            seconds=time.perf_counter() - self.started,
            timings=dict(self.timings),
        )

    def _refusal(self, consequence: str) -> RowsRefusedError:
        count, total = len(self.refused), self.rows_in
        shown = "".join(
            f"\n  - {row.rule}{f' in {row.field}' if row.field else ''}: {row.message}"
            for row in self.refused[:SHOWN_REFUSED]
        )
        more = f"\n  and {count - SHOWN_REFUSED} more" if count > SHOWN_REFUSED else ""
        return RowsRefusedError(
            f"{self.declaration.table}: {count} of {total} rows were refused, {consequence}.{shown}{more}",
            refused=count,
            total=total,
        )

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[step] = self.timings.get(step, 0.0) + time.perf_counter() - start
