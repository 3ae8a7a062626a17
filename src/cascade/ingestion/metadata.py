"""What Dagster's UI shows about an asset: its columns, links to its source, and the report of each run."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from cascade.declarations import IngestionDeclaration
from cascade.exceptions import SourceLocation
from cascade.runs.report import RunReport
from cascade.schemas import DeclaredSchema, declared_schema


def definition_metadata(declaration: IngestionDeclaration) -> dict[str, Any]:
    """Return what is known about a workflow before it runs."""
    return {
        "dagster/table_name": declaration.table,
        "dagster/column_schema": _column_schema(declared_schema(declaration.validation_schema), declaration),
        "dagster/code_references": code_references(_places(declaration)),
        "cascade/unique_key": ", ".join(declaration.unique_key),
    }


def run_metadata(declaration: IngestionDeclaration, report: RunReport) -> dict[str, Any]:
    """Return the metadata of a run's materialization: its report, and the table's columns."""
    columns = _column_schema(declared_schema(declaration.validation_schema), declaration)
    return {**report.to_metadata(), "dagster/column_schema": columns}


def _column_schema(schema: DeclaredSchema, declaration: IngestionDeclaration) -> dg.TableSchema:
    alone = len(declaration.unique_key) == 1
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                name=column.name,
                type=str(column.type),
                description=column.doc,
                constraints=dg.TableColumnConstraints(
                    nullable=not column.required, unique=alone and column.name in declaration.unique_key
                ),
            )
            for column in schema.columns
        ]
    )


def _places(declaration: IngestionDeclaration) -> Iterator[tuple[str, SourceLocation]]:
    yield "workflow", declaration.location
    schema = declared_schema(declaration.validation_schema).location
    if schema is not None:
        yield "schema", schema


def code_references(places: Iterable[tuple[str, SourceLocation]]) -> dg.CodeReferencesMetadataValue:
    """Return links to lines of the user's source.

    Args:
        places: the label and the location of each.
    """
    with warnings.catch_warnings():
        # Dagster marks these classes as beta, though its UI has shown them for years.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(
                    file_path=str(Path(place.file).absolute()), line_number=place.line, label=label
                )
                for label, place in places
            ]
        )
