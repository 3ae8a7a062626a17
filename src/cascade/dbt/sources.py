"""Compare the sources of a dbt project with the workflows that fill their tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

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
    from cascade.dbt_graph.documents import line_of, mappings, read_document
    from cascade.dbt_graph.errors import DocumentError

    try:
        found = read_document(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, DocumentError):
        return 1
    line = 1
    group, _, table = source.name.partition(".")
    for key, name in (("sources", group), ("tables", table), ("columns", column)):
        entry = next((each for each in mappings(found.get(key)) if each.get("name") == name), None)
        if entry is None:
            break
        found, line = entry, line_of(entry)
    return line
