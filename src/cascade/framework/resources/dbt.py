"""The resource with which assets run dbt."""

from __future__ import annotations

from cascade.dbt.resource import build_dbt_resource

__all__ = ["build_dbt_resource"]
