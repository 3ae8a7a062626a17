"""The columns of pandera DataFrameModels for Polars and pandas.

| in the model | in the table |
|---|---|
| 8 to 32 bits, signed (or unsigned up to 16) | int |
| Int64, UInt32 | long |
| Float32, Float64 | float, double |
| String, Enum, Categorical; pandas' categories of strings | string |
| Boolean, Binary, Date, Time, Decimal(p, s) | boolean, binary, date, time, decimal |
| List and Array, Struct | list, struct |
| Datetime with a time zone, without one | timestamptz, timestamp |
| pandas: extension dtypes, `pd.ArrowDtype`, NumPy dtypes, pandera's Decimal and Date | as above |

A column has pandera's name for it: the alias, if there is one. `nullable` and `Optional` columns are optional, and a
description becomes documentation. In pandas, a nullable `int` or `bool` is validated as `Int64` or `boolean`, because
NumPy cannot represent null for them.
"""

from __future__ import annotations

import copy
import typing
from importlib import import_module
from typing import Any, Literal, get_args, get_origin

from cascade.exceptions import SchemaConversionError
from cascade.schemas import dtypes, kinds
from cascade.schemas.columns import Column, conversion_error, each_column, on_one_line
from cascade.schemas.values import ValueType

Backend = Literal["polars", "pandas"]


def columns_from_pandera(model: type) -> tuple[Column, ...]:
    """Return the columns that a pandera model declares, in the order of its fields.

    Raises:
        SchemaConversionError: a field cannot become a column. The error states what to use instead, and contains
            the errors of other fields.
    """
    schema = pandera_schema(model)
    backend = backend_of(model, schema)
    if getattr(schema, "index", None) is not None:
        raise _error(
            model, str(schema.index.name or "index"), "tables have no index; declare a column instead of Index[...]"
        )

    def convert(name: str, declared: Any) -> Column:
        return _column(model, name, declared, backend, coerce=declared.coerce or schema.coerce)

    columns = each_column(convert, schema.columns.items())
    if not columns:
        raise _error(model, "*", "the model has no fields that can become columns")
    return columns


def _column(model: type, name: str, declared: Any, backend: Backend, *, coerce: bool) -> Column:
    if declared.regex:
        raise _error(model, name, "regex=True matches any number of columns; declare each column by name")
    try:
        value_type = _value_type(declared.dtype, backend)
    except dtypes.UnsupportedDtypeError as error:
        raise _error(model, ".".join((name, *error.path)), error.reason) from None
    if coerce:
        value_type = dtypes.coerced(value_type)
    return Column(
        name=name,
        source_name=name,
        type=value_type.arrow,
        required=not declared.nullable and declared.required,
        doc=on_one_line(getattr(declared, "description", None)),
        value_type=value_type,
    )


def backend_of(model: type, schema: Any) -> Backend:
    """Return whether a pandera model describes Polars or pandas frames.

    Raises:
        SchemaConversionError: the model describes other frames.
    """
    module = type(schema).__module__
    for backend in get_args(Backend):
        if module.startswith(f"pandera.api.{backend}."):
            return backend  # type: ignore[no-any-return]
    kind = module.removeprefix("pandera.api.").split(".")[0]
    raise _error(
        model, "*", f"the model describes {kind} frames; use DataFrameModel from pandera.polars or pandera.pandas"
    )


def pandera_schema(model: type) -> Any:
    """Build a copy of the model's pandera schema that keeps and reports every failing row.

    Raises:
        SchemaConversionError: pandera cannot build a schema from the model.
    """
    try:
        schema = copy.deepcopy(model.to_schema())  # type: ignore[attr-defined]
    except Exception as error:  # pandera and its engines raise errors of many kinds for unknown annotations
        field, reason = _culprit(model, error)
        raise _error(model, field, reason) from error
    schema.drop_invalid_rows = False
    for check in schema.checks:
        check.n_failure_cases = None
    for column in schema.columns.values():
        column.drop_invalid_rows = False
        for check in column.checks:
            check.n_failure_cases = None
    return schema


def _value_type(dtype: Any, backend: Backend) -> ValueType:
    if dtype is None:
        raise dtypes.UnsupportedDtypeError("the column has no dtype, so it could hold anything; add one, such as str")
    if backend == "polars":
        return dtypes.from_polars(dtype.type)
    from pandera.engines import pandas_engine

    if isinstance(dtype, pandas_engine.Decimal):
        return kinds.decimal(dtype.precision, dtype.scale)
    if isinstance(dtype, pandas_engine.Date):
        return kinds.calendar_date()
    if isinstance(dtype, pandas_engine.NpString):
        return kinds.text()
    return dtypes.from_pandas(dtype.type)


def _culprit(model: type, error: Exception) -> tuple[str, str]:
    """Find the field that pandera failed on, and what to use instead."""
    name = getattr(error, "name", None)
    if isinstance(error, NameError) and name:
        return "*", f"an annotation refers to {name!r}, which is not defined in the model's module"
    for field, annotation in _annotations(model).items():
        inner = _without_wrappers(annotation)
        if get_origin(inner) is Literal:
            allowed = ", ".join(repr(value) for value in get_args(inner))
            return field, f"pandera does not support Literal; use {_kind_of(inner)} with pa.Field(isin=[{allowed}])"
        if inner is Any or not _is_known(inner, model):
            shown = getattr(inner, "__name__", str(inner))
            return field, f"{shown} is not a pandera dtype; use str, int, float or a dtype of the frame library"
    for field, (_, info) in getattr(model, "__fields__", {}).items():
        if isinstance(error, TypeError) and getattr(info, "dtype_kwargs", None):
            given = ", ".join(repr(value) for value in info.dtype_kwargs.values())
            return field, f"dtype_kwargs does not work with this dtype; write Annotated[<dtype>, {given}]"
    return "*", f"pandera cannot build a schema from the model: {error}"


def _annotations(model: type) -> dict[str, Any]:
    """Return the annotations of the model's fields, those of base classes first."""
    try:
        found = typing.get_type_hints(model)
    except Exception:  # pandera's own error reports an annotation that does not evaluate
        found = dict(getattr(model, "__annotations__", {}))
    return {
        name: annotation
        for name, annotation in found.items()
        if name != "Config" and not name.startswith("_") and get_origin(annotation) is not typing.ClassVar
    }


def _without_wrappers(annotation: Any) -> Any:
    """Return the dtype inside Series[...], Optional[...] and similar wrappers."""
    arguments = [argument for argument in get_args(annotation) if argument is not type(None)]
    if get_origin(annotation) is not None and get_origin(annotation) is not Literal and len(arguments) == 1:
        return _without_wrappers(arguments[0])
    return annotation


def _kind_of(literal: Any) -> str:
    kinds = {type(value).__name__ for value in get_args(literal)}
    return kinds.pop() if len(kinds) == 1 else "one type"


def _is_known(annotation: Any, model: type) -> bool:
    polars = any(base.__module__.startswith("pandera.api.polars") for base in model.__mro__)
    engine = import_module(f"pandera.engines.{'polars' if polars else 'pandas'}_engine").Engine
    try:
        engine.dtype(annotation)
    except Exception:  # whatever the error, pandera does not know the annotation
        return False
    return True


def _error(model: type, field: str, reason: str) -> SchemaConversionError:
    return conversion_error(model, field.split("."), reason)
