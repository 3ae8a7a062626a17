"""A mask of pandera's own checks for Polars: which rows are valid, without the machinery around the checks.

pandera copies the schema for every batch and evaluates each column several times, which takes longer than the checks.
The mask calls the same checks, once each, and clears the rows that pass all of them. Everything else is up to pandera:
rows that fail, and schemas that change values, replace a part of pandera, or have a setting that is unknown here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import and_
from typing import Any

import polars as pl

from cascade.schemas.pandera_checks import may_compare_rows

_BACKEND = ("pandera.backends.polars.container", "DataFrameSchemaBackend")
_OF_BOTH = {"_dtype", "checks", "parsers", "name", "title", "description", "metadata", "drop_invalid_rows"}
# A setting that a later version of pandera adds may be a rule.
_KNOWN = _OF_BOTH | {
    *("_coerce", "index", "strict", "ordered", "_unique", "report_duplicates", "unique_column_names"),
    *("add_missing_columns", "on_missing_columns", "columns"),
}
_KNOWN_OF_COLUMN = _OF_BOTH | {
    *("coerce", "nullable", "unique", "report_duplicates", "default", "required", "regex"),
}


def mask_of(schema: Any) -> PanderaMask | None:
    """Return the mask of a pandera schema for Polars, or None if pandera must decide every row."""
    from pandera.api.polars.components import Column
    from pandera.api.polars.container import DataFrameSchema
    from pandera.engines.polars_engine import DataType

    def is_plain(column: Any) -> bool:
        kind = type(column.dtype)
        # The frame has the declared dtypes already, so a dtype that only casts changes nothing.
        only_casts = kind.coerce is DataType.coerce and kind.try_coerce is DataType.try_coerce
        return (
            type(column) is Column
            and vars(column).keys() <= _KNOWN_OF_COLUMN
            and not (column.parsers or column.regex)
            and column.default is None
            and (only_casts or not (column.coerce or schema.coerce))
        )

    backend = type(schema.get_backend(pl.DataFrame()))
    if (
        (backend.__module__, backend.__qualname__) != _BACKEND
        or type(schema) is not DataFrameSchema
        or not vars(schema).keys() <= _KNOWN
        or schema.dtype is not None
        or schema.parsers
        or not all(map(is_plain, schema.columns.values()))
    ):
        return None
    return PanderaMask(schema)


class PanderaMask:
    """Clears rows of frames that have the dtypes of a schema.

    Args:
        schema: pandera's schema for Polars, for which `mask_of` returns a mask.
    """

    def __init__(self, schema: Any) -> None:
        self._schema = schema
        columns = schema.columns.values()
        checks = [check for column in columns for check in column.checks]
        self._by_row = not (
            schema.unique
            or schema.checks
            or any(column.unique for column in columns)
            # A check that only warns must see all rows at once, to warn once.
            or any(check.raise_warning or may_compare_rows(check) for check in checks)
        )

    def suspects(self, frame: pl.DataFrame) -> list[int] | None:
        """Find the rows that pandera must decide.

        Args:
            frame: columns of the declared dtypes; others do not occur.

        Returns:
            Their positions, none if the whole frame is valid. None stands for all rows, which may depend on each other.
        """
        columns = {name: column for name, column in self._schema.columns.items() if name in frame.columns}
        if any(column.required and name not in columns for name, column in self._schema.columns.items()):
            return None
        lazy = frame.lazy()
        try:
            results = [check(lazy, name) for name, column in columns.items() for check in column.checks]
            results += [check(lazy) for check in self._schema.checks]
            passed = [found.item() for found in pl.collect_all([result.check_passed for result in results])]
            if not all(map(self._has_dtype, columns, [frame] * len(columns))) or self._repeats(frame, columns):
                return None
        except Exception:
            # pandera reports a check that raises.
            return None
        valid = _without_nulls(frame, columns)
        if all(passed) and not valid:
            return []
        if not self._by_row:
            return None
        failed = [result.check_output for result, found in zip(results, passed, strict=True) if not found]
        valid += [output.to_series() for output in pl.collect_all(failed)]
        return reduce(and_, valid).not_().arg_true().to_list()

    def _has_dtype(self, name: str, frame: pl.DataFrame) -> bool:
        from pandera.api.polars.types import PolarsData

        dtype = frame.schema[name]
        return self._schema.columns[name].dtype.check(dtype, PolarsData(frame.lazy().select(name), name)) is True

    def _repeats(self, frame: pl.DataFrame, columns: Iterable[str]) -> bool:
        """Return whether values repeat that must be unique."""
        if any(self._schema.columns[name].unique and frame.get_column(name).is_duplicated().any() for name in columns):
            return True
        given = self._schema.unique or []
        groups = [given] if all(isinstance(name, str) for name in given) else given
        return any(frame.select(group).is_duplicated().any() for group in groups if group)


def _without_nulls(frame: pl.DataFrame, columns: Mapping[str, Any]) -> list[pl.Series]:
    """Return which rows have a value, for each required column that lacks one. NaN is none, as in pandera."""
    found = []
    for name, column in columns.items():
        if column.nullable:
            continue
        values = frame.get_column(name)
        if values.null_count():
            found.append(values.is_not_null())
        if values.dtype.is_float() and not values.is_not_nan().all():
            found.append(values.is_not_nan().fill_null(False))
    return found
