"""The workflows that the trials run: each write disposition, with and without partitions, full and incremental."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, Field

from cascade.fault_points import FaultPoint, arm_from
from cascade.ingestion import cascade_ingestion
from cascade.ingestion.run import run_ingestion
from cascade.partitions import window_for
from cascade.runs.report import RunReport
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from cascade.declarations import IngestionDeclaration
    from cascade.iceberg import Lakehouse
    from cascade.ingestion.run import Judge
    from cascade.testing.trials.sites import Site

DAYS = ("2024-01-01", "2024-01-02", "2024-01-03")
REFUSED = 1e12
"""A row with this value, or a larger one, is refused. Values of good rows count up, however many runs there are."""


class Measurement(BaseModel):
    """A row of the tables."""

    at: AwareDatetime
    id: int
    seq: int
    value: float = Field(lt=REFUSED)


class Row(NamedTuple):
    """A row of a partition. Its time follows from the day and its id.

    Args:
        id: what identifies the row in its partition.
        seq: its place in the source, which incremental runs continue from.
        value: a value of at least `REFUSED` is refused.
    """

    id: int
    seq: int
    value: float


@dataclass(frozen=True)
class Case:
    """A workflow.

    Args:
        disposition: how rows are written.
        partitioned: whether it has daily partitions.
        incremental: whether its source is a dlt resource that returns only what is new since the last run.
        layout: whether its table has an Iceberg layout by day.
    """

    disposition: Literal["merge", "append", "replace"]
    partitioned: bool = True
    incremental: bool = False
    layout: bool = False

    def __str__(self) -> str:
        """Return the name of a test or of a table."""
        words = ["daily" if self.partitioned else "whole"]
        words += ["incremental"] * self.incremental + ["layout"] * self.layout
        return "_".join([self.disposition, *words])

    @property
    def partitions(self) -> tuple[str | None, ...]:
        """The partitions that are run."""
        return DAYS if self.partitioned else (None,)


CASES = (
    Case("merge"),
    Case("merge", layout=True),
    Case("merge", partitioned=False),
    Case("merge", incremental=True),
    Case("merge", partitioned=False, incremental=True),
    Case("append"),
    Case("append", partitioned=False),
    Case("append", incremental=True),
    Case("append", partitioned=False, incremental=True),
    Case("replace"),
    Case("replace", layout=True),
    Case("replace", partitioned=False),
)
FULL = tuple(case for case in CASES if not case.incremental)
INCREMENTAL = tuple(case for case in CASES if case.incremental)


def declared(case: Case, ref: TableRef, source: Any, schema: type[BaseModel] = Measurement) -> IngestionDeclaration:
    """Declare the workflow of a case.

    Args:
        case: the case.
        ref: its table.
        source: the workflow's function.
        schema: the schema of its rows.
    """
    arguments: dict[str, Any] = {"partitions": None}
    if case.partitioned:
        arguments = {"partition_start": DAYS[0]}
        if case.disposition == "replace":
            arguments["partition_column"] = "at"
    if case.disposition == "merge":
        arguments["unique_key"] = ("at", "id")
    if case.layout:
        arguments["partition_spec"] = [("at", "day")]
    return cascade_ingestion(
        table_name=ref.name,
        namespace=ref.namespace,
        group="conformance",
        validation_schema=schema,
        write_disposition=case.disposition,
        **arguments,
    )(source).declaration


def run_case(
    lakehouse: Lakehouse,
    case: Case,
    ref: TableRef,
    partition: str | None,
    rows: Sequence[Row],
    run_id: str = "run",
    *,
    schema: type[BaseModel] = Measurement,
    more: dict[str, object] | None = None,
    judge: Judge | None = None,
) -> RunReport:
    """Run the workflow of a case once.

    Args:
        lakehouse: the lakehouse.
        case: the case.
        ref: its table.
        partition: key of the partition; None for a workflow without partitions.
        rows: all rows that the source has.
        run_id: the run.
        schema: the schema of the rows.
        more: further fields of each row.
        judge: judges the table with the rows of the run.
    """
    found = [row | (more or {}) for row in as_dicts(partition, rows)]

    def source() -> object:
        if not case.incremental:
            return found
        import dlt

        return dlt.resource(found, name="source").apply_hints(incremental=dlt.sources.incremental("seq"))

    declaration = declared(case, ref, source, schema)
    window = window_for(declaration, partition)
    return run_ingestion(declaration, lakehouse=lakehouse, window=window, run_id=run_id, judge=judge)


def run_armed(
    site: Site,
    case: Case,
    ref: TableRef,
    partition: str | None,
    rows: Sequence[Row],
    run_id: str,
    point: tuple[FaultPoint, str] | None,
) -> None:
    """Run a case in a process of its own, which kills itself at a fault point, if one is given."""
    if point is not None:
        arm_from(point[0].environment(point[1]))
    run_case(site.open(), case, ref, partition, rows, run_id)


def as_dicts(partition: str | None, rows: Sequence[Row]) -> list[dict[str, object]]:
    """Return rows as a source returns them."""
    start = datetime.fromisoformat(partition or DAYS[0]).replace(tzinfo=UTC)
    return [{"at": start + timedelta(seconds=row.id), **row._asdict()} for row in rows]
