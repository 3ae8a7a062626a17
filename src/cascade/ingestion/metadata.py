"""What a person sees of an asset in Dagster's UI: its columns, some rows, counts, timings, and links to its source."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from cascade.declarations import IngestionDeclaration
from cascade.ingestion.run import IngestionResult
from cascade.schemas import DeclaredSchema, declared_schema
from cascade.schemas.rows import python_rows

# Larger whole numbers lose digits in a browser.
_LARGEST_NUMBER = 2**53


def definition_metadata(declaration: IngestionDeclaration) -> dict[str, Any]:
    """Return what is known of a workflow before it runs."""
    return {
        "dagster/table_name": declaration.table,
        "dagster/column_schema": _column_schema(declared_schema(declaration.validation_schema), declaration),
        "dagster/code_references": _code_references(declaration),
        "cascade/unique_key": ", ".join(declaration.unique_key),
    }


def run_metadata(declaration: IngestionDeclaration, result: IngestionResult) -> dict[str, Any]:
    """Return what a run leaves on its materialisation."""
    refused = {} if not result.refused else {"cascade/refused_preview": _refused(result)}
    dropped = {} if not result.dropped_fields else {"cascade/dropped_fields": ", ".join(result.dropped_fields)}
    return {
        "cascade/table": result.table,
        "cascade/rows_in": result.rows_in,
        "cascade/rows_good": result.rows_good,
        "cascade/rows_refused": result.rows_refused,
        "cascade/rows_inserted": result.rows_inserted,
        "cascade/rows_updated": result.rows_updated,
        # A snapshot's id has more digits than a browser can show as a number.
        "cascade/snapshot_id": str(result.snapshot_id) if result.snapshot_id is not None else "none",
        "cascade/committed": result.committed,
        "cascade/seconds": result.seconds,
        **{f"cascade/seconds_{step}": seconds for step, seconds in result.timings.items()},
        "cascade/preview": _table(result.sample),
        **refused,
        **dropped,
        "dagster/column_schema": _column_schema(declared_schema(declaration.validation_schema), declaration),
        "dagster/row_count": result.table_rows,
        "dagster/partition_row_count": result.partition_rows,
    }


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


def _code_references(declaration: IngestionDeclaration) -> dg.CodeReferencesMetadataValue:
    places = [("workflow", declaration.location)]
    schema = declared_schema(declaration.validation_schema).location
    if schema is not None:
        places.append(("schema", schema))
    with warnings.catch_warnings():
        # Dagster calls these classes beta; its UI has shown them for long.
        warnings.simplefilter("ignore", dg.BetaWarning)
        return dg.CodeReferencesMetadataValue(
            code_references=[
                dg.LocalFileCodeReference(
                    file_path=str(Path(place.file).absolute()), line_number=place.line, label=label
                )
                for label, place in places
            ]
        )


def _table(rows: pa.Table) -> dg.TableMetadataValue:
    records = [_record(row) for row in python_rows(rows)[0]]
    columns = [dg.TableColumn(name=field.name, type=_kind(field.type)) for field in rows.schema]
    return dg.MetadataValue.table(records=records, schema=dg.TableSchema(columns=columns))


def _refused(result: IngestionResult) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        records=[
            _record({"rule": row.rule, "field": row.field, "message": row.message, "row": row.row_json})
            for row in result.refused
        ],
        schema=dg.TableSchema(columns=[dg.TableColumn(name) for name in ("rule", "field", "message", "row")]),
    )


def _record(row: Mapping[str, object]) -> dg.TableRecord:
    return dg.TableRecord({name: _cell(value) for name, value in row.items()})


def _cell(value: object) -> str | int | float | bool | None:
    """A value as Dagster's table takes it: dates, decimals, nested values and very large numbers become text."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_NUMBER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _kind(arrow: pa.DataType) -> str:
    if pa.types.is_boolean(arrow):
        return "bool"
    if pa.types.is_integer(arrow):
        return "int"
    return "float" if pa.types.is_floating(arrow) else "string"
