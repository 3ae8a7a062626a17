"""The checks that plugins add to the tables of a project."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from cascade.declarations import IngestionDeclaration, QualityDeclaration
from cascade.declarations.functions import location_of
from cascade.declarations.schema_fields import columns_of
from cascade.exceptions import DeclarationError
from cascade.plugins import Plugin, PluginError, QualityPlugin, find_plugins


def plugin_checks(
    declarations: Iterable[IngestionDeclaration],
) -> tuple[tuple[tuple[Plugin, QualityDeclaration], ...], tuple[PluginError, ...]]:
    """Ask each plugin for the checks of each table.

    Args:
        declarations: those of the workflows that fill the tables.

    Returns:
        The declarations of the checks, each with its plugin, and an error for each plugin that does not load, and for
        each table for which one fails. Its checks of the other tables count.
    """
    found: list[tuple[Plugin, QualityDeclaration]] = []
    failures: list[PluginError] = []
    plugins = find_plugins("quality")
    tables = tuple(declarations) if plugins else ()
    for plugin in plugins:
        try:
            made = load_quality(plugin)
        except PluginError as failure:
            failures.append(failure)
            continue
        for table in tables:
            try:
                found += [(plugin, checks) for checks in _checks_of(plugin, made, table)]
            except PluginError as failure:
                failures.append(failure)
    return tuple(found), tuple(failures)


def load_quality(plugin: Plugin) -> QualityPlugin:
    """Import a quality plugin.

    Args:
        plugin: the plugin.

    Raises:
        PluginError: it does not load, or is not a `QualityPlugin`.
    """
    made = plugin.instance()
    missing = [name for name in ("blocking", "checks") if not hasattr(made, name)]
    if missing or not callable(getattr(made, "checks", None)):
        raise plugin.error(f"is not a cascade.plugins.QualityPlugin: it lacks {' and '.join(missing) or 'checks()'}")
    if not isinstance(made.blocking, bool):  # type: ignore[attr-defined]
        raise plugin.error("has a blocking that is not True or False")
    return cast("QualityPlugin", made)


def _checks_of(plugin: Plugin, made: QualityPlugin, table: IngestionDeclaration) -> list[QualityDeclaration]:
    checks = plugin.run(lambda: tuple(made.checks(table)), f"fails for {table.table}")
    if not checks:
        return []

    def declared() -> None: ...

    # Dagster and the reports name checks after the function.
    declared.__name__ = re.sub(r"[^A-Za-z0-9_]+", "_", plugin.name)
    declared.__doc__ = f"Checks of the plugin {plugin.distribution}."
    try:
        declaration = QualityDeclaration.declare(
            declared, {"table": table.table, "group": table.group, "checks": checks, "blocking": made.blocking}
        )
    except DeclarationError as error:
        raise plugin.error(f"returns wrong checks for {table.table}: {_sentences(error.problems)}") from error
    schema = table.validation_schema
    columns = columns_of(schema)
    unknown = [each for check in checks if columns is not None for each in check.unknown_columns(schema, columns)]
    if unknown:
        raise plugin.error(f"returns wrong checks for {table.table}: {_sentences(unknown)}")
    return [replace(declaration, schema=schema, location=location_of(made.checks) or table.location)]


def _sentences(problems: Iterable[str]) -> str:
    return " ".join(problems).removesuffix(".")
