"""What a run of CI found: a document for scripts, and Markdown for a comment on the change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from cascade.terminal.markdown import escaped, markdown_table
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.framework.ci.contract_differences import ContractDifference
    from cascade.framework.ci.differences import TableDifference
    from cascade.framework.runs import CheckOutcome, RunOutcome


@dataclass(frozen=True)
class CiSummary:
    """A run of CI.

    Args:
        branch: the branch that the tables had.
        reasons: why each asset that was to run is affected, by its key as text.
        left_out: why each other affected asset did not run.
        not_loaded: the errors of modules that did not load, of which nothing ran.
        outcomes: what the runs did.
        tables: what differs, by table.
        contracts: what differs between workflows and the contracts of their tables.
        kept: whether the branch is still there.
        not_compared: why a table, or code, could not be compared, by its name.
        seconds: how long all of it took.
    """

    branch: str
    reasons: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    not_loaded: Sequence[str] = ()
    outcomes: Sequence[RunOutcome] = ()
    tables: Sequence[TableDifference] = ()
    contracts: Sequence[ContractDifference] = ()
    not_compared: Mapping[str, str] = field(default_factory=dict)
    kept: bool = False
    seconds: float = 0.0

    @property
    def failed_runs(self) -> list[RunOutcome]:
        """The runs that failed."""
        return [outcome for outcome in self.outcomes if not outcome.success]

    @property
    def checks(self) -> list[tuple[RunOutcome, CheckOutcome]]:
        """All checks, with their runs."""
        return [(outcome, check) for outcome in self.outcomes for check in outcome.checks]

    @property
    def failed_checks(self) -> list[tuple[RunOutcome, CheckOutcome]]:
        """The checks that failed, and are more than a warning."""
        return [found for found in self.checks if not found[1].passed and found[1].severity == "ERROR"]

    @property
    def warnings(self) -> list[tuple[RunOutcome, CheckOutcome]]:
        """The checks that failed, and only warn."""
        return [found for found in self.checks if not found[1].passed and found[1].severity != "ERROR"]

    @property
    def passed(self) -> bool:
        """Whether all modules loaded, and no run and no check failed."""
        return not self.not_loaded and not self.failed_runs and not self.failed_checks

    @property
    def headline(self) -> str:
        """One sentence about all of it."""
        if not self.outcomes:
            known = not self.not_loaded and not self.not_compared
            return f"The change affects nothing that runs{'' if known else ', as far as is known'}."
        assets = len({outcome.asset for outcome in self.outcomes})
        parts = [f"{counted(len(self.outcomes), 'run')} of {counted(assets, 'asset')}"]
        parts.append(f"{len(self.failed_runs)} failed" if self.failed_runs else "all succeeded")
        passed = len(self.checks) - len(self.failed_checks) - len(self.warnings)
        if self.checks:
            checks = f"{passed} of {counted(len(self.checks), 'check')} passed"
            failed, warned = len(self.failed_checks), len(self.warnings)
            parts.append(checks + (f", {failed} failed" if failed else "") + (f", {warned} warned" if warned else ""))
        return f"{'; '.join(parts)}."

    def document(self) -> dict[str, Any]:
        """Return the summary as a JSON document."""
        return {
            "branch": self.branch,
            "kept": self.kept,
            "passed": self.passed,
            "affected": [{"asset": asset, "reason": reason} for asset, reason in self.reasons.items()],
            "left_out": [{"asset": asset, "reason": reason} for asset, reason in self.left_out.items()],
            "not_loaded": list(self.not_loaded),
            "runs": [
                {
                    "asset": outcome.asset,
                    "partition": outcome.partition,
                    "success": outcome.success,
                    "seconds": outcome.seconds,
                    "rows": outcome.rows,
                    **outcome.counts,
                    "checks": [asdict(check) for check in outcome.checks],
                    "error": outcome.error.message if outcome.error is not None else None,
                }
                for outcome in self.outcomes
            ],
            "tables": [table.document() for table in self.tables],
            "contracts": [asdict(one) for one in self.contracts],
            "not_compared": [{"table": table, "reason": reason} for table, reason in self.not_compared.items()],
            "seconds": round(self.seconds, 3),
        }

    def markdown(self) -> str:
        """Return the summary as Markdown. It has counts and names, and no values of rows."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "### What this change does to the data"
        yield ""
        yield f"{'✅' if self.passed else '❌'} {escaped(self.headline)}"
        for error in self.not_loaded:
            yield ""
            yield f"Not loaded: {escaped(error)}"
        if self.tables:
            yield ""
            yield from markdown_table(
                ("table", "rows added", "removed", "changed", "columns and schema"),
                [found.row for found in self.tables],
            )
        for table, reason in self.not_compared.items():
            yield ""
            yield f"{escaped(table)}: not compared: {escaped(reason)}"
        if self.contracts:
            yield ""
            yield from markdown_table(
                ("contract", "effect", "difference", "readers"),
                [(one.table, one.effect, one.what, "; ".join(one.readers)) for one in self.contracts],
            )
        failed = [*self.failed_checks, *self.warnings]
        if failed:
            yield ""
            yield from markdown_table(
                ("check", "asset", "result"),
                [
                    (
                        check.name,
                        _name(outcome),
                        f"{_result(check)}{f': {text}' if (text := check.description) else ''}",
                    )
                    for outcome, check in failed
                ],
            )
        if self.outcomes:
            yield ""
            yield from markdown_table(
                ("asset", "because", "result", "rows", "seconds"), [self._run(one) for one in self.outcomes]
            )
        if self.left_out:
            yield ""
            yield from markdown_table(("did not run", "because"), list(self.left_out.items()))
        yield ""
        where = f"on the branch {self.branch}" if self.outcomes else "nothing was written"
        yield f"{self.seconds:.0f} s, {escaped(where)}. Readers of main saw nothing of it."

    def _run(self, outcome: RunOutcome) -> tuple[object, ...]:
        result = "passed" if outcome.success else f"failed: {outcome.error.message if outcome.error else ''}"
        rows = outcome.counts.get("rows_in", outcome.rows)
        reason = self.reasons.get(outcome.asset, "")
        return _name(outcome), reason, result, rows, f"{outcome.seconds:.1f}"


def _name(outcome: RunOutcome) -> str:
    return f"{outcome.asset} {outcome.partition}" if outcome.partition else outcome.asset


def _result(check: CheckOutcome) -> str:
    return "failed" if check.severity == "ERROR" else "warned"
