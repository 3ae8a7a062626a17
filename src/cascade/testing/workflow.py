"""Run a workflow in a test, the way Dagster runs it."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import sys
import traceback
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cascade.dagster_storage import speed_up_dagster_storage
from cascade.exceptions import CascadeError, UsageError
from cascade.testing.lakehouse import throwaway_lakehouse

if TYPE_CHECKING:
    import pyarrow as pa

    from cascade.declarations import IngestionDeclaration
    from cascade.iceberg import Lakehouse
    from cascade.ingestion import IngestionWorkflow
    from cascade.schemas import RefusedRow


@dataclass(frozen=True, repr=False)
class WorkflowResult:
    """What a run of a workflow did. It is true if the run succeeded.

    Args:
        success: whether the run succeeded. A run with refused rows succeeds, unless all rows were refused.
        rows: all rows of the table after the run, sorted by the unique key.
        refused: the partition's rows in the quarantine after the run, each with its rule and its message.
        partition: key of the partition; None for a workflow without partitions.
        error: what the run raised.
        rows_in: rows that the source returned; 0 if the run failed, like the counts below.
        rows_good: rows that passed validation.
        rows_refused: rows that failed validation.
        rows_inserted: rows that were added; under `merge`, those whose keys were new to the table.
        rows_updated: rows that replaced an older version.
        rows_removed: rows that left the table.
        committed: whether the run created a snapshot.
        snapshot_id: the table's current snapshot.
    """

    success: bool
    rows: pa.Table
    refused: tuple[RefusedRow, ...]
    partition: str | None
    error: BaseException | None = None
    rows_in: int = 0
    rows_good: int = 0
    rows_refused: int = 0
    rows_inserted: int = 0
    rows_updated: int = 0
    rows_removed: int = 0
    committed: bool = False
    snapshot_id: int | None = None

    def __bool__(self) -> bool:
        return self.success

    def __repr__(self) -> str:
        """Return the text that a failed `assert` shows."""
        where = f" of {self.partition}" if self.partition else ""
        if self.error is None:
            return f"<run{where}: {self.rows.num_rows} rows in the table, {len(self.refused)} refused>"
        if isinstance(self.error, CascadeError):
            return f"<failed run{where}: {_told(self.error)}>"
        return f"<failed run{where}>\n{_told(self.error)}"


def test_workflow(
    workflow: IngestionWorkflow[..., Any],
    test_data: object = None,
    partition: str | None = None,
    *,
    lakehouse: Lakehouse | None = None,
    resources: Mapping[str, object] | None = None,
) -> WorkflowResult:
    """Run a workflow into a throwaway lakehouse, through the Dagster asset that runs in production.

    Args:
        workflow: the decorated function.
        test_data: replaces what the function returns: dicts, Arrow, a frame, a dlt resource. If absent, the function
            is called.
        partition: key of the partition; the first if absent.
        lakehouse: a lakehouse that outlives the call (see `throwaway_lakehouse`), to run a workflow more than once.
        resources: the resources that the function takes, by the names of its parameters: a `ConfigurableResource`, or
            any object in its place. The function's `context` is Dagster's own.

    Returns:
        What the run did. It is true if the run succeeded; otherwise it has the `error`.

    Raises:
        UsageError: the workflow is not a decorated function, takes a resource that was not given, or does not take one
            that was.
        PartitionError: the workflow has no such partition.
    """
    from cascade.partitions import first_key, window_for

    declaration = getattr(workflow, "declaration", None)
    if declaration is None:
        raise UsageError(f"test_workflow takes a function with @cascade_ingestion, not {workflow!r}.")
    key = first_key(declaration) if partition is None else partition
    # A wrong key or a missing resource is a mistake in the test, not an outcome of the run.
    window_for(declaration, key)
    tested = workflow if test_data is None else _standing_in(declaration, test_data)
    given = dict(resources or {})
    _refuse_unknown(declaration, given)
    _refuse_missing(tested.declaration, given)
    with nullcontext(lakehouse) if lakehouse is not None else throwaway_lakehouse() as opened:
        return _run(tested, key, opened, given)


# pytest would collect the function as a test in every module that imports it.
test_workflow.__test__ = False  # type: ignore[attr-defined]


def _refuse_unknown(declaration: IngestionDeclaration, resources: Mapping[str, object]) -> None:
    from cascade.ingestion.parameters import LAKEHOUSE
    from cascade.spelling import did_you_mean

    taken = [name for name in declaration.resources if name != LAKEHOUSE]
    for name in resources:
        if name == LAKEHOUSE:
            message, hint = "resources cannot replace the lakehouse.", "Pass it as test_workflow(..., lakehouse=...)."
        elif name not in taken:
            message = f'{declaration.table} takes no resource "{name}".{did_you_mean(name, taken)}'
            hint = f"It takes {', '.join(taken)}." if taken else "It takes none. A resource is an annotated parameter."
        else:
            continue
        raise UsageError(message, location=declaration.location, hint=hint)


def _refuse_missing(declaration: IngestionDeclaration, resources: Mapping[str, object]) -> None:
    from cascade.ingestion.parameters import LAKEHOUSE

    missing = [name for name in declaration.resources if name not in resources and name != LAKEHOUSE]
    if missing:
        given = ", ".join(f'"{name}": ...' for name in declaration.resources if name != LAKEHOUSE)
        raise UsageError(
            f"{declaration.table} takes the resource {' and the resource '.join(missing)}, but test_workflow got none.",
            location=declaration.location,
            hint=f"Pass resources={{{given}}} to test_workflow.",
        )


def _standing_in(declaration: IngestionDeclaration, test_data: object) -> IngestionWorkflow[..., Any]:
    """Return the same workflow with a function that takes nothing and returns the test data."""
    from cascade.ingestion import IngestionWorkflow

    @functools.wraps(declaration.function)
    def give() -> object:
        return test_data

    # Without this, it would have the signature of the wrapped function, which may take resources.
    give.__signature__ = inspect.Signature()  # type: ignore[attr-defined]

    return IngestionWorkflow(dataclasses.replace(declaration, function=give))


def _run(
    workflow: IngestionWorkflow[..., Any], key: str | None, lakehouse: Lakehouse, resources: Mapping[str, object]
) -> WorkflowResult:
    import dagster as dg

    from cascade.ingestion.parameters import LAKEHOUSE
    from cascade.runs.report import RunReport

    declaration = workflow.declaration
    error: BaseException | None = None
    report: RunReport | None = None
    speed_up_dagster_storage()
    with dg.DagsterInstance.ephemeral() as instance:
        try:
            result = dg.materialize(
                [workflow.asset],
                partition_key=key,
                instance=instance,
                resources={**resources, LAKEHOUSE: dg.ResourceDefinition.hardcoded_resource(lakehouse)},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            )
            report = RunReport.of_run(result, workflow.key)
        except Exception as raised:
            error = _innermost(raised)
            # pytest truncates the output of an `assert`, and shows printed text only if the test fails.
            print(f"The run of {declaration.table} failed: {_told(error)}", file=sys.stderr)
    rows, snapshot_id = _rows(lakehouse, declaration)
    return WorkflowResult(
        success=error is None,
        rows=rows,
        refused=_refused(lakehouse, declaration, key),
        partition=key,
        error=error,
        committed=report is not None and report.committed,
        snapshot_id=snapshot_id,
        **(report.counts if report is not None else {}),
    )


def _told(error: BaseException) -> str:
    """Return an error for the user: its message if Cascade raised it on purpose, or else its traceback."""
    return str(error) if isinstance(error, CascadeError) else "".join(traceback.format_exception(error))


def _innermost(raised: BaseException) -> BaseException:
    """Return the error that the workflow raised, without Dagster's wrappers around it."""
    while raised.__cause__ is not None and type(raised).__module__.startswith("dagster"):
        raised = raised.__cause__
    return raised


def _rows(lakehouse: Lakehouse, declaration: IngestionDeclaration) -> tuple[pa.Table, int | None]:
    from cascade.iceberg.hidden import visible
    from cascade.iceberg.keys import sorted_by_key
    from cascade.schemas import declared_schema

    table = lakehouse.load(declaration.table_ref)
    if table is None:
        return declared_schema(declaration.validation_schema).empty(), None
    rows = table.scan(selected_fields=tuple(visible(field.name for field in table.schema().fields))).to_arrow()
    snapshot = table.current_snapshot()
    # Arrow itself cannot sort by a UUID.
    return sorted_by_key(rows, declaration.unique_key), snapshot.snapshot_id if snapshot else None


def _refused(lakehouse: Lakehouse, declaration: IngestionDeclaration, key: str | None) -> tuple[RefusedRow, ...]:
    from cascade.schemas import RefusedRow

    table = lakehouse.load(declaration.table_ref.quarantine)
    if table is None:
        return ()
    rows = [row for row in table.scan().to_arrow().to_pylist() if row["partition"] == key]
    return tuple(RefusedRow(row["rule"], row["field"], row["message"], json.loads(row["row"])) for row in rows)
