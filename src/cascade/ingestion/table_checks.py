"""Judge the table of a workflow by the checks that are declared for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

from cascade.declarations import QualityDeclaration
from cascade.declarations.quality import check_key
from cascade.exceptions import ChecksFailedError
from cascade.iceberg.digest import digest_of
from cascade.iceberg.large import Spool
from cascade.program import typed
from cascade.quality import CheckResult
from cascade.quality.counts import RowCountChange
from cascade.quality.drift import Drift
from cascade.quality.judging import judge
from cascade.quality.kinds import SummaryCheck
from cascade.quality.reconcile import Reconcile
from cascade.quality.subject import Subject
from cascade.table_ref import CI_PREFIX, MAIN_BRANCH
from cascade.terminal.words import counted

if TYPE_CHECKING:
    import pyarrow as pa

    from cascade.declarations import IngestionDeclaration, TableChecks
    from cascade.iceberg import Lakehouse
    from cascade.partitions import PartitionWindow
    from cascade.runs.candidate import Candidate

_SHOWN_FAILURES = 5
_OF_WHOLE_PARTITIONS = (SummaryCheck, RowCountChange, Drift, Reconcile)


class DeclaredJudge:
    """Judges a table by declared checks. A check that blocks runs before readers see the rows.

    Args:
        declaration: the workflow.
        checks: the declarations of the checks of its table.
        lakehouse: the lakehouse.
        window: the partition of the run; None for a workflow without partitions.
        replays: whether the run adds rows of the quarantine to those of the partition. Checks that count or compare all
            rows of a partition then pass without being judged.
    """

    def __init__(
        self,
        declaration: IngestionDeclaration,
        checks: Sequence[TableChecks],
        lakehouse: Lakehouse,
        window: PartitionWindow | None,
        *,
        replays: bool = False,
    ) -> None:
        self._unjudged = frozenset(_of_whole_partitions(checks)) if replays else frozenset[str]()
        self._declaration = declaration
        self._checks = checks
        self._lakehouse = lakehouse
        self._window = window
        self.results: tuple[CheckResult, ...] = ()
        """What the checks found last."""
        self._digest: str | None = None

    @property
    def blocks(self) -> bool:
        """Whether any of the checks can keep rows from being published."""
        return any(each.blocking for each in self._checks)

    def judge(self, candidate: Candidate) -> None:
        """Judge the table with the rows of a run.

        If it is called again because another writer came first, the checks of the run's rows hold as long as these rows
        are the same. Those of the whole table run again.

        Args:
            candidate: the table.

        Raises:
            ChecksFailedError: a blocking check failed.
        """
        digest = _digest(candidate.rows())
        known = {found.key: found for found in self.results if found.scope == "partition" and digest == self._digest}
        with _in_bounded_memory(candidate.rows()) as rows:
            subject = Subject(
                self._lakehouse,
                self._declaration.table_ref.on(candidate.branch or MAIN_BRANCH),
                rows=rows,
                window=self._window,
                schema=self._declaration.validation_schema,
                changes=candidate.changes,
                table=candidate.table,
            )
            found = judge(self._checks, subject, known=known)
        self.results = tuple(_not_judged(each) if each.key in self._unjudged else each for each in found)
        self._digest = digest
        failed = [result for result in self.results if result.blocks]
        if failed:
            raise self._error(failed, candidate)

    def _error(self, failed: Sequence[CheckResult], candidate: Candidate) -> ChecksFailedError:
        table = self._declaration.table_ref.full_name
        partition = f" {self._window.key}" if self._window is not None else ""
        lines = [f"  {result.key}: {result.message}" for result in failed[:_SHOWN_FAILURES]]
        if len(failed) > _SHOWN_FAILURES:
            lines.append(f"  and {len(failed) - _SHOWN_FAILURES} more.")
        consequence = "so its rows were not published" if candidate.changes else "on rows that were published before"
        message = f"{table}{partition}: {counted(len(failed), 'blocking check')} failed, {consequence}."
        hint = None
        if self._lakehouse.branch.startswith(CI_PREFIX):
            pass  # The branches are dropped at once.
        elif candidate.branch is not None:
            ways = (("Look at them", "diff"), ("Publish them all the same", "publish"), ("Give them up", "drop"))
            commands = [f"  {way}: {typed(f'branch {what} {table} {candidate.branch}')}" for way, what in ways]
            hint = "\n".join([f"The rows are on the branch {candidate.branch}.", *commands])
        elif not candidate.changes:
            hint = (
                f"Readers see these rows. Correct the source or the check, and run this again, or go back to an "
                f"earlier state: {typed(f'table history {table}')}"
            )
        return ChecksFailedError("\n".join([message, *lines]), results=self.results, branch=candidate.branch, hint=hint)


def _of_whole_partitions(checks: Iterable[TableChecks]) -> Iterator[str]:
    """Yield the keys of the checks that judge the rows of a partition together."""
    for declaration in checks:
        for check in declaration.checks if isinstance(declaration, QualityDeclaration) else ():
            if check.judges == "partition" and isinstance(check, _OF_WHOLE_PARTITIONS):
                yield check_key(declaration.name, check.label)


def _not_judged(result: CheckResult) -> CheckResult:
    message = "Not judged: a replay adds rows to a partition, and this check judges all of its rows together."
    return replace(result, passed=True, message=message, failing=None, share=None, numbers={})


def _digest(parts: Iterable[pa.Table]) -> str:
    return " ".join(digest_of(part) for part in parts)


@contextmanager
def _in_bounded_memory(parts: Iterator[pa.Table]) -> Iterator[pa.Table | tuple[()]]:
    """Yield rows as one table, which is mapped from disk if they come in several parts: then they are many."""
    first, second = next(parts, None), next(parts, None)
    if first is None or second is None:
        yield () if first is None else first
        return
    with closing(Spool(first.schema)) as spool:
        for part in chain([first, second], parts):
            spool.write(part)
        yield spool.read()
