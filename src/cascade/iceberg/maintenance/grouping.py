"""Which data files of a table are worth writing anew.

Small files of one partition become one, and a file with deleted rows is written without them: even a few slow readers
down, pyiceberg to a quarter of its speed. Where only a few rows are deleted, one maintenance takes the files
with the most of them, and the next one others. A file stays if those that would join it are much smaller, so that each
row is written only a few times in the life of a table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from cascade.iceberg.data_file_writer import ROWS_PER_FILE
from cascade.iceberg.hidden import PARTITION_COLUMN
from cascade.iceberg.merge.costs import DEFAULT_COSTS

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask, Table

_SMALL_ROWS = ROWS_PER_FILE // 2
_SMALL_BYTES = 32 << 20
_MOST_BYTES = 64 << 20
_DELETED_SHARE = 0.01
_ROWS_FOR_FEW_DELETES = 2_000_000
_MUCH_LARGER = 4

Group = tuple["FileScanTask", ...]
"""Files that are read together, in memory, and written as one."""


def groups_to_rewrite(table: Table, tasks: Iterable[FileScanTask]) -> list[Group]:
    """Choose the files that are written anew.

    Args:
        table: the table.
        tasks: its data files, each with its delete files.

    Returns:
        Groups of files, each of one partition of one layout.
    """
    tasks = list(tasks)
    due = _without_deletes_soon(tasks)
    partitions: dict[Any, list[FileScanTask]] = defaultdict(list)
    for task in tasks:
        if _is_small(task) or task.file.file_path in due:
            partitions[task.file.spec_id, task.file.partition].append(task)
    key = sort_key(table)
    return [
        group
        for members in partitions.values()
        for packed in _packed(sorted(members, key=lambda task: _least(table, task, key)))
        if (group := _worthwhile(packed, due))
    ]


def sort_key(table: Table) -> list[str]:
    """Return the columns by which the rows of a file are sorted; none to keep their order.

    Args:
        table: the table.
    """
    schema = table.schema()
    if schema.identifier_field_ids:
        return [field.name for field in schema.fields if field.field_id in schema.identifier_field_ids]
    return [PARTITION_COLUMN] if PARTITION_COLUMN in schema.column_names else []


def live_rows_of(task: FileScanTask) -> int:
    """Return the number of rows of a file that are not deleted, or fewer if a delete file concerns several files."""
    return max(0, task.file.record_count - _deletes(task))


def _deletes(task: FileScanTask) -> int:
    return sum(file.record_count for file in task.delete_files)


def _is_small(task: FileScanTask) -> bool:
    return task.file.record_count <= _SMALL_ROWS and task.file.file_size_in_bytes <= _SMALL_BYTES


def _without_deletes_soon(tasks: Iterable[FileScanTask]) -> set[str]:
    """Return the paths of the files that are written without their deleted rows."""
    # Cascade writes no larger files, and those would not fit in memory.
    having = [task for task in tasks if _deletes(task) and task.file.record_count <= DEFAULT_COSTS.large_rows]
    found, budget = set(), _ROWS_FOR_FEW_DELETES
    for task in sorted(having, key=_deleted_share, reverse=True):
        if _deleted_share(task) < _DELETED_SHARE:
            budget -= task.file.record_count
            if budget < 0:
                break
        found.add(task.file.file_path)
    return found


def _deleted_share(task: FileScanTask) -> float:
    return _deletes(task) / max(1, task.file.record_count)


def _packed(tasks: Sequence[FileScanTask]) -> Iterator[list[FileScanTask]]:
    """Yield neighbors that fit into one file."""
    held: list[FileScanTask] = []
    rows = size = 0
    for task in tasks:
        full = rows + live_rows_of(task) > ROWS_PER_FILE or size + task.file.file_size_in_bytes > _MOST_BYTES
        if held and full:
            yield held
            held, rows, size = [], 0, 0
        held.append(task)
        rows += live_rows_of(task)
        size += task.file.file_size_in_bytes
    if held:
        yield held


def _worthwhile(tasks: Sequence[FileScanTask], due: Collection[str]) -> Group:
    """Leave out files that are much larger than all smaller ones together, unless they are due by themselves."""
    ascending = sorted(tasks, key=lambda task: task.file.record_count)
    while ascending and ascending[-1].file.file_path not in due:
        *others, largest = ascending
        if others and sum(map(live_rows_of, others)) * _MUCH_LARGER >= largest.file.record_count:
            break
        ascending = others
    chosen = {task.file.file_path for task in ascending}
    return tuple(task for task in tasks if task.file.file_path in chosen)


def _least(table: Table, task: FileScanTask, key: Sequence[str]) -> tuple[bool, Any]:
    """Return the smallest key of a file, so that neighbors become one file. A file that does not say comes first."""
    from pyiceberg.conversions import from_bytes
    from pyiceberg.types import PrimitiveType

    if not key:
        return False, 0
    field = table.schema().find_field(key[0])
    bound = (task.file.lower_bounds or {}).get(field.field_id)
    if bound is None or not isinstance(field.field_type, PrimitiveType):
        return False, 0
    try:
        return True, from_bytes(field.field_type, bound)
    except Exception:
        # A file whose column had another type: its order among the others saves time and changes no row.
        return False, 0
