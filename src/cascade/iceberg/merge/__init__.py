"""Merge a batch into a table on its unique key, in one snapshot.

The plan finds the files that can contain a key of the batch, from the statistics in the manifests and in the files, and
reads only the key columns of those. Old versions of rows disappear by a new version of their file (copy-on-write) or by
a position delete file, whichever costs less, and new rows go to new files. A row that equals the table's in every
column is left alone: an identical batch changes nothing.
"""

from __future__ import annotations

from cascade.iceberg.merge.merging import MergePlanner, merge_rows, plan_merge
from cascade.iceberg.merge.plan import FileMerge, MergePlan

__all__ = ["FileMerge", "MergePlan", "MergePlanner", "merge_rows", "plan_merge"]
