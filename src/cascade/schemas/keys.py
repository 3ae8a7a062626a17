"""The unique key of rows that failed validation, as the table would store it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pydantic

from cascade.schemas import cells
from cascade.schemas.columns import Column, DeclaredSchema
from cascade.schemas.from_pydantic import is_pydantic_model
from cascade.schemas.pydantic_fields import bare_model, complete
from cascade.schemas.validate_pydantic import member_of
from cascade.schemas.values import to_arrow

_Row = Mapping[str, Any]


class KeyReader:
    """Reads the key of refused rows. A row without a valid key belongs to no other row.

    Args:
        declared: the columns of the schema.
        unique_key: names of the key columns.
    """

    def __init__(self, declared: DeclaredSchema, unique_key: Sequence[str]) -> None:
        self._columns = [declared.by_name[name] for name in unique_key]
        self._values = _of_model(declared, self._columns) if is_pydantic_model(declared.model) else self._of_frame

    @property
    def arrow(self) -> pa.Schema:
        """The schema of keys."""
        return pa.schema([column.arrow for column in self._columns])

    def read(self, rows: Sequence[_Row]) -> tuple[pa.Table, list[int]]:
        """Read the keys of rows.

        Args:
            rows: the rows, as the source returned them or as JSON represents them.

        Returns:
            The valid keys, and the position of the row of each.
        """
        found = {position: key for position, row in enumerate(rows) if (key := self._values(row)) is not None}
        bad: set[int] = set()
        arrays = []
        for index, column in enumerate(self._columns):
            assert column.value_type is not None
            array, unfit = to_arrow([key[index] for key in found.values()], column.value_type)
            bad |= unfit.keys()
            if array.null_count:
                bad |= {position for position, is_null in enumerate(array.is_null().to_pylist()) if is_null}
            arrays.append(array)
        table = pa.Table.from_arrays(arrays, schema=self.arrow)
        if bad:
            table = table.filter(pa.array([index not in bad for index in range(len(found))], pa.bool_()))
        return table, [position for index, position in enumerate(found) if index not in bad]

    def _of_frame(self, row: _Row) -> list[Any] | None:
        key = []
        for column in self._columns:
            assert column.value_type is not None
            array, _ = cells.from_values([row.get(column.name)], column.value_type)
            key.append(array[0].as_py())
        return None if None in key else key


def _of_model(declared: DeclaredSchema, columns: Sequence[Column]) -> Callable[[_Row], list[Any] | None]:
    model: type[pydantic.BaseModel] = declared.model
    complete(model, model)
    bare = bare_model(model, [member_of(column) for column in columns])
    # A validator of the whole model cannot judge a key alone.
    judges_fields = not (
        model.__pydantic_decorators__.model_validators or model.__pydantic_decorators__.root_validators
    )

    def values(row: _Row) -> list[Any] | None:
        try:
            plain = bare.model_validate(row)
        except Exception:
            # The default of a field can raise anything.
            return None
        key = [plain.__dict__[column.name] for column in columns]
        return _judged(model, columns, row, key) if judges_fields else key

    return values


def _judged(
    model: type[pydantic.BaseModel], columns: Sequence[Column], row: _Row, plain: list[Any]
) -> list[Any] | None:
    """Return a key as the rules of its fields change it: without spaces, or in lower case, for example."""
    try:
        holder = model.model_construct()
        for column in columns:
            given = next((row[name] for name in column.source_names if name in row), None)
            model.__pydantic_validator__.validate_assignment(holder, column.name, given)
    except pydantic.ValidationError:
        return None
    except Exception:
        # A validator of a field may need the other fields.
        return plain
    return [holder.__dict__[column.name] for column in columns]
