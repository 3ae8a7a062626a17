"""The tables that a project maintains: those of its workflows, and their quarantines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.declarations import IngestionDeclaration
from cascade.exceptions import CascadeError
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from cascade.iceberg import Lakehouse
    from cascade.iceberg.maintenance import Maintained

JOB_NAME = "cascade_maintenance"


@dataclass(frozen=True)
class Task:
    """A table to maintain.

    Args:
        ref: the table.
        orphan_age: seconds that an orphan must be old.
    """

    ref: TableRef
    orphan_age: float


def tasks_of(declarations: Iterable[IngestionDeclaration], orphan_age_hours: float) -> list[Task]:
    """Return the tables of workflows, each with its quarantine. They need not exist.

    Args:
        declarations: the workflows. A run of a long workflow can publish old files, so its orphans must be older.
        orphan_age_hours: the setting of that name.
    """
    found = []
    for declaration in declarations:
        age = max(orphan_age_hours * 3600.0, float(declaration.max_runtime_seconds or 0))
        ref = TableRef.parse(declaration.table)
        found += [Task(ref, age), Task(ref.quarantine, age)]
    return found


def maintain(lakehouse: Lakehouse, tasks: Iterable[Task], *, dry_run: bool = False) -> Iterator[Maintained]:
    """Maintain tables one after the other. Those that do not exist are left out.

    Args:
        lakehouse: the lakehouse.
        tasks: the tables.
        dry_run: whether to find out only what would be done.

    Yields:
        What was done to each table, or would be.

    Raises:
        UsageError: the lakehouse is on a branch.
    """
    from cascade.iceberg.maintenance import Maintained, maintain_table, table_locations
    from cascade.iceberg.trino.hidden_tables import drop_abandoned
    from cascade.iceberg.working_branch import require_main

    require_main(lakehouse)
    tasks = list(tasks)
    if not dry_run:
        for namespace in {task.ref.namespace for task in tasks}:
            # A namespace without tables need not exist.
            with suppress(Exception):
                drop_abandoned(lakehouse.catalog, namespace)
    try:
        locations, unknown = table_locations(lakehouse), None
    except CascadeError as error:
        locations, unknown = None, str(error)
    for task in tasks:
        try:
            missing = lakehouse.load(task.ref) is None
        except Exception as error:
            yield Maintained(task.ref.full_name, problems=(f"The table cannot be read: {error}",))
            continue
        if missing:
            continue
        done = maintain_table(lakehouse, task.ref, locations, orphan_age=task.orphan_age, dry_run=dry_run)
        if unknown:
            done.problems = (*done.problems, unknown)
        yield done
