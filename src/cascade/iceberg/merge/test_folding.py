from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.iceberg.data_file_writer import ROWS_PER_FILE
from cascade.iceberg.merge.folding import files_to_fold


def files(*sizes: int) -> list[Any]:
    return [SimpleNamespace(file=SimpleNamespace(record_count=rows)) for rows in sizes]


@pytest.mark.parametrize(
    ("sizes", "new", "folded"),
    [
        ([], 10, 0),
        ([10] * 6, 10, 0),
        ([10] * 7, 10, 7),
        ([10] * 7, 0, 0),
        ([10] * 7, 100, 0),
        ([10] * 7 + [100] * 7, 10, 14),
        ([10] * 7, ROWS_PER_FILE, 0),
        ([ROWS_PER_FILE] * 9, 200_000, 0),
    ],
)
def test_eight_files_of_one_size_become_one(sizes: list[int], new: int, folded: int) -> None:
    assert len(files_to_fold(files(*sizes), new)) == folded


@settings(deadline=None)
@given(st.lists(st.integers(1, 3000), min_size=100, max_size=400))
def test_few_files_remain_and_each_row_is_written_a_few_times(batches: list[int]) -> None:
    sizes: list[int] = []
    written = 0
    for rows in batches:
        folded = [task.file.record_count for task in files_to_fold(files(*sizes), rows)]
        for size in folded:
            sizes.remove(size)
        sizes.append(rows + sum(folded))
        written += sizes[-1]
    assert sum(sizes) == sum(batches)
    large = sum(batches) / (ROWS_PER_FILE // 2)
    assert len(sizes) <= 7 * 6 + large
    assert written <= 7 * sum(batches)
