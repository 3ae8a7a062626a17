"""Build the columns, the validator and the Iceberg schema of a validation schema.

    batch ──► Validator.validate ──► ValidationResult(good rows as Arrow, refused rows with their rule, dropped fields)

A validator lives as long as a workflow's run and validates any number of batches. One that needs the whole partition,
because of a uniqueness rule or a check of the whole frame, must get all its rows in one batch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from cascade.declarations.layouts import layout_problems
from cascade.declarations.schema_fields import absent_field, key_fault, stored_columns_of
from cascade.exceptions import SchemaConversionError
from cascade.schemas.columns import Column, DeclaredSchema, conversion_error, location_of
from cascade.schemas.from_pydantic import columns_from_pydantic, is_pydantic_model
from cascade.schemas.rows import Batch, ValidationResult
from cascade.schemas.validate_pydantic import PydanticValidator

if TYPE_CHECKING:
    from pyiceberg.schema import Schema
    from pyiceberg.types import IcebergType, NestedField

__all__ = ["Column", "DeclaredSchema", "declared_schema", "to_iceberg_schema"]


def declared_schema(schema: type) -> DeclaredSchema:
    """Convert a validation schema to the columns of a table.

    Args:
        schema: a pydantic model, or a pandera DataFrameModel for Polars or pandas.

    Raises:
        SchemaConversionError: the schema is neither, or a field cannot become a column.
    """
    if not isinstance(schema, type):
        reason = f"{schema!r:.80} is an instance; pass the model class itself"
        raise SchemaConversionError(type(schema).__name__, "*", reason)
    return _declared(schema)


@lru_cache(maxsize=512)
def _declared(schema: type) -> DeclaredSchema:
    if is_pydantic_model(schema):
        return DeclaredSchema(schema, schema.__name__, columns_from_pydantic(schema))
    if is_pandera_model(schema):
        from cascade.schemas.from_pandera import columns_from_pandera

        return DeclaredSchema(schema, schema.__name__, columns_from_pandera(schema))
    reason = "neither a pydantic model nor a pandera DataFrameModel"
    raise SchemaConversionError(schema.__name__, "*", reason, location=location_of(schema))


def is_pandera_model(schema: object) -> bool:
    """Return whether `schema` is a pandera DataFrameModel, without importing pandera."""
    module = sys.modules.get("pandera.api.dataframe.model")
    base = getattr(module, "DataFrameModel", None)
    return base is not None and isinstance(schema, type) and issubclass(schema, base)


class LayoutField(Protocol):
    """One field of an Iceberg layout; `cascade.declarations.PartitionField` is one."""

    @property
    def column(self) -> str:
        """Name of the column."""
        ...

    @property
    def transform(self) -> str:
        """The transform as Iceberg spells it, such as `bucket[16]`."""
        ...


class Validator(Protocol):
    """Validates batches of rows."""

    @property
    def reads(self) -> frozenset[str]:
        """The names of the source fields that the schema reads."""
        ...

    @property
    def needs_whole_partition(self) -> bool:
        """Whether all rows of a partition must arrive in one batch."""
        ...

    def validate(self, batch: Batch) -> ValidationResult:
        """Validate a batch.

        Raises:
            MissingColumnError: a required column is absent from the whole batch.
            RowsRefusedError: a check of the whole frame failed, so no row is known to be good.
        """
        ...


def validator_for(schema: type, *, unique_key: tuple[str, ...], validate: bool = True) -> Validator:
    """Build the validator of a schema.

    Args:
        schema: a pydantic model, or a pandera DataFrameModel for Polars or pandas.
        unique_key: names of the columns that identify a row. A row with a null in one of them is refused.
        validate: False to only convert to the declared types.

    Raises:
        SchemaConversionError: a field of the schema cannot become a column.
    """
    declared = declared_schema(schema)
    if is_pandera_model(schema):
        from cascade.schemas.validate_pandera import PanderaValidator

        return PanderaValidator(declared, unique_key, types_only=not validate)
    return PydanticValidator(declared, unique_key, types_only=not validate)


def to_iceberg_schema(schema: type, unique_key: Sequence[str] = (), *, layout: Sequence[LayoutField] = ()) -> Schema:
    """Build the Iceberg schema of a validation schema, with documentation, nullability and fresh field ids.

    Args:
        schema: a pydantic model, or a pandera DataFrameModel.
        unique_key: names of the columns that identify a row; they become the identifier fields.
        layout: the fields of the table's layout, which are only checked.

    Raises:
        SchemaConversionError: a field cannot become a column, a key column is missing, optional, floating or nested,
            or a column cannot have the transform of the layout.
    """
    from pyiceberg.schema import Schema, assign_fresh_schema_ids

    declared = declared_schema(schema)
    for name in unique_key:
        _check_key(declared, name)
    _check_names(declared)
    # pyiceberg's own conversion from Arrow needs field ids, which a new table does not have yet.
    ids = count(1)
    fields = [_field(arrow, ids) for arrow in declared.arrow]
    identifiers = [field.field_id for field in fields if field.name in unique_key]
    _check_layout(declared, layout, {field.name: str(field.field_type) for field in fields})
    return assign_fresh_schema_ids(Schema(*fields, identifier_field_ids=identifiers))


def _check_key(declared: DeclaredSchema, name: str) -> None:
    column = declared.by_name.get(name)
    if column is None:
        reason = f"unique_key: {absent_field(declared.model, name, stored_columns_of(declared.model) or {})}"
        raise SchemaConversionError(declared.name, name, reason, location=declared.location)
    fault = key_fault(
        optional=not column.required,
        floating=pa.types.is_floating(column.type),
        nested=pa.types.is_nested(column.type),
    )
    if fault is not None:
        raise conversion_error(declared.model, [name], f"this field of unique_key {fault.what}; {fault.advice}")


def _check_names(declared: DeclaredSchema) -> None:
    """Check that Iceberg can tell all columns and the fields inside them apart. It joins their names with dots."""
    columns: dict[str, str] = {}
    for field in declared.arrow:
        for path in _paths(field):
            name = ".".join(path)
            if "" in path:
                raise conversion_error(
                    declared.model, [field.name], "Iceberg has no columns with an empty name; rename it"
                )
            if name in columns:
                reason = f'"{name}" is also what Iceberg calls a field of "{columns[name]}"; rename one of them'
                raise conversion_error(declared.model, [field.name], reason)
            columns[name] = field.name


def _paths(field: pa.Field) -> Iterator[tuple[str, ...]]:
    """Yield the names that lead to a field and to each field inside it, as Iceberg gives them."""
    yield (field.name,)
    parts: list[pa.Field] = []
    if pa.types.is_struct(field.type):
        parts = list(field.type)
    elif pa.types.is_list(field.type):
        parts = [field.type.value_field.with_name("element")]
    for part in parts:
        yield from ((field.name, *path) for path in _paths(part))


def _check_layout(declared: DeclaredSchema, layout: Sequence[LayoutField], types: dict[str, str | None]) -> None:
    problems = layout_problems([(field.column, field.transform) for field in layout], types)
    if problems:
        reason = f"partition_spec: {' '.join(problems)}".removesuffix(".")
        raise SchemaConversionError(declared.name, layout[0].column, reason, location=declared.location)


def _field(field: pa.Field, ids: Iterator[int]) -> NestedField:
    from pyiceberg.types import NestedField

    doc = (field.metadata or {}).get(b"doc")
    return NestedField(
        field_id=next(ids),
        name=field.name,
        field_type=_iceberg_type(field.type, ids),
        required=not field.nullable,
        doc=doc.decode() if doc else None,
    )


def _iceberg_type(arrow: pa.DataType, ids: Iterator[int]) -> IcebergType:
    from pyiceberg import types

    if pa.types.is_struct(arrow):
        return types.StructType(*(_field(arrow.field(i), ids) for i in range(arrow.num_fields)))
    if pa.types.is_list(arrow):
        element = arrow.value_field
        return types.ListType(
            element_id=next(ids),
            element=_iceberg_type(element.type, ids),
            element_required=not element.nullable,
        )
    if pa.types.is_decimal128(arrow):
        return types.DecimalType(arrow.precision, arrow.scale)
    return {
        pa.bool_(): types.BooleanType(),
        pa.int32(): types.IntegerType(),
        pa.int64(): types.LongType(),
        pa.float32(): types.FloatType(),
        pa.float64(): types.DoubleType(),
        pa.string(): types.StringType(),
        pa.binary(): types.BinaryType(),
        pa.uuid(): types.UUIDType(),
        pa.date32(): types.DateType(),
        pa.time64("us"): types.TimeType(),
        pa.timestamp("us"): types.TimestampType(),
        pa.timestamp("us", "UTC"): types.TimestamptzType(),
    }[arrow]
