"""Plugins: what other distributions add to Cascade through entry points.

    cascade.plugins.sources      a `SourcePlugin`: a source for `create-workflow` and `cascade-scaffold`
    cascade.plugins.quality      a `QualityPlugin`: checks of every table that it wants to check
    cascade.plugins.transforms   a `cascade.contributor.Contributor`: assets, checks, jobs, schedules, sensors, problems
    cascade.plugins.catalogs     a `CatalogPlugin`: opens the catalogs of one URI scheme, the entry point's name
    cascade.plugins.commands     a `click.Command` of the command line; the entry point's name is the command's
    cascade.plugins.resources    a Dagster resource, or a function of `CascadeConfig` that returns one; the entry
                                 point's name is the resource's key

A plugin that fails is reported with the name of its distribution, and everything else still works.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cascade.plugins.entry_points import (
    GROUPS,
    Kind,
    Plugin,
    PluginError,
    find_plugins,
    has_plugins,
    unknown_groups,
)
from cascade.plugins.protocols import CatalogPlugin, QualityPlugin, SourceFiles, SourcePlugin, SourceRequest

if TYPE_CHECKING:
    from cascade.declarations.checks import Check
    from cascade.declarations.ingestion import IngestionDeclaration

__all__ = [
    "GROUPS",
    "CatalogPlugin",
    "Check",
    "IngestionDeclaration",
    "Kind",
    "Plugin",
    "PluginError",
    "QualityPlugin",
    "SourceFiles",
    "SourcePlugin",
    "SourceRequest",
    "find_plugins",
    "has_plugins",
    "unknown_groups",
]


def __getattr__(name: str) -> object:
    # Types for the annotations of quality plugins, which `cascade-scaffold` has no use for.
    if name not in ("Check", "IngestionDeclaration"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from cascade import declarations

    return getattr(declarations, name)
