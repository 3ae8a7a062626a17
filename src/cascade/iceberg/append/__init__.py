"""Add rows to a table that has no key, and replace those of an earlier run of the same partition."""

from __future__ import annotations

from cascade.iceberg.append.appending import AppendPlanner, append_planner, append_rows

__all__ = ["AppendPlanner", "append_planner", "append_rows"]
