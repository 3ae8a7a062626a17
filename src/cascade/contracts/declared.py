"""The contract that a workflow declares now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cascade.contracts.model import Column, Contract, Element, Freshness, Reader
from cascade.declarations import IngestionDeclaration
from cascade.declarations.sensitive import sensitive_columns

if TYPE_CHECKING:
    from pyiceberg.types import IcebergType, NestedField


def declared_contract(declaration: IngestionDeclaration, read_by: Iterable[Reader] = ()) -> Contract:
    """Make the contract of a workflow's table from its declaration and its schema.

    Args:
        declaration: the workflow's declaration.
        read_by: who reads the table.

    Raises:
        SchemaConversionError: a field of the schema cannot become a column.
    """
    from cascade.schemas import to_iceberg_schema

    schema = to_iceberg_schema(declaration.validation_schema, declaration.unique_key, layout=declaration.partition_spec)
    sensitive = sensitive_columns(declaration.validation_schema)
    freshness = declaration.freshness_hours
    start, end = declaration.partition_start, declaration.partition_end
    return Contract(
        table=declaration.table,
        description=_trimmed(declaration.description),
        group=declaration.group,
        owners=declaration.owners,
        write_disposition=declaration.write_disposition,
        unique_key=declaration.unique_key,
        partitions=declaration.partitions,
        partition_timezone=declaration.partition_timezone if declaration.partitions else None,
        partition_start=start.isoformat() if start and declaration.partitions else None,
        partition_end=end.isoformat() if end and declaration.partitions else None,
        partition_spec={field.column: field.transform for field in declaration.partition_spec},
        freshness_hours=None if freshness is None else Freshness(warn=freshness[0], fail=freshness[1]),
        columns=tuple(_column(field, sensitive=field.name in sensitive) for field in schema.fields),
        read_by=tuple(read_by),
    )


def _column(field: NestedField, *, sensitive: bool = False) -> Column:
    name, fields, element = _type(field.field_type)
    return Column(
        name=field.name,
        type=name,
        required=field.required,
        sensitive=sensitive,
        description=field.doc or None,
        fields=fields,
        element=element,
    )


def _type(iceberg: IcebergType) -> tuple[str, tuple[Column, ...], Element | None]:
    from pyiceberg.types import ListType, StructType

    if isinstance(iceberg, StructType):
        return "struct", tuple(map(_column, iceberg.fields)), None
    if isinstance(iceberg, ListType):
        name, fields, element = _type(iceberg.element_type)
        return "list", (), Element(type=name, required=iceberg.element_required, fields=fields, element=element)
    return str(iceberg), (), None


def _trimmed(text: str | None) -> str | None:
    """Return a text without spaces at the ends of its lines, which YAML can show only in quotes."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines()) if text and text.strip() else None
