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
    from cascade.iceberg.quarantine import replace_quarantine
    from cascade.iceberg.tables import check_drift, ensure_table

__all__ = [
    "Committed",
    "Lakehouse",
    "MergePlan",
    "check_drift",
    "ensure_table",
    "merge_rows",
    "open_lakehouse",
    "plan_merge",
    "replace_quarantine",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Committed": "commit",
        "Lakehouse": "catalog",
        "MergePlan": "merge",
        "check_drift": "tables",
        "ensure_table": "tables",
        "merge_rows": "merge",
        "open_lakehouse": "catalog",
        "plan_merge": "merge",
        "replace_quarantine": "quarantine",
    },
)
