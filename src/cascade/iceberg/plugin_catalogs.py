"""Catalogs that plugins open, by the schemes of their URIs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cascade.plugins import Plugin, PluginError, find_plugins
from cascade.plugins.protocols import CatalogPlugin

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

BUILT_IN = frozenset({"sqlite", "postgresql", "postgres", "http", "https", "glue", "thrift", "file"})
"""Schemes that Cascade or pyiceberg opens, which no plugin can take over."""

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9.-]*)(?:\+[A-Za-z0-9.-]+)?:")


def catalog_plugin(uri: str) -> Plugin | None:
    """Return the plugin that opens a catalog, or None if Cascade does.

    Args:
        uri: the address of the catalog.
    """
    found = _SCHEME.match(uri)
    scheme = found[1].lower() if found else ""
    # A command with a usual catalog reads no entry points.
    if not scheme or scheme in BUILT_IN:
        return None
    return next((plugin for plugin in find_plugins("catalog") if plugin.name.lower() == scheme), None)


def load_catalog_plugin(plugin: Plugin) -> CatalogPlugin:
    """Import a plugin that opens catalogs.

    Args:
        plugin: the plugin.

    Raises:
        PluginError: it does not load, is not callable, or has the name of a scheme that Cascade opens.
    """
    if plugin.name.lower() in BUILT_IN:
        raise plugin.error(f"is left out, because Cascade opens catalogs at {plugin.name}: itself")
    opener = plugin.load()
    if not callable(opener):
        raise plugin.error(f"is of the type {type(opener).__name__}, not a function that opens a catalog")
    return opener


def open_by_plugin(plugin: Plugin, name: str, properties: Mapping[str, str]) -> Catalog:
    """Let a plugin open a catalog.

    Args:
        plugin: the plugin.
        name: the name of the catalog.
        properties: its `uri`, its `warehouse` and those of the store.

    Raises:
        PluginError: the plugin does not load, fails, or returns something else.
    """
    from pyiceberg.catalog import Catalog

    opener = load_catalog_plugin(plugin)
    hint = f"Correct CASCADE_ICEBERG_CATALOG, or upgrade {plugin.distribution}."
    try:
        catalog = plugin.run(lambda: opener(name, properties), "cannot open the catalog")
    except PluginError as error:
        error.hint = hint
        raise
    if not isinstance(catalog, Catalog):
        raise plugin.error(f"returns {type(catalog).__name__}, not a pyiceberg Catalog", hint=hint)
    return catalog
