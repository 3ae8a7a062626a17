"""Iceberg: the catalog, its tables, and merging a batch into a table.

The names below are loaded on first use, so that `import cascade.iceberg` costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.lazy import lazy_names

if TYPE_CHECKING:
    from cascade.iceberg.catalog import Lakehouse, open_lakehouse
    from cascade.iceberg.commit import Committed
    from cascade.iceberg.merge import MergePlan, merge_rows, plan_merge
    from cascade.iceberg.quarantine import add_to_quarantine, clear_quarantine
    from cascade.iceberg.tables import check_drift, ensure_table

__all__ = [
    "Committed",
    "Lakehouse",
    "MergePlan",
    "add_to_quarantine",
    "check_drift",
    "clear_quarantine",
    "ensure_table",
    "merge_rows",
    "open_lakehouse",
    "plan_merge",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Committed": "commit",
        "Lakehouse": "catalog",
        "MergePlan": "merge",
        "add_to_quarantine": "quarantine",
        "check_drift": "tables",
        "clear_quarantine": "quarantine",
        "ensure_table": "tables",
        "merge_rows": "merge",
        "open_lakehouse": "catalog",
        "plan_merge": "merge",
    },
)
