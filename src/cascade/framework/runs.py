"""Running an asset: one Dagster run a partition, in this process, with what a person wants to know of each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError, PartitionError, SourceLocation
from cascade.framework.checks import CheckOutcome, check_outcomes
from cascade.framework.frames import user_location
from cascade.framework.stale import process_tags
from cascade.partitions import RANGE_SEPARATOR

if TYPE_CHECKING:
    import dagster as dg

INTERRUPTED = "DagsterExecutionInterruptedError"

_COUNTS = ("rows_in", "rows_good", "rows_refused", "rows_inserted", "rows_updated")


@dataclass(frozen=True)
class RunError:
    """Why a run failed.

    Args:
        message: what is wrong.
        kind: name of the exception's class.
        location: the user's file and line, where the traceback has one.
        deliberate: whether Cascade raised it on purpose, so that the message says all.
        traceback: the whole traceback as text.
    """

    message: str
    kind: str
    location: SourceLocation | None = None
    deliberate: bool = False
    traceback: str = ""

    def __str__(self) -> str:
        text = self.message if self.deliberate else f"{self.kind}: {self.message}"
        return f"{self.location}: {text}" if self.location and not self.deliberate else text


@dataclass(frozen=True)
class RunOutcome:
    """What one run did.

    Args:
        asset: the asset key as text.
        partition: the partition's key, None for an asset without.
        run_id: Dagster's id of the run.
        success: whether it succeeded.
        seconds: its length in seconds.
        counts: rows_in, rows_good, rows_refused, rows_inserted and rows_updated, where the asset reports them.
        snapshot_id: the id of the table's current snapshot, as text.
        committed: whether the run made that snapshot; None where the asset does not say.
        table: the full name of the table, where there is one.
        sample: the first rows that are now in the table for this run.
        refused: the first refused rows, each with its rule.
        checks: what the checks of the asset found. A check that fails does not fail the run, unless it is blocking.
        error: why it failed.
    """

    asset: str
    partition: str | None
    run_id: str
    success: bool
    seconds: float
    counts: Mapping[str, int] = field(default_factory=dict)
    snapshot_id: str | None = None
    committed: bool | None = None
    table: str | None = None
    sample: Sequence[Mapping[str, object]] = ()
    refused: Sequence[Mapping[str, object]] = ()
    checks: Sequence[CheckOutcome] = ()
    error: RunError | None = None


def choose_partitions(
    asset: str,
    partitions: dg.PartitionsDefinition[Any] | None,
    keys: Sequence[str],
    ranges: Sequence[str],
    command: str = "cascade materialize",
) -> list[str | None]:
    """Checks the partitions that were asked for.

    Args:
        asset: the asset's name, for messages.
        partitions: the asset's partitions, None for an asset without.
        keys: single keys.
        ranges: ranges, each written `FIRST...LAST`, both ends included.
        command: what a person types before the asset, for hints.

    Returns:
        The keys in the order given, each once; `[None]` for an asset without partitions.

    Raises:
        PartitionError: a key is missing, unknown, or given to an asset without partitions; says which to use.
    """
    if partitions is None:
        if keys or ranges:
            given = (*keys, *ranges)[0]
            raise PartitionError(f"{asset} has no partitions, and {given} was given.", hint=f"Use: {command} {asset}")
        return [None]
    if not keys and not ranges:
        raise _partition_error(asset, partitions, f"{asset} is partitioned, and no partition was given.", command)
    for key in keys:
        _check_key(asset, partitions, key, command)
    chosen: dict[str | None, None] = dict.fromkeys(keys)
    for text in ranges:
        chosen |= dict.fromkeys(_keys_between(asset, partitions, text, command))
    return list(chosen)


def _keys_between(asset: str, partitions: dg.PartitionsDefinition[Any], text: str, command: str) -> list[str]:
    first, separator, last = text.partition(RANGE_SEPARATOR)
    if not (first and separator and last):
        raise PartitionError(
            f"{text!r} is not a range of partitions.",
            hint=f"Write it as FIRST{RANGE_SEPARATOR}LAST; both ends are included.",
        )
    _check_key(asset, partitions, first, command)
    _check_key(asset, partitions, last, command)
    keys = list(partitions.get_partition_keys())
    start, end = keys.index(first), keys.index(last)
    if start > end:
        raise PartitionError(f"{first} comes after {last}.", hint=f"Write {last}{RANGE_SEPARATOR}{first}.")
    return keys[start : end + 1]


def _check_key(asset: str, partitions: dg.PartitionsDefinition[Any], key: str, command: str) -> None:
    if not partitions.has_partition_key(key):
        raise _partition_error(asset, partitions, f"{key} is not a partition of {asset}.", command)


def _partition_error(
    asset: str, partitions: dg.PartitionsDefinition[Any], message: str, command: str
) -> PartitionError:
    first, last = partitions.get_first_partition_key(), partitions.get_last_partition_key()
    if first is None or last is None:
        return PartitionError(message, hint=f"{asset} has no complete partition yet.")
    return PartitionError(
        message,
        hint=f"Its partitions are {first}{RANGE_SEPARATOR}{last}. Type: {command} {asset} --partition {last}",
    )


def run_partitions(
    definitions: dg.Definitions,
    key: dg.AssetKey,
    partitions: Sequence[str | None],
    *,
    instance: dg.DagsterInstance,
    packages: Sequence[str] = (),
    verbose: bool = False,
    starting: Callable[[str | None], None] = lambda partition: None,
) -> Iterator[RunOutcome]:
    """Runs an asset for each partition in order. A failed run does not stop the rest; Ctrl-C does.

    Args:
        definitions: the project's definitions.
        key: the asset.
        partitions: the keys, or `[None]` for an asset without.
        instance: where the runs are recorded.
        packages: the top-level packages of the user, to find their lines in tracebacks.
        verbose: let Dagster's log through to standard error.
        starting: called with the key before each run.

    Yields:
        the outcome of each run, as it ends.
    """
    job = definitions.resolve_implicit_global_asset_job_def()
    level = "DEBUG" if verbose else "CRITICAL"
    # `console` is the logger of every job that defines none; the recorded log of the run is complete in any case.
    run_config = {"loggers": {"console": {"config": {"log_level": level}}}} if not definitions.loggers else {}
    tags = process_tags()
    for partition in partitions:
        starting(partition)
        result = job.execute_in_process(
            run_config=run_config,
            instance=instance,
            partition_key=partition,
            tags=tags,
            asset_selection=[key],
            raise_on_error=False,
        )
        outcome = _outcome(result, key, partition, instance, packages)
        yield outcome
        if outcome.error is not None and outcome.error.kind == INTERRUPTED:
            return


def _outcome(
    result: dg.ExecuteInProcessResult,
    key: dg.AssetKey,
    partition: str | None,
    instance: dg.DagsterInstance,
    packages: Sequence[str],
) -> RunOutcome:
    stats = instance.get_run_stats(result.run_id)
    seconds = (stats.end_time or 0.0) - (stats.start_time or stats.end_time or 0.0)
    values: dict[str, Any] = {}
    for event in result.get_asset_materialization_events():
        if event.asset_key == key:
            values = {name: value.value for name, value in event.materialization.metadata.items()}
    return RunOutcome(
        asset=key.to_user_string(),
        partition=partition,
        run_id=result.run_id,
        success=result.success,
        seconds=round(seconds, 3),
        counts={name: int(values[f"cascade/{name}"]) for name in _COUNTS if f"cascade/{name}" in values},
        snapshot_id=_known(values.get("cascade/snapshot_id")),
        committed=values.get("cascade/committed"),
        table=values.get("cascade/table"),
        sample=_records(values.get("cascade/preview")),
        refused=_records(values.get("cascade/refused_preview")),
        checks=check_outcomes(result),
        error=None if result.success else _error(result, packages),
    )


def _known(snapshot_id: str | None) -> str | None:
    return None if snapshot_id == "none" else snapshot_id


def _records(table: Any) -> tuple[Mapping[str, object], ...]:
    return tuple(dict(record.data) for record in getattr(table, "records", table) or ())


def _error(result: dg.ExecuteInProcessResult, packages: Sequence[str]) -> RunError:
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            if data.user_failure_data is not None and data.user_failure_data.description:
                return RunError(data.user_failure_data.description, "Failure", deliberate=True)
            if data.error is not None:
                return _run_error(data.error, packages)
    for event in reversed(list(result.all_events)):
        if event.is_job_failure and event.job_failure_data.error is not None:
            # What a resource raises before the first step, such as a catalog that does not answer.
            return _run_error(event.job_failure_data.error, packages)
        if event.is_failure and event.message:
            return RunError(event.message, "Failure", deliberate=True)
    return RunError("The run failed, and Dagster recorded no reason.", "Failure", deliberate=True)


_FRAME = re.compile(r'^\s*File "(?P<file>[^"]+)", line (?P<line>\d+)', re.MULTILINE)


def _run_error(error: Any, packages: Sequence[str]) -> RunError:
    innermost = error
    # Dagster wraps what a step raises; a CascadeError's own cause is a detail that its message already has.
    while innermost.cause is not None and str(innermost.cls_name).startswith("Dagster"):
        innermost = innermost.cause
    name = str(innermost.cls_name)
    if name == INTERRUPTED:
        return RunError("it was interrupted, and nothing after it was started.", name, deliberate=True)
    frames = [(match["file"], int(match["line"])) for text in innermost.stack for match in _FRAME.finditer(text)]
    message = re.sub(r"^[\w.]+: ", "", innermost.message.strip(), count=1)
    return RunError(
        message=mask_secrets(message),
        kind=name,
        location=user_location(frames, packages),
        deliberate=name in _deliberate_names(),
        traceback=mask_secrets(error.to_string()),
    )


def _deliberate_names() -> frozenset[str]:
    names = set()
    waiting: list[type[CascadeError]] = [CascadeError]
    while waiting:
        kind = waiting.pop()
        names.add(kind.__name__)
        waiting.extend(kind.__subclasses__())
    return frozenset(names)
