"""What a new workflow can be."""

from __future__ import annotations

BUILT_IN_SOURCES = ("file", "rest-api", "database", "dataframe")
"""The sources with a template. The first is the default."""

RESERVED_TYPES = ("ingestion", "quality", "dbt", "transform")
"""The other values of `create-workflow --type` and `cascade-scaffold --type`, which no source of a plugin can have."""
