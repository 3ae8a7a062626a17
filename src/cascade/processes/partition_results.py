"""What a run of a partition did, in a form that processes pass to each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from cascade.framework.run_errors import INTERRUPTED

if TYPE_CHECKING:
    from cascade.framework.runs import RunOutcome


@dataclass(frozen=True)
class PartitionResult:
    """What the run of one partition did.

    Args:
        partition: key of the partition; None for an asset without partitions.
        success: whether the run succeeded.
        run_id: Dagster's id of the run; None if it is not known, because the process of the run ended.
        seconds: its duration in seconds.
        counts: the numbers of rows, by their names in `RunReport`.
        committed: whether it changed the table.
        error: why it failed.
        interrupted: whether it was stopped, rather than failed.
        notices: what the run told its user.
        attempts: how many processes ran it. All but the last died.
    """

    partition: str | None
    success: bool
    run_id: str | None = None
    seconds: float = 0.0
    counts: Mapping[str, int] = field(default_factory=dict)
    committed: bool | None = None
    error: str | None = None
    interrupted: bool = False
    notices: tuple[str, ...] = ()
    attempts: int = 1

    @classmethod
    def of(cls, outcome: RunOutcome) -> PartitionResult:
        """Return what a run did."""
        report = outcome.report
        failed_checks = (str(check) for check in outcome.checks if not check.passed and outcome.error is None)
        return cls(
            partition=outcome.partition,
            success=outcome.success,
            run_id=outcome.run_id,
            seconds=outcome.seconds,
            counts=dict(outcome.counts),
            committed=report.committed if report is not None else None,
            error=None if outcome.error is None else str(outcome.error),
            interrupted=outcome.error is not None and outcome.error.kind == INTERRUPTED,
            notices=(*(report.notices if report is not None else ()), *failed_checks),
        )

    def text(self) -> str:
        """Return one line that `parse` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: str) -> PartitionResult:
        """Read what `text` returned."""
        values = json.loads(text)
        return cls(**{**values, "notices": tuple(values["notices"])})
