"""Validation with a pydantic model, row by row, with pydantic's own semantics.

A row passes if and only if `Model.model_validate(row)` accepts it *and* its values fit the columns. The validated
values are stored. Beyond pydantic's own rules, a row is refused for:

| rule | reason |
|---|---|
| `timezone_aware` | a `datetime` without a time zone, whose instant is unknown |
| `timezone_naive` | a `time` with a time zone, which Iceberg cannot store |
| `column_range` | an int beyond 64 bits, an instant outside the years 1 to 9999 |
| `string_unicode` | a string that is not valid Unicode (a lone surrogate) |
| `column_type`, `column_null` | a validator of the model returned a type other than the declared one |
| `validator_error` | a validator of the model raised something other than ValueError or AssertionError |
| `unique_key` | a field of the key is null |
| `unreadable_value` | a value of an Arrow batch that Python cannot represent |

Fields that the model lacks are dropped and reported. With `extra="forbid"` they refuse their rows. In Arrow batches, a
missing nullable column is null (writers omit columns without values), timestamps lose their nanoseconds, and a strict
model gets UUIDs, Enum members and tuples, which Arrow has no types for.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa
import pydantic
from pydantic.errors import PydanticUserError

from cascade.schemas.columns import Column, DeclaredSchema
from cascade.schemas.kinds import Member
from cascade.schemas.model_rows import ModelRow
from cascade.schemas.pydantic_fields import bare_model, complete, source_names
from cascade.schemas.rows import (
    NULL_KEY,
    RULE_KEY,
    RULE_UNREADABLE,
    Batch,
    Reason,
    RefusedRow,
    ValidationResult,
    field_names,
    missing_column,
    python_rows,
    refuse,
)
from cascade.schemas.values import RULE_NULL, RULE_TYPE, Unfit, to_arrow, without_column_type

_STEP = 4096
_NOT_VALIDATION = frozenset({"serialization", "metadata"})


class PydanticValidator:
    """Validates batches with a pydantic model.

    Args:
        declared: the columns of the model.
        unique_key: names of the key columns.
        types_only: convert to the declared types, and skip every constraint and validator.
    """

    needs_whole_partition = False

    def __init__(self, declared: DeclaredSchema, unique_key: tuple[str, ...], *, types_only: bool = False) -> None:
        model: type[pydantic.BaseModel] = declared.model
        complete(model, model)
        self._declared = declared
        self._key_fields = {name for key in unique_key for name in declared.by_name[key].source_names}
        self._key = frozenset(unique_key)
        self._forbids_extra = model.model_config.get("extra") == "forbid" and not types_only
        self._model = bare_model(model, [member_of(column) for column in declared.columns]) if types_only else model
        self._known = {name for field, info in model.model_fields.items() for name in source_names(model, field, info)}
        self._may_change_rows = not types_only and _calls_validators_before(model.__pydantic_core_schema__)
        self._strict = () if types_only else tuple(c for c in declared.columns if _is_strict(model, c))

    @property
    def reads(self) -> frozenset[str]:
        """The names of the source fields that the model reads."""
        return frozenset(self._known)

    def validate(self, batch: Batch) -> ValidationResult:
        """Validate a batch.

        Raises:
            MissingColumnError: no row has a field that the model requires.
        """
        present = field_names(batch)
        absent = _Absent()
        parts = [self._declared.empty()]
        refused: list[RefusedRow] = []
        # Free the models of one step before building those of the next. Keeping them all triples the time, because
        # Python's garbage collector scans them again and again.
        for start in range(0, len(batch), _STEP):
            good, bad = self._step(batch[start : start + _STEP], start, present, absent)
            parts.append(good)
            refused += bad
        if absent.names:
            self._raise_missing(absent.names, present)
        dropped = () if self._forbids_extra else tuple(name for name in present if name not in self._known)
        return ValidationResult(pa.concat_tables(parts).combine_chunks(), tuple(refused), dropped)

    def _step(
        self, batch: Batch, start: int, present: Sequence[str], absent: _Absent
    ) -> tuple[pa.Table, list[RefusedRow]]:
        reasons: dict[int, list[Reason]] = {}
        if isinstance(batch, pa.Table):
            rows, unreadable = python_rows(batch)
            restored = self._from_arrow(rows, set(present))
            reasons = {position: [(RULE_UNREADABLE, *problem)] for position, problem in unreadable.items()}
        else:
            rows = restored = batch
        given = [_copied(row) for row in restored] if self._may_change_rows else restored
        models, positions = self._accepted(given, reasons, absent)
        good, unfit = self._to_table(models, positions)
        reasons.update(unfit)
        return good, [refuse(rows[position], reasons[position], start + position) for position in sorted(reasons)]

    def _accepted(
        self, rows: Sequence[Any], reasons: dict[int, list[Reason]], absent: _Absent
    ) -> tuple[list[Any], list[int]]:
        """Return the models of accepted rows, with their positions, and add the other rows to `reasons`."""
        kind = self._model
        validate = kind.__pydantic_validator__.validate_python
        models: list[Any] = []
        positions: list[int] = []
        for position, row in enumerate(rows):
            if position in reasons:
                continue
            try:
                models.append(validate(row.model if type(row) is ModelRow and isinstance(row.model, kind) else row))
                positions.append(position)
            except pydantic.ValidationError as error:
                details = error.errors(include_url=False, include_context=False)
                reasons[position] = [self._reason(detail) for detail in details]
                absent.see(str(d["loc"][0]) for d in details if d["type"] == "missing" and len(d["loc"]) == 1)
            except PydanticUserError:
                raise
            except Exception as error:
                reasons[position] = [("validator_error", None, f"{type(error).__name__}: {error}")]
                absent.see(())
        if models:
            absent.see(())
        return models, positions

    def _raise_missing(self, absent: set[str], present: Sequence[str]) -> None:
        for column in self._declared.columns:
            is_absent = absent.intersection((*column.source_names, column.name))
            if is_absent and not set(present).intersection(column.source_names):
                raise missing_column(self._declared, column, present)

    def _reason(self, detail: Any) -> Reason:
        location = detail["loc"]
        field = ".".join(map(str, location)) or None
        if (
            len(location) == 1
            and location[0] in self._key_fields
            and detail["type"] != "missing"
            and detail["input"] is None
        ):
            return RULE_KEY, field, NULL_KEY
        return detail["type"], field, detail["msg"] + without_column_type(detail["input"])

    def _to_table(self, models: list[Any], positions: list[int]) -> tuple[pa.Table, dict[int, list[Reason]]]:
        reasons: dict[int, list[Reason]] = {}
        kind = self._model
        if not all(isinstance(model, kind) for model in models):
            for model, position in zip(models, positions, strict=True):
                if not isinstance(model, kind):
                    message = f"A validator of {kind.__name__} returned a {type(model).__name__} instead of the model"
                    reasons[position] = [(RULE_TYPE, None, message)]
            kept = [pair for pair in zip(models, positions, strict=True) if pair[1] not in reasons]
            models, positions = [model for model, _ in kept], [position for _, position in kept]
        attributes = [model.__dict__ for model in models]
        arrays = []
        bad: dict[int, list[Reason]] = {}
        for column in self._declared.columns:
            assert column.value_type is not None
            name = column.name
            array, unfit = to_arrow([values.get(name) for values in attributes], column.value_type)
            for index, reason in unfit.items():
                bad.setdefault(index, []).append(_unfit_reason(column, reason))
            if column.required and array.null_count > len(unfit):
                for index in _null_positions(array):
                    if index not in unfit:
                        bad.setdefault(index, []).append(self._null_reason(column))
            arrays.append(array)
        table = pa.Table.from_arrays(arrays, schema=self._declared.arrow)
        if bad:
            table = table.filter(pa.array([index not in bad for index in range(len(models))], type=pa.bool_()))
            reasons.update({positions[index]: found for index, found in bad.items()})
        return table, reasons

    def _null_reason(self, column: Column) -> Reason:
        if column.name in self._key:
            return RULE_KEY, column.source_name, NULL_KEY
        return RULE_NULL, column.source_name, f"The schema returned None, but column {column.name} needs a value"

    def _from_arrow(self, rows: list[dict[str, Any]], present: set[str]) -> list[dict[str, Any]]:
        """Return the rows as the model expects them, with omitted columns and strict types restored."""
        absent = {
            c.source_name: None
            for c in self._declared.columns
            if self._fills(c) and not present.intersection(c.source_names)
        }
        changes = [
            (name, column.value_type.strict_from)
            for column in self._strict
            if column.value_type is not None and column.value_type.strict_from is not None
            for name in column.source_names
            if name in present
        ]
        if not absent and not changes:
            return rows
        restored = []
        for row in rows:
            seen = {**row, **absent}
            for name, change in changes:
                if seen[name] is not None:
                    seen[name] = change(seen[name])
            restored.append(seen)
        return restored

    def _fills(self, column: Column) -> bool:
        field = self._model.model_fields[column.name]
        return not column.required and field.is_required()


class _Absent:
    """The fields that every row so far lacks."""

    def __init__(self) -> None:
        self.names: set[str] | None = None

    def see(self, missing: Iterable[str]) -> None:
        """Record the fields that a row lacks: none if it is accepted, or refused for another reason."""
        self.names = set(missing) if self.names is None else self.names.intersection(missing)


def member_of(column: Column) -> Member:
    """Return a column as a field of a model without rules."""
    assert column.value_type is not None
    return Member(column.name, column.source_name, column.value_type, not column.required)


def _calls_validators_before(schema: object) -> bool:
    """Return whether a model, or one inside it, has a validator that gets the row as it was given and may change it."""
    if isinstance(schema, dict):
        kind = schema.get("type")
        if kind in ("function-before", "function-wrap", "function-plain"):
            return True
        return any(_calls_validators_before(part) for name, part in schema.items() if name not in _NOT_VALIDATION)
    return isinstance(schema, (list, tuple)) and any(map(_calls_validators_before, schema))


def _copied(value: Any) -> Any:
    """Return a row, or a part of it, that a validator can change without changing the caller's."""
    if isinstance(value, dict):
        changed = {name: _copied(item) for name, item in value.items()}
        if type(value) is dict:
            return changed
        clone = copy.copy(value)
        clone.update(changed)
        return clone
    if type(value) in (list, set):
        return type(value)(map(_copied, value))
    return tuple(map(_copied, value)) if type(value) is tuple else value


def _is_strict(model: type[pydantic.BaseModel], column: Column) -> bool:
    if model.model_config.get("strict"):
        return True
    return any(getattr(item, "strict", None) for item in model.model_fields[column.name].metadata)


def _null_positions(array: pa.Array) -> list[int]:
    return [index for index, is_null in enumerate(array.is_null().to_pylist()) if is_null]


def _unfit_reason(column: Column, reason: Unfit) -> Reason:
    return reason.rule, ".".join(map(str, (column.source_name, *reason.path))), reason.message
