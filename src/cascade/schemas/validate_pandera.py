"""Validation with a pandera DataFrameModel, on a Polars or pandas frame of the declared dtypes.

    rows ──► columns of the declared types ──► frame ──► pandera ──► drop failing rows ──► pandera again ──► good rows

The good rows satisfy the whole model. In a Polars frame, a mask clears the rows that pass every check (see
pandera_mask.py), and pandera decides the others: after the failing rows are dropped, the rest is validated again until
nothing fails. A failure that blames no row (a check of the whole frame, or a check that raises) refuses the batch, if
it remains. pandera blames every duplicate row, unless the model's `report_duplicates` is set otherwise.

A refused row's rule is the name of the pandera check (`greater_than`, `isin`, `not_nullable`, `field_uniqueness`, or
the name of a method of the model), or one of these:

| rule | reason |
|---|---|
| `column_type` | the value cannot be converted to the declared type without loss (see cells.py) |
| `timezone_aware`, `timezone_naive` | a datetime lacks the declared time zone, or has one that is not declared |
| `column_range` | the value is outside the dtype: too large, or not one of the categories |
| `column_null` | null in a required column, when only types are converted |
| `unique_key` | a field of the key is null |

Fields that the model lacks are dropped and reported. With `strict=True` they refuse the batch, as in pandera. A
nullable or optional column that the source lacks is null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.exceptions import RowsRefusedError
from cascade.schemas import cells
from cascade.schemas.columns import Column, DeclaredSchema
from cascade.schemas.from_pandera import backend_of, pandera_schema
from cascade.schemas.masked_rows import in_order
from cascade.schemas.pandera_checks import may_compare_rows, rule_of, whole_message
from cascade.schemas.rows import (
    NULL_KEY,
    RULE_KEY,
    Batch,
    Reason,
    ValidationResult,
    field_names,
    missing_column,
    python_rows,
    refuse,
)
from cascade.schemas.values import RULE_NULL

if TYPE_CHECKING:
    from cascade.schemas.pandera_mask import PanderaMask


class PanderaValidator:
    """Validates batches with a pandera model.

    Args:
        declared: the columns of the model.
        unique_key: names of the key columns.
        types_only: convert to the declared types, and skip every check.
    """

    def __init__(self, declared: DeclaredSchema, unique_key: tuple[str, ...], *, types_only: bool = False) -> None:
        self._declared = declared
        self._key = frozenset(unique_key)
        self._types_only = types_only
        self._schema = pandera_schema(declared.model)
        self._backend = backend_of(declared.model, self._schema)
        self._mask: PanderaMask | None = None
        if self._backend == "pandas":
            from cascade.schemas import frames_pandas

            self._schema = frames_pandas.allow_nulls(self._schema)
        elif not types_only:
            from cascade.schemas.pandera_mask import mask_of

            self._mask = mask_of(self._schema)

    @property
    def reads(self) -> frozenset[str]:
        """The names of the source fields that the model reads."""
        return frozenset(self._declared.by_name)

    @property
    def needs_whole_partition(self) -> bool:
        """Whether a rule may compare rows: uniqueness, checks of the frame, and hand-written checks and parsers."""
        schema = self._schema
        if self._types_only:
            return False
        if schema.unique or schema.checks or getattr(schema, "parsers", None):
            return True
        return any(
            column.unique or getattr(column, "parsers", None) or any(map(may_compare_rows, column.checks))
            for column in schema.columns.values()
        )

    def validate(self, batch: Batch) -> ValidationResult:
        """Validate a batch.

        Raises:
            MissingColumnError: a required column is absent from the whole batch.
            RowsRefusedError: a failure blames no row, or the model is strict and the source has other fields.
        """
        present = field_names(batch)
        total = batch.num_rows if isinstance(batch, pa.Table) else len(batch)
        dropped = tuple(name for name in present if name not in self._declared.by_name)
        if dropped and self._schema.strict is True and not self._types_only:
            raise self._refusal([f"strict=True allows no other fields, but the source has {', '.join(dropped)}"], total)
        if total == 0:
            return ValidationResult(self._declared.empty(), (), dropped)
        reasons: dict[int, list[Reason]] = {}
        table = self._typed(batch, present, reasons)
        positions: Sequence[int] = range(total)
        if reasons:
            positions = [position for position in positions if position not in reasons]
        if len(positions) < total:
            table = table.take(pa.array(positions, type=pa.int64()))
        good = self._declared.empty()
        if positions:
            good = self._complete(table) if self._types_only else self._checked(table, positions, reasons, total)
        given = _rows(batch, sorted(reasons))
        refused = tuple(
            refuse(row, reasons[position], position) for row, position in zip(given, sorted(reasons), strict=True)
        )
        return ValidationResult(good, refused, dropped)

    def _typed(self, batch: Batch, present: Sequence[str], reasons: dict[int, list[Reason]]) -> pa.Table:
        """Convert the columns that the batch has, or that pandera must see, to the declared types."""
        arrays: dict[str, pa.Array] = {}
        total = batch.num_rows if isinstance(batch, pa.Table) else len(batch)
        for column in self._declared.columns:
            assert column.value_type is not None
            if column.name not in present:
                if self._is_left_out(column):
                    continue
                if column.required:
                    raise missing_column(self._declared, column, present)
                arrays[column.name] = pa.nulls(total, type=column.type)
                continue
            if isinstance(batch, pa.Table):
                array, unfit = cells.from_column(batch.column(column.name), column.value_type)
            else:
                array, unfit = cells.from_values([row.get(column.name) for row in batch], column.value_type)
            for position, found in unfit.items():
                field = ".".join(map(str, (column.name, *found.path)))
                reasons.setdefault(position, []).append((found.rule, field, found.message))
            if array.null_count > len(unfit):
                self._refuse_nulls(column, array, unfit.keys(), reasons)
            arrays[column.name] = array
        return pa.table(arrays)

    def _refuse_nulls(self, column: Column, array: pa.Array, known: Any, reasons: dict[int, list[Reason]]) -> None:
        if column.name in self._key:
            reason: Reason = (RULE_KEY, column.name, NULL_KEY)
        elif self._types_only and column.required:
            reason = (RULE_NULL, column.name, f"Column {column.name} cannot be null")
        else:
            return
        for position, is_null in enumerate(array.is_null().to_pylist()):
            if is_null and position not in known:
                reasons.setdefault(position, []).append(reason)

    def _is_left_out(self, column: Column) -> bool:
        """Return whether to hide a missing column from pandera, which does not need it or adds it itself."""
        declared = self._schema.columns[column.name]
        return not declared.required or (self._schema.add_missing_columns and declared.default is not None)

    def _checked(
        self, table: pa.Table, positions: Sequence[int], reasons: dict[int, list[Reason]], total: int
    ) -> pa.Table:
        frames = self._frames()
        frame, outside = frames.to_frame(table, self._schema)
        if outside:
            reasons.update({positions[index]: found for index, found in outside.items()})
            table = table.take(pa.array(_others(range(len(table)), outside), type=pa.int64()))
            frame, positions = frames.without(frame, list(outside)), _others(positions, outside)
        suspects = None if self._mask is None else self._mask.suspects(frame)
        if suspects is None:
            return self._decided(frame, positions, reasons, total)[0]
        cleared = self._complete(frames.without_conversion(table, frame))
        if not suspects:
            return cleared
        clear = _others(range(len(table)), frozenset(suspects))
        return in_order(
            [
                (cleared.take(pa.array(clear, type=pa.int64())), [positions[index] for index in clear]),
                self._decided(frame[suspects], [positions[index] for index in suspects], reasons, total),
            ]
        )

    def _decided(
        self, frame: Any, positions: Sequence[int], reasons: dict[int, list[Reason]], total: int
    ) -> tuple[pa.Table, Sequence[int]]:
        """Return the rows that pandera accepts, and their positions."""
        while positions:
            validated, failures, whole = self._run(frame)
            if validated is not None:
                return self._complete(validated), positions
            if not failures:
                raise self._refusal(whole, total)
            reasons.update({positions[index]: found for index, found in failures.items()})
            frame, positions = self._frames().without(frame, list(failures)), _others(positions, failures)
        return self._declared.empty(), ()

    def _run(self, frame: Any) -> tuple[Any, dict[int, list[Reason]], list[str]]:
        """Return the validated frame, or the failures by row and those that blame no row."""
        from pandera.config import ValidationDepth, config_context
        from pandera.errors import SchemaErrors

        # pandera's own settings, such as the environment variable that turns it off, must not change the result.
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            try:
                return self._schema.validate(frame, lazy=True), {}, []
            except SchemaErrors as errors:
                found = errors.schema_errors
        failures: dict[int, list[Reason]] = {}
        whole: list[str] = []
        for error in found:
            rows = self._frames().failing_rows(frame, error)
            if rows is None:
                whole.append(whole_message(error))
            for position, column, value in rows or ():
                failures.setdefault(position, []).append(self._reason(error, column, value))
        return None, failures, whole

    def _reason(self, error: Any, column: str | None, value: Any) -> Reason:
        rule, label = rule_of(error)
        if rule == "not_nullable":
            return rule, column, "the value is null"
        if rule == "multiple_fields_uniqueness":
            return rule, None, f"({', '.join(self._schema.unique)}) occurs more than once"
        if error.schema is self._schema or column is None:
            return rule, None, f"the row fails {label}"
        shown = repr(value.item() if hasattr(value, "item") else value)
        return (
            rule,
            column,
            f"{shown} occurs more than once" if rule == "field_uniqueness" else f"{shown} fails {label}",
        )

    def _complete(self, data: Any) -> pa.Table:
        """Return a table of all declared columns, null where the data lacks one."""
        arrays = []
        count = data.num_rows if isinstance(data, pa.Table) else len(data)
        names = data.column_names if isinstance(data, pa.Table) else list(data.columns)
        for column in self._declared.columns:
            if column.name not in names:
                arrays.append(pa.nulls(count, type=column.type))
            elif isinstance(data, pa.Table):
                arrays.append(data.column(column.name).cast(column.type))
            else:
                arrays.append(self._frames().to_column(data, column))
        return pa.Table.from_arrays(arrays, schema=self._declared.arrow)

    def _frames(self) -> Any:
        if self._backend == "polars":
            from cascade.schemas import frames_polars

            return frames_polars
        from cascade.schemas import frames_pandas

        return frames_pandas

    def _refusal(self, messages: Sequence[str], total: int) -> RowsRefusedError:
        listed = messages[0] if len(messages) == 1 else "".join(f"\n  - {message}" for message in messages)
        return RowsRefusedError(
            f"{self._declared.name} refuses the batch of {total} rows, because no single row is to blame: {listed}",
            refused=total,
            total=total,
        )


def _others(positions: Sequence[int], without: Any) -> list[int]:
    return [position for index, position in enumerate(positions) if index not in without]


def _rows(batch: Batch, positions: list[int]) -> Sequence[object]:
    if isinstance(batch, pa.Table):
        return python_rows(batch.take(pa.array(positions, type=pa.int64())))[0]
    return [batch[position] for position in positions]
