"""Run an asset for some partitions, and report what each run did."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from cascade.framework.run_errors import INTERRUPTED, RunError, run_error
from cascade.framework.stale import process_tags
from cascade.runs.report import RunReport

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class CheckOutcome:
    """What one asset check found.

    Args:
        asset: key of the checked asset, as text.
        name: name of the check.
        passed: whether it passed.
        severity: `ERROR` or `WARN`, of a check that failed.
        description: the description of the result, if the check provides one.
        sql: the SQL that selects the failing rows of a check that failed, if the result has one.
    """

    asset: str
    name: str
    passed: bool
    severity: str
    description: str | None = None
    sql: str | None = None

    def __str__(self) -> str:
        text = f"the check {self.name} {'passed' if self.passed else 'failed'}"
        return f"{text}: {self.description}" if self.description else text


@dataclass(frozen=True)
class RunOutcome:
    """What one Dagster run did.

    Args:
        asset: key of the asset, as text.
        partition: key of the partition; None for an asset without partitions.
        run_id: Dagster's id of the run.
        success: whether it succeeded.
        seconds: its duration in seconds.
        report: what the run did to its table; None if it failed, and for an asset that is not a workflow.
        checks: what the asset's checks found. A failed check does not fail the run, unless it is blocking.
        error: why the run failed.
        rows: the number of rows of the asset's table, if the run said so.
    """

    asset: str
    partition: str | None
    run_id: str
    success: bool
    seconds: float
    report: RunReport | None = None
    checks: Sequence[CheckOutcome] = ()
    error: RunError | None = None
    rows: int | None = None

    @property
    def counts(self) -> Mapping[str, int]:
        """The numbers of rows by their names in `RunReport`; empty without a report."""
        return self.report.counts if self.report is not None else {}


def run_partitions(
    definitions: dg.Definitions,
    key: dg.AssetKey,
    partitions: Sequence[str | None],
    *,
    instance: dg.DagsterInstance,
    packages: Sequence[str] = (),
    tags: Mapping[str, str] = MappingProxyType({}),
    verbose: bool = False,
    starting: Callable[[str | None], None] = lambda partition: None,
) -> Iterator[RunOutcome]:
    """Run an asset for each partition in order. A failed run does not stop the rest; Ctrl-C does.

    Args:
        definitions: the project's definitions.
        key: the asset.
        partitions: the keys, or `[None]` for an asset without partitions.
        instance: where Dagster records the runs.
        packages: the user's top-level packages, to find their lines in tracebacks.
        tags: further tags of the runs.
        verbose: whether Dagster's log goes to standard error.
        starting: called with the key before each run.

    Yields:
        The outcome of each run, as it ends.
    """
    for partition in partitions:
        starting(partition)
        result = execute(definitions, [key], partition, instance=instance, tags=tags, verbose=verbose)
        stats = instance.get_run_stats(result.run_id)
        outcome = RunOutcome(
            asset=key.to_user_string(),
            partition=partition,
            run_id=result.run_id,
            success=result.success,
            seconds=round((stats.end_time or 0.0) - (stats.start_time or stats.end_time or 0.0), 3),
            report=RunReport.of_run(result, key),
            checks=checks_of(result),
            error=None if result.success else run_error(result, packages),
        )
        yield outcome
        if outcome.error is not None and outcome.error.kind == INTERRUPTED:
            return


def execute(
    definitions: dg.Definitions,
    keys: Sequence[dg.AssetKey],
    partition: str | None,
    *,
    instance: dg.DagsterInstance,
    tags: Mapping[str, str] = MappingProxyType({}),
    verbose: bool = False,
) -> dg.ExecuteInProcessResult:
    """Run assets in one Dagster run, in this process.

    Args:
        definitions: the project's definitions.
        keys: the assets. Those with partitions have the same ones.
        partition: the key, or None for assets without partitions.
        instance: where Dagster records the run.
        tags: further tags of the run.
        verbose: whether Dagster's log goes to standard error.
    """
    level = "DEBUG" if verbose else "CRITICAL"
    # A job that defines no logger has `console`. The log that the instance records is complete in any case.
    run_config = {"loggers": {"console": {"config": {"log_level": level}}}} if not definitions.loggers else {}
    return definitions.resolve_implicit_global_asset_job_def().execute_in_process(
        run_config=run_config,
        instance=instance,
        partition_key=partition,
        tags={**process_tags(), **tags},
        asset_selection=list(keys),
        raise_on_error=False,
    )


def checks_of(result: dg.ExecuteInProcessResult) -> tuple[CheckOutcome, ...]:
    """Return what the checks of a run found, in order. A check that raised has no outcome: it failed the run."""
    from cascade.quality.dagster_checks import sql_of

    return tuple(
        CheckOutcome(
            asset=evaluation.asset_key.to_user_string(),
            name=evaluation.check_name,
            passed=evaluation.passed,
            severity=evaluation.severity.value,
            description=evaluation.description,
            sql=None if evaluation.passed else sql_of(evaluation.metadata),
        )
        for evaluation in result.get_asset_check_evaluations()
    )
