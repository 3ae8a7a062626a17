"""Judge the rows of a quarantine by the schema of now."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from cascade.declarations import IngestionDeclaration
from cascade.exceptions import CascadeError, MissingColumnError, UsageError
from cascade.program import typed
from cascade.runs.newest import OLDER, REASON
from cascade.schemas import DeclaredSchema, RefusedRow, declared_schema, validator_for
from cascade.schemas.rows import declared_names
from cascade.schemas.sensitive import LEFT_OUT, Redaction

WITHOUT_SENSITIVE = "the quarantine leaves out the values of sensitive columns"
WITHOUT_BYTES = "JSON does not keep bytes as they were"
NOT_OF_THE_SCHEMA = "the schema has none of the fields"


@dataclass(frozen=True)
class Judged:
    """The rows of one partition of a quarantine, judged again.

    Args:
        kept: the rows as the quarantine has them.
        good: the rows that pass now, in the table's schema.
        good_at: for each of them, its position in `kept`.
        refused: the rows that are refused for another reason than before, by their position in `kept`.
        left: number of rows that cannot be judged again, by the reason.
        problem: why none of the rows could be judged; None if they could.
    """

    kept: pa.Table
    good: pa.Table
    good_at: tuple[int, ...]
    refused: dict[int, RefusedRow]
    left: dict[str, int]
    problem: str | None = None

    @property
    def older(self) -> frozenset[int]:
        """Positions among the good rows of those that were older than a valid row of their run."""
        messages = self.kept["message"].to_pylist()
        return frozenset(index for index, at in enumerate(self.good_at) if messages[at].endswith(f"; {OLDER}"))

    def still_refused(self) -> pa.Table:
        """Return the rows of `refused` as the quarantine is to have them: first refused when they were."""
        positions = pa.array(list(self.refused), pa.int64())
        rows = self.kept.take(positions)
        for name in ("rule", "field", "message", "row"):
            values = [getattr(row, "row_json" if name == "row" else name) for row in self.refused.values()]
            rows = rows.set_column(
                rows.column_names.index(name), rows.schema.field(name), pa.array(values, pa.string())
            )
        return rows


def command_to_run(declaration: IngestionDeclaration, partition: str | None = None) -> str:
    """Return the command that runs a workflow again.

    Args:
        declaration: the workflow's declaration.
        partition: key of the partition; None if the user has to fill it in, or if there are no partitions.
    """
    options = f" --partition {shlex.quote(partition) if partition else 'KEY'}" if declaration.partitions else ""
    return typed(f"materialize {'/'.join(declaration.asset_key)}{options}")


def check_replayable(declaration: IngestionDeclaration) -> None:
    """Check that the refused rows of a workflow can be replayed.

    Raises:
        UsageError: only another run can land them.
    """
    again = f"Run the partition again: {command_to_run(declaration)}"
    if declaration.write_disposition == "replace":
        raise UsageError(
            f'{declaration.table} is written with write_disposition="replace", and each run replaces what a replay '
            "would add.",
            hint=again,
        )
    validator = validator_for(
        declaration.validation_schema, unique_key=declaration.unique_key, validate=declaration.validate
    )
    if validator.needs_whole_partition:
        raise UsageError(
            f"{declaration.validation_schema.__name__} judges all rows of a partition together, and the quarantine of "
            f"{declaration.table} has only some of them.",
            hint=again,
        )


def judge_again(declaration: IngestionDeclaration, kept: pa.Table) -> Judged:
    """Judge rows of a quarantine by the schema of now.

    Args:
        declaration: the workflow's declaration.
        kept: the rows, as `quarantined_rows` returns them.
    """
    schema = declared_schema(declaration.validation_schema)
    rows = [json.loads(row) for row in kept["row"].to_pylist()]
    reasons = [_unfit(row, schema) for row in rows]
    left = dict(Counter(reason for reason in reasons if reason is not None))
    positions = [at for at, reason in enumerate(reasons) if reason is None]
    validator = validator_for(
        declaration.validation_schema, unique_key=declaration.unique_key, validate=declaration.validate
    )
    if not positions:
        return Judged(kept, schema.empty(), (), {}, left)
    try:
        result = validator.validate([rows[at] for at in positions])
    except MissingColumnError as error:
        # All lack the same field, for which they were refused.
        return Judged(kept, schema.empty(), (), {}, left, error.message)
    again = {positions[row.position]: row for row in result.refused}
    good_at = tuple(at for at in positions if at not in again)
    if len(good_at) != result.good.num_rows:
        raise CascadeError(f"{declaration.table}: the validator lost rows of the quarantine.")
    return Judged(kept, result.good, good_at, _changed(declaration, kept, again), left)


def _changed(declaration: IngestionDeclaration, kept: pa.Table, again: dict[int, RefusedRow]) -> dict[int, RefusedRow]:
    """Return the rows that are refused for another reason than the quarantine says."""
    redaction = Redaction.of(declaration.validation_schema)
    before = kept.select(["rule", "field", "message"]).to_pylist()
    found = {}
    for at, row in again.items():
        shown = redaction.apply(row) if redaction is not None else row
        for text in (REASON, OLDER):
            if before[at]["message"].endswith(f"; {text}"):
                shown = replace(shown, message=f"{shown.message}; {text}")
        if (shown.rule, shown.field, shown.message) != tuple(before[at].values()) or LEFT_OUT in shown.row:
            found[at] = shown
    return found


def _unfit(row: dict[str, Any], schema: DeclaredSchema) -> str | None:
    """Return why a row cannot be judged again; None if it can."""
    if LEFT_OUT in row:
        return WITHOUT_SENSITIVE
    if not row.keys() & declared_names(schema):
        return NOT_OF_THE_SCHEMA
    binary = [name for column in schema.columns if _has_bytes(column.type) for name in column.source_names]
    return WITHOUT_BYTES if any(row.get(name) is not None for name in binary) else None


def _has_bytes(arrow: pa.DataType) -> bool:
    if pa.types.is_struct(arrow):
        return any(_has_bytes(arrow.field(index).type) for index in range(arrow.num_fields))
    return _has_bytes(arrow.value_type) if pa.types.is_list(arrow) else pa.types.is_binary(arrow)
