"""What the asset checks of a run found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg


@dataclass(frozen=True)
class CheckOutcome:
    """What one asset check found.

    Args:
        asset: the key of the checked asset as text.
        name: the name of the check.
        passed: whether it passed.
        severity: `ERROR` or `WARN`, of a check that failed.
        description: what the check says of it, if anything.
    """

    asset: str
    name: str
    passed: bool
    severity: str
    description: str | None = None

    def __str__(self) -> str:
        text = f"the check {self.name} {'passed' if self.passed else 'failed'}"
        return f"{text}: {self.description}" if self.description else text


def check_outcomes(result: dg.ExecuteInProcessResult) -> tuple[CheckOutcome, ...]:
    """Gives what the checks of a run found, in the order in which they ran.

    Args:
        result: the run. Checks that raised have no outcome: they failed the run.
    """
    return tuple(
        CheckOutcome(
            asset=evaluation.asset_key.to_user_string(),
            name=evaluation.check_name,
            passed=evaluation.passed,
            severity=evaluation.severity.value,
            description=evaluation.description,
        )
        for evaluation in result.get_asset_check_evaluations()
    )
