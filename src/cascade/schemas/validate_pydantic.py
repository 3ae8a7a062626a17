"""Validation with a pydantic model, with pydantic's own semantics.

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

A mask (see `mask/`) clears rows column by column where it can prove what pydantic returns. pydantic itself decides the
other rows, and the fields that the mask cannot express.

Fields that the model lacks are dropped and reported. With `extra="forbid"` they refuse their rows. In Arrow batches, a
missing nullable column is null (writers omit columns without values), timestamps lose their nanoseconds, and a strict
model gets UUIDs, Enum members and tuples, which Arrow has no types for.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pydantic
from pydantic.errors import PydanticUserError

from cascade.schemas.columns import Column, DeclaredSchema
from cascade.schemas.dict_rows import DictRows
from cascade.schemas.kinds import Member
from cascade.schemas.mask.clear import cells_of_table, clear
from cascade.schemas.mask.compile import CompiledMask, Others, compile_mask, has_only_fields
from cascade.schemas.mask.python_cells import cells_of_rows
from cascade.schemas.masked_rows import Accepted, Masked, RowsOf, in_order
from cascade.schemas.pydantic_fields import bare_model, complete, source_names
from cascade.schemas.pydantic_rows import Absent, RowValidator, calls_validators_before, copied
from cascade.schemas.restored_rows import Restorer, as_given
from cascade.schemas.rows import (
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

_STEP = 4096
_MASK_STEP = 32 * _STEP
# Polars takes as long to load as pydantic takes to validate some ten thousand rows.
_WORTH_A_MASK = 256
_WORTH_LOADING_POLARS = 20_000
_NOTHING: Mapping[str, Any] = MappingProxyType({})


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
        self._forbids_extra = model.model_config.get("extra") == "forbid" and not types_only
        self._model = bare_model(model, [member_of(column) for column in declared.columns]) if types_only else model
        self._rows = RowValidator(declared, self._model, unique_key)
        self._known = {name for field, info in model.model_fields.items() for name in source_names(model, field, info)}
        self._may_change_rows = not types_only and calls_validators_before(model.__pydantic_core_schema__)
        self._restorer = Restorer(declared, self._model, restores=not types_only)
        # A validator of the whole row can read any field. Otherwise, the fields that are dropped may hold anything.
        self._readable = self.reads if has_only_fields(self._model) else None
        self._masks: dict[frozenset[str], CompiledMask | None] = {}

    @property
    def reads(self) -> frozenset[str]:
        """The names of the source fields that the model reads."""
        return frozenset(self._known)

    def validate(self, batch: Batch) -> ValidationResult:
        """Validate a batch.

        Raises:
            MissingColumnError: no row has a field that the model requires.
        """
        steps = (
            [batch]
            if len(batch) <= _MASK_STEP
            else [batch[i : i + _MASK_STEP] for i in range(0, len(batch), _MASK_STEP)]
        )
        steps = [_readable_once(step) for step in steps]
        present = (
            field_names(batch)
            if isinstance(batch, pa.Table)
            else list(dict.fromkeys(chain.from_iterable(map(field_names, steps))))
        )
        absent = Absent()
        parts: list[pa.Table] = []
        refused: list[RefusedRow] = []
        start = 0
        for step in steps:
            masked = self._masked(step, present)
            if masked is not None and masked.is_whole:
                absent.see(())
                parts.append(self._table(masked.columns))
            else:
                good, bad = self._decided(step, start, present, absent, masked)
                parts.append(good)
                refused += bad
            start += len(step)
        if absent.names:
            self._raise_missing(absent.names, present)
        dropped = () if self._forbids_extra else tuple(name for name in present if name not in self._known)
        return ValidationResult(pa.concat_tables(parts or [self._declared.empty()]), tuple(refused), dropped)

    def _masked(self, batch: Batch, present: Sequence[str]) -> Masked | None:
        """Return what the mask finds in a batch, or None if pydantic must decide every row."""
        is_table = isinstance(batch, pa.Table)
        worth = _WORTH_A_MASK if "polars" in sys.modules else _WORTH_LOADING_POLARS
        if len(batch) < worth:
            return None
        if self._forbids_extra and not self._known.issuperset(present):
            return None
        restored = self._restorer.columns if is_table else frozenset[str]()
        leave: frozenset[str] = frozenset()
        while (mask := self._mask(leave)) is not None:
            if isinstance(batch, pa.Table):
                cells = cells_of_table(batch, mask)
            elif isinstance(batch, DictRows):
                cells = cells_of_rows(batch, mask)
            else:
                return None
            found = clear(mask, cells, len(batch), restored=restored, fills=is_table)
            if not isinstance(found, frozenset):
                return Masked(mask.others, found.rows, found.columns) if found is not None else None
            leave |= found
        return None

    def _mask(self, leave: frozenset[str]) -> CompiledMask | None:
        if leave not in self._masks:
            self._masks[leave] = compile_mask(self._model, self._declared.columns, leave)
        return self._masks[leave]

    def _decided(
        self, batch: Batch, start: int, present: Sequence[str], absent: Absent, masked: Masked | None
    ) -> tuple[pa.Table, list[RefusedRow]]:
        """Validate the rows of a batch that the mask does not clear."""
        parts = [self._declared.empty()]
        refused: list[RefusedRow] = []
        # Free the models of one step before building those of the next. Keeping them all triples the time, because
        # Python's garbage collector scans them again and again.
        for inner in range(0, len(batch), _STEP):
            rows = batch[inner : inner + _STEP]
            part = masked.sliced(inner, len(rows)) if masked is not None else None
            good, bad = self._step(rows, start + inner, present, absent, part)
            parts.append(good)
            refused += bad
        return pa.concat_tables(parts).combine_chunks(), refused

    def _step(
        self, batch: Batch, start: int, present: Sequence[str], absent: Absent, masked: Masked | None
    ) -> tuple[pa.Table, list[RefusedRow]]:
        if masked is not None and masked.is_whole:
            absent.see(())
            return self._table(masked.columns), []
        count = len(batch)
        flags = masked.flags(count) if masked is not None else [False] * count
        others = masked.others if masked is not None else None
        restore = self._restorer.of(present) if isinstance(batch, pa.Table) else as_given
        parts, unreadable = self._parts(batch, others, restore) if others is not None else ([], {})
        rows = RowsOf(batch, [i for i in range(count) if not flags[i] or i in unreadable], self._readable)
        cleared, decided = Accepted(), Accepted()
        reasons: dict[int, list[Reason]] = {}
        # In the order of the rows, because a validator may remember the rows before.
        for position in range(count):
            if flags[position] and position not in unreadable:
                try:
                    cleared.add(position, _NOTHING if others is None else others.validate(parts[position]))
                except PydanticUserError:
                    raise
                except Exception as error:
                    # The other fields are valid, so the whole model would give the same reasons.
                    reasons[position] = self._rows.reasons(error, absent)
                continue
            row = rows.get(position)
            if position in rows.unreadable:
                reasons[position] = [(RULE_UNREADABLE, *rows.unreadable[position])]
                continue
            given = restore(row)
            model, why = self._rows.decide(copied(given) if self._may_change_rows else given, absent)
            if why:
                reasons[position] = why
            else:
                decided.add(position, model.__dict__)
        pieces = [self._converted(decided, self._declared.columns, reasons)]
        if masked is not None and cleared.positions:
            absent.see(())
            pieces.append(self._converted(cleared, others.columns if others else (), reasons, masked.columns))
        good = in_order(pieces)
        return good, [refuse(rows.get(position), reasons[position], start + position) for position in sorted(reasons)]

    def _converted(
        self,
        accepted: Accepted,
        columns: Sequence[Column],
        reasons: dict[int, list[Reason]],
        masked: Mapping[str, pa.Array] = MappingProxyType({}),
    ) -> tuple[pa.Table, list[int]]:
        """Return accepted rows whose values fit, with their positions, and add the other rows to `reasons`."""
        positions = accepted.positions
        arrays, bad = self._rows.arrays(accepted.values, columns)
        if masked:
            kept = pa.array(positions, pa.int64())
            arrays.update({name: array.take(kept) for name, array in masked.items()})
        table = self._table(arrays)
        if bad:
            table = table.filter(pa.array([index not in bad for index in range(len(positions))], type=pa.bool_()))
            reasons.update({positions[index]: found for index, found in bad.items()})
            positions = [position for index, position in enumerate(positions) if index not in bad]
        return table, positions

    def _parts(
        self, batch: Batch, others: Others, restore: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> tuple[list[dict[str, Any]], Mapping[int, object]]:
        """Return what the fields that pydantic decides are read from, and the positions of rows that are unreadable."""
        unreadable: Mapping[int, object] = {}
        parts: Sequence[dict[str, Any]]
        if isinstance(batch, pa.Table):
            names = [name for name in batch.column_names if name in others.sources]
            parts, unreadable = python_rows(batch.select(names)) if names else ([{}] * len(batch), {})
        elif self._may_change_rows:
            parts = [{name: row[name] for name in others.sources if name in row} for row in batch]
        else:
            parts = batch
        restored = [restore(part) for part in parts]
        return [copied(part) for part in restored] if self._may_change_rows else restored, unreadable

    def _table(self, columns: Mapping[str, pa.Array]) -> pa.Table:
        arrow = self._declared.arrow
        return pa.Table.from_arrays([columns[name] for name in arrow.names], schema=arrow)

    def _raise_missing(self, absent: set[str], present: Sequence[str]) -> None:
        for column in self._declared.columns:
            is_absent = absent.intersection((*column.source_names, column.name))
            if is_absent and not set(present).intersection(column.source_names):
                raise missing_column(self._declared, column, present)


def member_of(column: Column) -> Member:
    """Return a column as a field of a model without rules."""
    assert column.value_type is not None
    return Member(column.name, column.source_name, column.value_type, not column.required)


def _readable_once(batch: Batch) -> Batch:
    """Return a batch whose columns are read once, if its rows are dicts."""
    if isinstance(batch, (pa.Table, DictRows)) or set(map(type, batch)) != {dict}:
        return batch
    return DictRows(batch)
