"""Fold small files into the file of new rows, so that many small merges do not leave many small files.

Files belong to size classes, each eight times as large as the one before. When a merge would leave eight files of one
class, they become one. So each row is written about once for each class, and few small files remain. This is the
tiering of log-structured merge trees (O'Neil et al., 1996).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from cascade.iceberg.data_file_writer import ROWS_PER_FILE

if TYPE_CHECKING:
    from pyiceberg.table import FileScanTask

_FILES = 8
_LARGEST = ROWS_PER_FILE // 2


def files_to_fold(tasks: Iterable[FileScanTask], new_rows: int) -> tuple[FileScanTask, ...]:
    """Choose the files that are replaced together with new rows.

    Args:
        tasks: the files of one partition that do not change otherwise.
        new_rows: number of rows that go to a new file.

    Returns:
        The files; none if few files are small.
    """
    classes: dict[int, list[FileScanTask]] = defaultdict(list)
    for task in filter(is_small, tasks):
        classes[_size_class(task.file.record_count)].append(task)
    folded: list[FileScanTask] = []
    rows = new_rows
    while 0 < rows <= _LARGEST and len(same := classes.pop(_size_class(rows), [])) >= _FILES - 1:
        folded += same
        rows += sum(task.file.record_count for task in same)
    return tuple(folded)


def is_small(task: FileScanTask) -> bool:
    """Return whether a file may be folded into another one."""
    return task.file.record_count <= _LARGEST


def _size_class(rows: int) -> int:
    return int(math.log(max(rows, 1), _FILES) + 1e-9)
