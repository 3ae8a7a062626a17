"""Checks of the columns of a table, and of its rows with a schema."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.declarations.schema_fields import columns_of, is_schema
from cascade.exceptions import CascadeError
from cascade.quality.kinds import QueryCheck, counted_rows
from cascade.quality.result import SHOWN_ROWS, CheckResult
from cascade.spelling import did_you_mean

if TYPE_CHECKING:
    from cascade.quality.judged import Judged

_TYPES = [
    "boolean",
    "int",
    "long",
    "float",
    "double",
    "decimal",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "timestamp_ns",
    "timestamptz_ns",
    "string",
    "uuid",
    "fixed",
    "binary",
    "list",
    "map",
    "struct",
]
_AT_ONCE = 100_000


@dataclass(frozen=True)
class HasSchema(QueryCheck):
    """The table has columns of certain types.

    Args:
        columns: Iceberg's type by column, such as `{"id": "long", "price": "decimal(9, 2)"}`, or a pydantic or pandera
            model.
        exact: whether the table has no other columns.
        scope: makes no difference.
        name: defaults to `has_schema`.
    """

    columns: Mapping[str, str] | type
    exact: bool = False

    kind = "has_schema"
    default_scope = "table"

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if is_schema(self.columns):
            return
        if not isinstance(self.columns, Mapping) or not self.columns:
            yield f"columns must be a mapping of columns to types, or a model, not {self.columns!r}."
            return
        for column, kind in self.columns.items():
            first = re.split(r"\W", kind, maxsplit=1)[0] if isinstance(kind, str) else ""
            if first not in _TYPES:
                yield f'"{column}" has the type {kind!r}, which Iceberg does not have.{did_you_mean(kind, _TYPES)}'

    def judge(self, judged: Judged, rows: int) -> CheckResult:
        """Return the result."""
        from cascade.iceberg.hidden import HIDDEN

        found = {
            field.name: str(field.field_type) for field in judged.table.schema().fields if field.name not in HIDDEN
        }
        wanted = self._wanted()
        wrong = [
            f'"{name}" is {found[name]}, expected {kind}.'
            if name in found
            else f'"{name}" is missing.{did_you_mean(name, found)}'
            for name, kind in wanted.items()
            if _plain(found.get(name, "")) != _plain(kind)
        ]
        if self.exact:
            wrong += [f'"{name}" is not expected.' for name in found if name not in wanted]
        message = " ".join(wrong) if wrong else f"{len(wanted)} columns are as expected."
        return CheckResult(passed=not wrong, message=message, numbers={"columns": len(found), "wrong": len(wrong)})

    def _wanted(self) -> Mapping[str, str]:
        if isinstance(self.columns, type):
            from cascade.schemas import to_iceberg_schema

            return {field.name: str(field.field_type) for field in to_iceberg_schema(self.columns).fields}
        return self.columns


@dataclass(frozen=True)
class MatchesSchema(QueryCheck):
    """Every row passes a pydantic or pandera model, such as one that is stricter than the workflow's own.

    Args:
        schema: the model.
        scope: defaults to `"partition"`.
        name: defaults to `matches_schema`.
    """

    schema: type

    kind = "matches_schema"

    @property
    def read(self) -> tuple[str, ...]:
        """The columns of the model."""
        return tuple(columns_of(self.schema) or ()) if is_schema(self.schema) else ()

    @property
    def label(self) -> str:
        """The name of the check among those of one declaration."""
        return self.name or self.kind

    def problems(self) -> Iterator[str]:
        """Find what is wrong with the arguments."""
        yield from super().problems()
        if not is_schema(self.schema):
            yield f"schema must be a pydantic model or a pandera DataFrameModel (the class), not {self.schema!r}."

    def judge(self, judged: Judged, rows: int) -> CheckResult:
        """Return the result."""
        import pyarrow as pa

        from cascade.schemas import declared_schema, validator_for

        validator = validator_for(self.schema, unique_key=())
        sources = {column.name: column.source_name for column in declared_schema(self.schema).columns}
        frame = judged.frame()
        given = frame.rename_columns([sources.get(name, name) for name in frame.column_names])
        step = max(1, given.num_rows) if validator.needs_whole_partition else _AT_ONCE
        failing = 0
        shown: list[int] = []
        rules: dict[str, int] = {}
        try:
            for start in range(0, given.num_rows, step):
                refused = validator.validate(given.slice(start, step)).refused
                failing += len(refused)
                for row in refused:
                    rule = f"{row.rule} in {row.field}" if row.field else row.rule
                    rules[rule] = rules.get(rule, 0) + 1
                shown += [start + row.position for row in refused[: SHOWN_ROWS - len(shown)]]
        except CascadeError as error:
            return CheckResult(passed=False, message=_told(error, judged))
        common = sorted(rules, key=lambda rule: -rules[rule])[:SHOWN_ROWS]
        return counted_rows(
            failing,
            given.num_rows,
            f"{self.schema.__name__} refuses them, by {', '.join(common)}",
            numbers=dict(rules),
            sample=judged.preview(frame.take(pa.array(shown, pa.int64()))),
        )


def _told(error: CascadeError, judged: Judged) -> str:
    # The message of a check of the whole frame may contain values.
    return f"The schema refuses the rows ({type(error).__name__})." if judged.subject.sensitive else error.message


def _plain(kind: str) -> str:
    return re.sub(r"\s", "", kind)
