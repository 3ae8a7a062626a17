"""What a declaration says about how the rows of a run are written."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.declarations import IngestionDeclaration
from cascade.declarations.dispositions import dedup_sort_fault, partition_column_fault
from cascade.exceptions import SourceError
from cascade.iceberg.hidden import with_hidden
from cascade.iceberg.merge.versions import Versions
from cascade.iceberg.replace import WholeTable, Window
from cascade.partitions import PartitionWindow
from cascade.runs.dispositions import Append, Disposition, Merge, Replace
from cascade.runs.dlt_session import DltSession
from cascade.runs.window import WindowValidator
from cascade.schemas import DeclaredSchema, Validator, to_iceberg_schema
from cascade.schemas.keys import KeyReader

if TYPE_CHECKING:
    from pyiceberg.schema import Schema

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def disposition_of(
    declaration: IngestionDeclaration, schema: DeclaredSchema, window: PartitionWindow | None
) -> Disposition:
    """Return how a run writes its rows.

    Args:
        declaration: the workflow's declaration.
        schema: its columns.
        window: the partition; None for a workflow without partitions.

    Raises:
        DeclarationError: the partition column cannot tell to which partition a row belongs.
    """
    key = declaration.unique_key
    if declaration.write_disposition == "merge":
        return Merge(key, Versions(declaration.dedup_sort, declaration.hard_delete))
    if declaration.write_disposition == "append":
        return Append()
    scope = WholeTable() if window is None else partition_scope(declaration, schema, window)
    return Replace(scope, key)


def table_schema(declaration: IngestionDeclaration) -> Schema:
    """Return the Iceberg schema of a workflow's table.

    Raises:
        SchemaConversionError: a column cannot be converted, or cannot be part of the key or the layout.
        DeclarationError: the values of the column of `dedup_sort` have no order.
    """
    schema = to_iceberg_schema(declaration.validation_schema, declaration.unique_key, layout=declaration.partition_spec)
    if declaration.dedup_sort is not None:
        # The decorator knows the types of most columns, but not of those that only pydantic can tell.
        kind = re.split("[(<]", str(schema.find_type(declaration.dedup_sort)))[0]
        fault = dedup_sort_fault(kind, declaration.validation_schema)
        if fault is not None:
            raise declaration.error(f'dedup_sort: "{declaration.dedup_sort}" {fault}')
    return with_hidden(schema) if declaration.write_disposition == "append" else schema


def partition_scope(declaration: IngestionDeclaration, schema: DeclaredSchema, window: PartitionWindow) -> Window:
    """Return which rows belong to a partition, by the partition column."""
    check_partition_column(declaration, schema)
    assert declaration.partition_column is not None
    if pa.types.is_date(schema.by_name[declaration.partition_column].type):
        first, end = ((day.date() - date(1970, 1, 1)).days for day in (window.start, window.end))
    else:
        first, end = ((moment - _EPOCH) // timedelta(microseconds=1) for moment in (window.start, window.end))
    return Window(declaration.partition_column, first, end)


def check_partition_column(declaration: IngestionDeclaration, schema: DeclaredSchema) -> None:
    """Check the partition column once its type is known for certain.

    Raises:
        DeclarationError: the column cannot tell to which partition a row belongs.
    """
    if declaration.partition_column is None:
        return
    column = schema.by_name[declaration.partition_column]
    kind = "date" if pa.types.is_date(column.type) else str(column.type)
    if pa.types.is_timestamp(column.type):
        kind = "timestamp" if column.type.tz is None else "timestamptz"
    fault = partition_column_fault(kind, declaration.partitions, optional=not column.required)
    if fault is not None:
        raise declaration.error(f'partition_column: "{column.name}" {fault}')


def in_window(
    declaration: IngestionDeclaration, validator: Validator, schema: DeclaredSchema, window: PartitionWindow | None
) -> Validator:
    """Return a validator that also refuses rows outside of the partition that a run replaces."""
    if declaration.partition_column is None or window is None:
        return validator
    scope = partition_scope(declaration, schema, window)
    source = schema.by_name[scope.column].source_name
    return WindowValidator(validator, scope, source, f"{window.key} ({window.start} to {window.end})")


def key_reader(declaration: IngestionDeclaration, schema: DeclaredSchema) -> KeyReader | None:
    """Return what reads the keys of refused rows; None for a workflow without a key."""
    return KeyReader(schema, declaration.unique_key) if declaration.unique_key else None


def version_reader(declaration: IngestionDeclaration, schema: DeclaredSchema) -> KeyReader | None:
    """Return what reads the keys of refused rows with their `dedup_sort`; None for a workflow without that."""
    version = declaration.dedup_sort
    return None if version is None else KeyReader(schema, (*declaration.unique_key, version))


def check_source(declaration: IngestionDeclaration, session: DltSession) -> None:
    """Check that a run returned everything that the table or the partition should contain, if it replaces that.

    Raises:
        SourceError: the source returns only what is new.
    """
    if declaration.write_disposition == "replace" and session.continues_later:
        raise SourceError(
            f'{declaration.table}: write_disposition="replace" removes the rows that a run does not return, but this '
            "dlt source returns only the rows that are new since its last run.",
            location=declaration.location,
            hint='Remove the incremental cursor, give it an end_value, or use write_disposition="merge".',
        )
