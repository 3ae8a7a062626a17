"""Validation of single rows with a pydantic model, and the table of the values that it returned."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pydantic
from pydantic.errors import PydanticUserError

from cascade.schemas.columns import Column, DeclaredSchema
from cascade.schemas.model_rows import ModelRow
from cascade.schemas.rows import NULL_KEY, RULE_KEY, Reason
from cascade.schemas.values import RULE_NULL, RULE_TYPE, Unfit, to_arrow, without_column_type

_NOT_VALIDATION = frozenset({"serialization", "metadata"})


class Absent:
    """The fields that every row so far lacks."""

    def __init__(self) -> None:
        self.names: set[str] | None = None

    def see(self, missing: Iterable[str]) -> None:
        """Record the fields that a row lacks: none if it is accepted, or refused for another reason."""
        self.names = set(missing) if self.names is None else self.names.intersection(missing)


class RowValidator:
    """Validates rows one by one.

    Args:
        declared: the columns of the model.
        model: the model that decides: the declared one, or one with the same fields and no rules.
        unique_key: names of the key columns.
    """

    def __init__(self, declared: DeclaredSchema, model: type[pydantic.BaseModel], unique_key: tuple[str, ...]) -> None:
        self._declared = declared
        self._model = model
        self._validate = model.__pydantic_validator__.validate_python
        self._key = frozenset(unique_key)
        self._key_fields = {name for key in unique_key for name in declared.by_name[key].source_names}

    def decide(self, row: Any, absent: Absent) -> tuple[Any, list[Reason]]:
        """Validate a row.

        Args:
            row: the row.
            absent: records which fields the row lacks.

        Returns:
            The validated model, and the reasons why the row is refused, which are empty if it is not.
        """
        kind = self._model
        try:
            model = self._validate(row.model if type(row) is ModelRow and isinstance(row.model, kind) else row)
        except PydanticUserError:
            raise
        except Exception as error:
            return None, self.reasons(error, absent)
        absent.see(())
        if not isinstance(model, kind):
            message = f"A validator of {kind.__name__} returned a {type(model).__name__} instead of the model"
            return None, [(RULE_TYPE, None, message)]
        return model, []

    def reasons(self, error: Exception, absent: Absent) -> list[Reason]:
        """Return why a row is refused.

        Args:
            error: what its validation raised.
            absent: records which fields the row lacks.
        """
        if not isinstance(error, pydantic.ValidationError):
            absent.see(())
            return [("validator_error", None, f"{type(error).__name__}: {error}")]
        details = error.errors(include_url=False, include_context=False)
        absent.see(str(d["loc"][0]) for d in details if d["type"] == "missing" and len(d["loc"]) == 1)
        return [self._reason(detail) for detail in details]

    def arrays(
        self, attributes: Sequence[Mapping[str, Any]], columns: Sequence[Column]
    ) -> tuple[dict[str, pa.Array], dict[int, list[Reason]]]:
        """Convert validated values to Arrow.

        Args:
            attributes: the values of each row by column.
            columns: the columns.

        Returns:
            The arrays by column, and the reasons of rows whose values do not fit, by position.
        """
        arrays: dict[str, pa.Array] = {}
        bad: dict[int, list[Reason]] = {}
        for column in columns:
            assert column.value_type is not None
            name = column.name
            array, unfit = to_arrow([values.get(name) for values in attributes], column.value_type)
            for index, reason in unfit.items():
                bad.setdefault(index, []).append(_unfit_reason(column, reason))
            if column.required and array.null_count > len(unfit):
                for index in _null_positions(array):
                    if index not in unfit:
                        bad.setdefault(index, []).append(self._null_reason(column))
            arrays[name] = array
        return arrays, bad

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

    def _null_reason(self, column: Column) -> Reason:
        if column.name in self._key:
            return RULE_KEY, column.source_name, NULL_KEY
        return RULE_NULL, column.source_name, f"The schema returned None, but column {column.name} needs a value"


def calls_validators_before(schema: object) -> bool:
    """Return whether a model, or one inside it, has a validator that gets the row as it was given and may change it."""
    if isinstance(schema, dict):
        kind = schema.get("type")
        if kind in ("function-before", "function-wrap", "function-plain"):
            return True
        return any(calls_validators_before(part) for name, part in schema.items() if name not in _NOT_VALIDATION)
    return isinstance(schema, (list, tuple)) and any(map(calls_validators_before, schema))


def copied(value: Any) -> Any:
    """Return a row, or a part of it, that a validator can change without changing the caller's."""
    if isinstance(value, dict):
        changed = {name: copied(item) for name, item in value.items()}
        if type(value) is dict:
            return changed
        clone = copy.copy(value)
        clone.update(changed)
        return clone
    if type(value) in (list, set):
        return type(value)(map(copied, value))
    return tuple(map(copied, value)) if type(value) is tuple else value


def _null_positions(array: pa.Array) -> list[int]:
    return [index for index, is_null in enumerate(array.is_null().to_pylist()) if is_null]


def _unfit_reason(column: Column, reason: Unfit) -> Reason:
    return reason.rule, ".".join(map(str, (column.source_name, *reason.path))), reason.message
