"""The first stage: request the rows of the source, and pass them on in batches."""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from pathlib import Path

from cascade.clock import Clock
from cascade.exceptions import SourceLocation
from cascade.fault_points import FaultPoint, reach
from cascade.runs.batches import Feeder
from cascade.runs.database_values import database_values_named
from cascade.runs.dlt_session import DltSession, quiet_dlt
from cascade.runs.dlt_settings import missing_settings_named
from cascade.runs.unreachable_hosts import unreachable_hosts_named
from cascade.schemas import Batch, RefusedRow


@dataclass(frozen=True)
class Extracted:
    """What the source returned.

    Args:
        rows: number of rows, including those that the source itself refused.
        batches: number of batches.
        is_none: whether it returned None in place of data.
    """

    rows: int
    batches: int
    is_none: bool


def extract(
    source: Callable[[], object],
    into: Callable[[Batch], None],
    *,
    refuse: Callable[[list[RefusedRow]], None],
    session: DltSession,
    dlt_directory: Path,
    table: str,
    location: SourceLocation,
    clock: Clock,
    reads: Container[str],
) -> Extracted:
    """Request the rows of a source, and pass each batch to the next stage as it arrives.

    Args:
        source: returns the rows, as any kind of data that a workflow may return.
        into: takes each batch.
        refuse: takes the rows that the source itself refuses.
        session: the dlt state of the asset and partition, for a dlt source.
        dlt_directory: where dlt keeps its data.
        table: full name of the table, for errors.
        location: the workflow's function, for errors.
        clock: measures the stage as `extract`, without the time of `into`.
        reads: the names of the source fields that the schema reads.

    Returns:
        How many rows the source returned.

    Raises:
        SourceError: the data is not rows, or a value of a database cannot be read.
        ConfigError: the source reads a setting through dlt that is not set.
        SourceUnreachableError: the host of the source does not answer.
    """
    rows = batches = 0

    def take(batch: Batch) -> None:
        nonlocal rows, batches
        rows, batches = rows + len(batch), batches + 1
        reach(FaultPoint.EXTRACT, table)
        into(batch)

    def take_refused(refused: list[RefusedRow]) -> None:
        nonlocal rows
        rows += len(refused)
        refuse(refused)

    quiet_dlt(dlt_directory)
    feeder = Feeder(take, lambda data: session.extract(data, feeder.feed), table, location, reads, take_refused)
    with (
        clock.timed("extract"),
        missing_settings_named(location),
        database_values_named(table, location),
        unreachable_hosts_named(table, location),
    ):
        data = source()
        feeder.feed(data)
        feeder.flush()
    return Extracted(rows, batches, data is None)
