"""Run the partitions of a backfill: in this process, or in several that each load the project once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from cascade.processes.partition_pool import run_in_processes
from cascade.processes.partition_results import PartitionResult
from cascade.processes.partition_worker import Job
from cascade.processes.stop_signals import Stopped, StopSignals

if TYPE_CHECKING:
    import dagster as dg


def run_backfill(
    job: Job,
    partitions: Sequence[str | None],
    *,
    parallel: int,
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    packages: Sequence[str],
    stopping: Callable[[], None] = lambda: None,
    taken_again: Callable[[PartitionResult], None] = lambda _: None,
) -> Iterator[PartitionResult]:
    """Run partitions. One that fails does not stop the others.

    Args:
        job: what to run.
        partitions: the keys, in order.
        parallel: how many runs go on at once.
        definitions: the project's definitions.
        instance: where Dagster records the runs.
        packages: the user's top-level packages, to find their lines in tracebacks.
        stopping: called when several processes are asked to end, which may take long. Another signal kills them.
        taken_again: called when the process of a run has died and its partition will run again in another.

    Yields:
        What each run did, as it ends.

    Raises:
        Stopped: the user pressed Ctrl-C, or the system asked the process to end. The runs that were under way have been
            yielded as interrupted.
        CascadeError: a process could not load the project.
    """
    if parallel > 1 and len(partitions) > 1:
        with StopSignals() as signals:
            yield from run_in_processes(
                job, partitions, processes=parallel, signals=signals, stopping=stopping, taken_again=taken_again
            )
        return
    yield from _in_this_process(job, partitions, definitions, instance, packages)


def _in_this_process(
    job: Job,
    partitions: Sequence[str | None],
    definitions: dg.Definitions,
    instance: dg.DagsterInstance,
    packages: Sequence[str],
) -> Iterator[PartitionResult]:
    import dagster as dg

    from cascade.framework.runs import run_partitions

    try:
        for outcome in run_partitions(
            definitions,
            dg.AssetKey.from_user_string(job.asset),
            partitions,
            instance=instance,
            packages=packages,
            tags=job.tags,
            verbose=job.verbose,
        ):
            result = PartitionResult.of(outcome)
            yield result
            if result.interrupted:
                raise Stopped
    except KeyboardInterrupt:
        # Dagster turns Ctrl-C into an interrupted run, but not between two runs.
        raise Stopped from None
