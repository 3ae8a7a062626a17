"""Templates of workflows, quality checks, dbt models and projects, and the code that fills them.

This package needs only jinja2 and a few light modules of Cascade, so `pants cascade-scaffold` can run it without
installing anything else. Pants and standalone projects share the templates.

    >>> files = render_ingestion(IngestionRequest(package="workflows.weather", directory="src/workflows/weather"))
    >>> sorted(files)[0]
    'src/workflows/weather/__init__.py'
"""

from __future__ import annotations

from cascade.scaffold.quality import QualityRequest, quality_packages, render_quality
from cascade.scaffold.render import package_files, render_ingestion
from cascade.scaffold.request import FLAVOURS, SOURCES, IngestionRequest
from cascade.scaffold.table import DeclaredTable, TableColumn
from cascade.scaffold.transform import TransformRequest, render_transform

__all__ = [
    "FLAVOURS",
    "SOURCES",
    "DeclaredTable",
    "IngestionRequest",
    "QualityRequest",
    "TableColumn",
    "TransformRequest",
    "package_files",
    "quality_packages",
    "render_ingestion",
    "render_quality",
    "render_transform",
]
