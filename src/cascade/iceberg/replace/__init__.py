"""Replace the rows of a scope, such as a table or the window of a partition, by those of a batch, in one snapshot.

Files whose statistics place all their rows inside the scope leave the table unread. Of a file that has other rows too,
only the columns that decide are read; it is written anew, or its rows are deleted by position, whichever costs less. If
the scope already contains the rows of the batch, in any order, nothing is written.
"""

from __future__ import annotations

from cascade.iceberg.replace.plan import ReplacePlan
from cascade.iceberg.replace.replacing import ReplacePlanner, replace_rows
from cascade.iceberg.replace.scopes import Both, EqualTo, NoRows, Scope, WholeTable, Window

__all__ = [
    "Both",
    "EqualTo",
    "NoRows",
    "ReplacePlan",
    "ReplacePlanner",
    "Scope",
    "WholeTable",
    "Window",
    "replace_rows",
]
