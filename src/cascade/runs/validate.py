"""The second stage: validate each batch against the schema, and pass on its good and its refused rows."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from cascade.exceptions import RowsRefusedError
from cascade.fault_points import FaultPoint, reach
from cascade.runs.batches import one_batch
from cascade.runs.staging import Staged

_SHOWN_RULES = 10

if TYPE_CHECKING:
    from cascade.clock import Clock
    from cascade.schemas import Batch, ValidationResult, Validator


@dataclass(frozen=True)
class Validated:
    """What validation found.

    Args:
        dropped_fields: fields of the source that the schema lacks, in the order that they first appeared.
    """

    dropped_fields: tuple[str, ...]


class Validation:
    """Validates batches as they arrive.

    A validator that needs the whole partition gets it as one batch at the end. Only then are batches held.

    Args:
        validator: validates a batch.
        into: takes the good and the refused rows of each batch.
        table: full name of the table.
        clock: measures the stage as `validate`, without the time of `into`.
    """

    def __init__(
        self, validator: Validator, into: Callable[[ValidationResult], None], *, table: str, clock: Clock
    ) -> None:
        self._validator = validator
        self._into = into
        self._table = table
        self._clock = clock
        self._held: list[Batch] = []
        self._dropped: dict[str, None] = {}

    def take(self, batch: Batch) -> None:
        """Validate a batch.

        Args:
            batch: rows as the source returned them.

        Raises:
            MissingColumnError: a required column is absent from the whole batch.
            RowsRefusedError: a rule of the whole frame failed.
        """
        if self._validator.needs_whole_partition:
            # The source may change its rows while they are held.
            self._held.append(batch if isinstance(batch, pa.Table) else list(map(copy.copy, batch)))
        else:
            self._validate(batch)

    def finish(self) -> Validated:
        """Validate the batches that were held, and return what validation found. Call it after the last batch."""
        whole, self._held = one_batch(self._held), []
        if whole is not None:
            self._validate(whole)
        return Validated(dropped_fields=tuple(self._dropped))

    def _validate(self, batch: Batch) -> None:
        with self._clock.timed("validate"):
            result = self._validator.validate(batch)
            self._dropped.update(dict.fromkeys(result.dropped_fields))
            reach(FaultPoint.NORMALISE, self._table)
            self._into(result)


def rows_refused(
    table: str, rows_in: int, staged: Staged, consequence: str, *, by_rule: bool = False
) -> RowsRefusedError:
    """Create the error of a run that fails because of its refused rows.

    Args:
        table: full name of the table.
        rows_in: number of rows that the source returned.
        staged: the refused rows.
        consequence: what happens to the rows, such as `and they are in raw.flights__quarantine`.
        by_rule: whether to count the rows that each rule refused.
    """
    count, shown = staged.rows_refused, staged.first_refused
    lines = "".join(f"\n  - {row.rule}{f' in {row.field}' if row.field else ''}: {row.message}" for row in shown)
    more = f"\n  and {count - len(shown)} more" if count > len(shown) else ""
    rules = f"\nBy rule: {_by_rule(staged)}." if by_rule else ""
    return RowsRefusedError(
        f"{table}: {count} of {rows_in} rows were refused, {consequence}.{rules}{lines}{more}",
        refused=count,
        total=rows_in,
    )


def _by_rule(staged: Staged) -> str:
    counts = Counter(f"{row.rule} in {row.field}" if row.field else row.rule for row in staged.refused())
    found = [f"{rule} {count}" for rule, count in counts.most_common(_SHOWN_RULES)]
    return ", ".join([*found, *(["and others"] if len(counts) > _SHOWN_RULES else [])])
