"""The Dagster asset of a workflow."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg

from cascade.config.secrets import mask_error, mask_secrets
from cascade.declarations import IngestionDeclaration, TableChecks
from cascade.declarations.asset_keys import dependencies
from cascade.declarations.code_version import code_version
from cascade.exceptions import (
    CascadeError,
    ChecksFailedError,
    CommitError,
    PartitionError,
    RowsRefusedError,
    RunTooLongError,
    SourceUnreachableError,
)
from cascade.ingestion.metadata import definition_metadata, run_metadata
from cascade.ingestion.parameters import LAKEHOUSE, dagster_arguments
from cascade.ingestion.replay import REPLAY_TAG, replay
from cascade.ingestion.run import run_ingestion
from cascade.ingestion.table_checks import DeclaredJudge
from cascade.ingestion.validation_check import failed_validation, validation_result, validation_spec
from cascade.partitions import PartitionWindow, has_ended, partitions_definition, window_for
from cascade.quality.dagster_checks import asset_check_result, check_specs_of
from cascade.runs.report import RunReport

_LENGTHS = {
    "hourly": timedelta(hours=1),
    "daily": timedelta(days=1),
    "weekly": timedelta(weeks=1),
    "monthly": timedelta(days=30.44),
}
_MAY_SUCCEED_LATER = (CommitError, RunTooLongError, SourceUnreachableError)


def build_asset(declaration: IngestionDeclaration, checks: Sequence[TableChecks] = ()) -> dg.AssetsDefinition:
    """Build the Dagster asset of a workflow. It requires the resource `lakehouse`, and those that the function takes.

    Args:
        declaration: the workflow's declaration.
        checks: the declared checks of its table. The op of the asset runs them, because rows that a blocking check
            refuses must not become visible; Dagster itself would run a check after the rows are.

    Raises:
        SchemaConversionError: a field of the schema cannot become a column.
    """
    partitions = partitions_definition(declaration)

    def ingest(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        # Everybody who sees the run sees its log, which Dagster keeps.
        context.log.addFilter(_mask_record)
        window = _window(declaration, context)
        replays = REPLAY_TAG in context.run.tags
        judge = None
        if checks:
            lakehouse = getattr(context.resources, LAKEHOUSE)
            judge = DeclaredJudge(declaration, checks, lakehouse, window, replays=replays)
        try:
            result = _run(declaration, context, window, judge)
        except (RowsRefusedError, ChecksFailedError, dg.Failure) as error:
            cause = error.__cause__ if isinstance(error, dg.Failure) else error
            if isinstance(cause, RowsRefusedError):
                yield failed_validation(declaration, cause)
            if isinstance(cause, ChecksFailedError) and judge is not None:
                # Dagster shows a check without a result as failed in a run that fails.
                if cause.rows_in is not None:
                    yield validation_result(declaration, cause.rows_in, cause.rows_refused)
                yield from (asset_check_result(found, branch=cause.branch) for found in judge.results)
            raise
        metadata = run_metadata(declaration, result)
        if replays:
            # The replayed rows are not all rows of the partition.
            del metadata["dagster/partition_row_count"]
        yield dg.MaterializeResult(asset_key=list(declaration.asset_key), metadata=metadata)
        yield validation_result(declaration, result.rows_in, result.rows_refused, result.refused)
        if judge is not None:
            yield from map(asset_check_result, judge.results)

    # Dagster checks the annotation of `context`, which is a string in a module with postponed annotations.
    ingest.__annotations__.clear()
    decorate = dg.multi_asset(
        name=declaration.op_name,
        specs=[asset_spec(declaration)],
        check_specs=[validation_spec(declaration), *check_specs_of(checks)],
        partitions_def=partitions,
        backfill_policy=None if partitions is None else dg.BackfillPolicy.multi_run(max_partitions_per_run=1),
        retry_policy=_retry_policy(declaration),
        required_resource_keys={LAKEHOUSE, *declaration.resources},
        pool="/".join(declaration.table_ref.identifier),
        description=declaration.description,
    )
    return decorate(ingest)


def asset_spec(declaration: IngestionDeclaration) -> dg.AssetSpec:
    """Return Dagster's description of a workflow's asset."""
    return dg.AssetSpec(
        key=list(declaration.asset_key),
        deps=list(dependencies(declaration.deps)),
        description=declaration.description,
        metadata=definition_metadata(declaration),
        group_name=declaration.group,
        code_version=code_version(declaration) or None,
        owners=list(declaration.owners),
        tags=dict(declaration.tags),
        kinds={"python", "iceberg"},
        partitions_def=partitions_definition(declaration),
        automation_condition=automation_condition(declaration),
        freshness_policy=_freshness_policy(declaration),
    )


def automation_condition(declaration: IngestionDeclaration) -> dg.AutomationCondition[Any] | None:
    """Return when Dagster runs the asset automatically; None without a `cron`, or if the last partition has ended."""
    if declaration.cron is None or has_ended(declaration, datetime.now(UTC)):
        return None
    on_cron = dg.AutomationCondition.on_cron(declaration.cron, cron_timezone=declaration.partition_timezone)
    if not declaration.lookback or declaration.partitions is None:
        return on_cron
    # It takes the partitions that begin in this time. Half a partition more, since months and days differ in length.
    delta = _LENGTHS[declaration.partitions] * (declaration.lookback + 1.5)
    newest = dg.AutomationCondition.in_latest_time_window()
    return on_cron.replace(newest, dg.AutomationCondition.in_latest_time_window(delta))


def _freshness_policy(declaration: IngestionDeclaration) -> dg.FreshnessPolicy | None:
    if declaration.freshness_hours is None:
        return None
    warn, fail = declaration.freshness_hours
    return dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=fail), warn_window=None if warn is None else timedelta(hours=warn)
    )


def _retry_policy(declaration: IngestionDeclaration) -> dg.RetryPolicy | None:
    if declaration.max_retries == 0:
        return None
    return dg.RetryPolicy(max_retries=declaration.max_retries, delay=declaration.retry_delay_seconds)


def _run(
    declaration: IngestionDeclaration,
    context: dg.AssetExecutionContext,
    window: PartitionWindow | None,
    judge: DeclaredJudge | None,
) -> RunReport:
    where: dict[str, Any] = {
        "lakehouse": getattr(context.resources, LAKEHOUSE),
        "window": window,
        "run_id": context.run.run_id,
        "judge": judge,
        "warn": context.log.warning,
    }
    try:
        if REPLAY_TAG in context.run.tags:
            result = replay(declaration, **where)
        else:
            arguments = dagster_arguments(declaration, context)
            result = run_ingestion(declaration, arguments=arguments, log=context.log.info, **where)
    except Exception as error:
        # Dagster records the error in its log, where everybody can see it.
        masked = mask_error(error)
        if declaration.max_retries and isinstance(masked, CascadeError) and not isinstance(masked, _MAY_SUCCEED_LATER):
            # A retry would fail in the same way.
            raise dg.Failure(description=str(masked), allow_retries=False) from masked
        _tell_retry(declaration, context.op_execution_context.retry_number, masked)
        if masked is error:
            raise
        raise masked from masked.__cause__
    for row in result.refused:
        context.log.warning(f"Refused by {row.rule}: {row.message} Row: {row.row_json}")
    if result.rows_refused > len(result.refused):
        context.log.warning(f"{result.rows_refused - len(result.refused)} more rows were refused.")
    if result.overwritten is not None:
        context.log.warning(f"{declaration.table} {result.partition}: {result.overwritten}")
    return result


def _mask_record(record: logging.LogRecord) -> bool:
    """Mask secrets in what a workflow logs, as in errors."""
    text = record.getMessage()
    masked = mask_secrets(text)
    if masked != text:
        record.msg, record.args = masked, ()
    return True


def _tell_retry(declaration: IngestionDeclaration, retries: int, error: BaseException) -> None:
    """Print when the run starts again. Dagster itself waits without a word."""
    if retries >= declaration.max_retries:
        return
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    attempt = f"Attempt {retries + 2} of {declaration.max_retries + 1} in {declaration.retry_delay_seconds:g} s."
    print(
        f"retry: {declaration.table} failed ({type(error).__name__}: {reason}). {attempt}", file=sys.stderr, flush=True
    )


def _window(declaration: IngestionDeclaration, context: dg.AssetExecutionContext) -> PartitionWindow | None:
    if declaration.partitions is None:
        # A run of several assets has the partition of the others.
        return None
    if context.has_partition_key or not context.has_partition_key_range:
        return window_for(declaration, context.partition_key if context.has_partition_key else None)
    # Dagster's backfills pass even a single partition as a range. Its list of the range's keys rounds wrong keys.
    wanted = context.partition_key_range
    first, last = window_for(declaration, wanted.start), window_for(declaration, wanted.end)
    if first == last:
        return first
    raise PartitionError(
        f"{declaration.table}: a run ingests one partition, but this one has {wanted.start}...{wanted.end}.",
        hint="Start a backfill with one run per partition instead.",
    )
