"""The maintenance of a project as a Dagster job with a daily schedule."""

from collections.abc import Sequence

import dagster as dg

from cascade.maintenance.project_tables import JOB_NAME, Task, maintain
from cascade.terminal.words import human_size

_EARLY_IN_THE_MORNING = "15 3 * * *"
_LAKEHOUSE = "lakehouse"


def maintenance_job(tasks: Sequence[Task]) -> dg.JobDefinition:
    """Return the job.

    Args:
        tasks: the tables to maintain.
    """

    @dg.op(
        name="maintain_tables",
        required_resource_keys={_LAKEHOUSE},
        out=dg.Out(dg.Nothing),
        description="Compacts tables, lets old snapshots expire, and removes files that no state of a table needs.",
    )
    def run(context: dg.OpExecutionContext) -> None:
        failed = []
        rows = []
        for done in maintain(getattr(context.resources, _LAKEHOUSE), tasks):
            if done.kept:
                context.log.info(done.kept)
            for problem in done.problems:
                context.log.error(f"{done.table}: {problem}")
            failed += [done.table] if done.problems else []
            if done.changes:
                rows.append(
                    dg.TableRecord(
                        {
                            "table": done.table,
                            "files before": done.files_before,
                            "files after": done.files_after,
                            "expired snapshots": done.snapshots,
                            "removed branches": len(done.branches),
                            "removed files": done.orphans,
                            "freed": human_size(done.orphan_bytes),
                        }
                    )
                )
        if rows:
            context.add_output_metadata({"cascade/maintained": dg.MetadataValue.table(rows)})
        if failed:
            raise dg.Failure(
                f"Not everything could be done for {', '.join(failed)}. The log of this run says why.",
                allow_retries=False,
            )

    @dg.job(name=JOB_NAME, description="Keeps the tables of the project fast and small.")
    def job() -> None:
        run()

    return job


def maintenance_schedule(job: dg.JobDefinition, *, running: bool) -> dg.ScheduleDefinition:
    """Return the schedule of the job.

    Args:
        job: the job.
        running: whether it runs from the first start.
    """
    status = dg.DefaultScheduleStatus.RUNNING if running else dg.DefaultScheduleStatus.STOPPED
    return dg.ScheduleDefinition(
        name=f"{JOB_NAME}_schedule",
        job=job,
        cron_schedule=_EARLY_IN_THE_MORNING,
        default_status=status,
        description="Maintains the tables of the project every night.",
    )
