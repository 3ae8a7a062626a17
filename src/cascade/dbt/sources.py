"""Compare the sources of a dbt project with the workflows that fill their tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from cascade.dbt.results import DbtProblem, DbtProject, DbtSource
from cascade.declarations import IngestionDeclaration
from cascade.declarations.schema_fields import stored_columns_of
from cascade.spelling import did_you_mean
from cascade.table_ref import QUARANTINE_SUFFIX

MARKER = "meta: {cascade: {external: true}}"
"""What marks a source, or a table of one, that no workflow fills."""


def source_problems(
    project: DbtProject, directory: Path, declarations: Iterable[IngestionDeclaration]
) -> Iterator[DbtProblem]:
    """Find the sources that no workflow fills, and their columns that the workflow's schema lacks.

    Args:
        project: the parsed dbt project.
        directory: its directory.
        declarations: all workflows of the project.
    """
    filled = {declaration.table: declaration for declaration in declarations}
    for source in project.sources.values():
        if source.is_external:
            continue
        file = directory / source.file
        declaration = filled.get(source.table)
        if declaration is not None:
            yield from _column_problems(source, declaration, file)
        elif source.asset_key is None and source.table.removesuffix(QUARANTINE_SUFFIX) not in filled:
            # An asset of the project may fill the table without being a workflow.
            message = (
                f"dbt: the source {source.name} reads the table {source.table}, which no workflow declares."
                f"{did_you_mean(source.table, filled)} If something else fills it, add to its YAML: {MARKER}"
            )
            yield DbtProblem(message, file, _line(file, source))


def _column_problems(source: DbtSource, declaration: IngestionDeclaration, file: Path) -> Iterator[DbtProblem]:
    known = stored_columns_of(declaration.validation_schema) or {}
    for column in source.columns if known else ():
        # dbt and DuckDB ignore case.
        if column.lower() not in {name.lower() for name in known}:
            message = (
                f"dbt: the source {source.name} has the column {column!r}, which "
                f"{declaration.validation_schema.__name__} lacks.{did_you_mean(column, known)}"
            )
            yield DbtProblem(message, file, _line(file, source, column))


def _line(file: Path, source: DbtSource, column: str | None = None) -> int:
    """Return the line of the YAML that names a table of a source, or a column of it; 1 if it is not to be found."""
    import yaml

    try:
        node: Any = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return 1
    line = 1
    group, _, table = source.name.partition(".")
    for key, name in (("sources", group), ("tables", table), ("columns", column)):
        if name is not None:
            node = _named(node, key, name)
        if node is None or name is None:
            break
        line = _entries(node)["name"].start_mark.line + 1
    return line


def _named(node: Any, key: str, name: str) -> Any:
    """Return the entry with a name in the list under a key."""
    inner = getattr(_entries(node).get(key), "value", None)
    for entry in inner if isinstance(inner, list) else []:
        if getattr(_entries(entry).get("name"), "value", None) == name:
            return entry
    return None


def _entries(node: Any) -> Mapping[str, Any]:
    pairs = getattr(node, "value", None)
    if not isinstance(pairs, list):
        return {}
    return {pair[0].value: pair[1] for pair in pairs if isinstance(pair, tuple)}
