"""The tables: all of them, and one with its columns, snapshots, branches and refused rows."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query

from cascade.http_api import models
from cascade.http_api.answers import Document
from cascade.http_api.found_tables import found_table
from cascade.http_api.problems import responses
from cascade.http_api.served import Served
from cascade.iceberg.hidden import HIDDEN
from cascade.iceberg.history import history_of
from cascade.iceberg.ledger import published_partitions
from cascade.iceberg.overview import overview_of, overviews
from cascade.iceberg.quarantined_rows import counted_quarantine
from cascade.iceberg.table_branches import branches_of

if TYPE_CHECKING:
    from pyiceberg.table import Table

TableName = Annotated[
    str, Path(description="The table. The namespace `raw` may be left out.", examples=["raw.weather_observations"])
]

router = APIRouter(tags=["tables"])


@router.get("/tables", response_model=models.Tables, summary="List the tables")
def list_tables(served: Served) -> Document:
    """List every table of the lakehouse. A table of refused rows follows the table that refused them."""
    return Document({"tables": [each.document() for each in overviews(served.lakehouse)]})


@router.get(
    "/tables/{table}",
    response_model=models.TableDetails,
    responses=responses(HTTPStatus.NOT_FOUND),
    summary="Describe a table",
)
def describe_table(served: Served, table: TableName) -> Document:
    """Describe a table: its columns, layout and size, and which of its partitions are published."""
    ref, found = found_table(served, table)
    overview = overview_of(found, ref.full_name)
    declaration = next((each for each in served.declarations if each.table_ref == ref), None)
    return Document(
        {
            "table": ref.full_name,
            "asset": "/".join(declaration.asset_key) if declaration else None,
            "description": declaration.description if declaration else found.properties.get("comment"),
            "owners": list(declaration.owners) if declaration else [],
            "columns": _columns(found, served.sensitive_of(ref, found)),
            "key": sorted(found.schema().identifier_field_names()),
            "layout": _layout(found),
            "rows": overview.rows,
            "size_bytes": overview.size,
            "written_at": overview.written_at,
            "snapshot_id": overview.document()["snapshot_id"],
            "published": [
                {"first": each.first, "last": each.last, "count": each.count, "code_version": each.code_version}
                for each in published_partitions(found).ranges
            ],
        }
    )


@router.get(
    "/tables/{table}/snapshots",
    response_model=models.Snapshots,
    responses=responses(HTTPStatus.NOT_FOUND),
    summary="List the snapshots of a table",
)
def list_snapshots(
    served: Served,
    table: TableName,
    limit: Annotated[int, Query(ge=1, le=10_000, description="How many to list.")] = 100,
) -> Document:
    """List the snapshots that a table still has, newest first, with the run that made each one."""
    ref, found = found_table(served, table)
    return Document({"table": ref.full_name, "snapshots": [each.document() for each in history_of(found)[:limit]]})


@router.get(
    "/tables/{table}/branches",
    response_model=models.Branches,
    responses=responses(HTTPStatus.NOT_FOUND),
    summary="List the branches of a table",
)
def list_branches(served: Served, table: TableName) -> Document:
    """List the branches of a table, `main` first and then the newest."""
    ref, found = found_table(served, table)
    return Document({"branches": [each.document() for each in branches_of(found, ref)]})


@router.get(
    "/tables/{table}/quarantine",
    response_model=models.Quarantine,
    responses=responses(HTTPStatus.NOT_FOUND),
    summary="Count the refused rows of a table",
)
def count_refused_rows(served: Served, table: TableName) -> Document:
    """Count the refused rows of a table by partition and rule. Read the rows from the table `<table>__quarantine`."""
    ref, _ = found_table(served, table)
    found = served.lakehouse.load(ref.quarantine)
    return Document({"quarantine": [each.document() for each in counted_quarantine(found, ref)] if found else []})


def _columns(table: Table, sensitive: frozenset[str] | None) -> list[dict[str, Any]]:
    return [
        {
            "name": field.name,
            "type": str(field.field_type),
            "required": field.required,
            "description": field.doc,
            "sensitive": sensitive is None or field.name in sensitive,
        }
        for field in table.schema().fields
        if field.name not in HIDDEN
    ]


def _layout(table: Table) -> list[str]:
    names = table.schema().find_column_name
    return [f"{field.transform}({names(field.source_id)})" for field in table.spec().fields]
