"""Judge the rows of a run, or a whole table, by the checks of a project.

Everything that can be counted in one pass over the rows is: a single SELECT counts the failing rows of all checks of
values, and measures what other checks need. Samples are read for failing checks only.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from cascade.config.secrets import mask_error
from cascade.declarations import Check, CheckDeclaration, QualityDeclaration, Scope, TableChecks
from cascade.declarations.quality import check_key
from cascade.exceptions import CascadeError, UsageError
from cascade.iceberg.commit_outcomes import Outcome, outcome_of
from cascade.quality.functions import judge_function
from cascade.quality.judged import Judged, opened
from cascade.quality.kinds import QueryCheck, RowCheck, SummaryCheck, counted_rows
from cascade.quality.result import CheckResult
from cascade.quality.subject import Subject

# DuckDB's errors about a statement that has read no row. The text of any other one may quote a value.
_OF_THE_STATEMENT = frozenset({"BinderException", "CatalogException", "ParserException"})


@dataclass(eq=False)
class _Item:
    """A check of a declaration, and its result once it is known."""

    declaration: TableChecks
    check: Check | None
    result: CheckResult | None = None
    seconds: float = 0.0

    @property
    def key(self) -> str:
        return check_key(self.declaration.name, "" if self.check is None else self.check.label)

    @property
    def reads_other_rows(self) -> bool:
        return self.scope == "table" or isinstance(self.check, QueryCheck)

    @property
    def scope(self) -> Scope:
        if self.check is not None:
            return self.check.judges
        assert isinstance(self.declaration, CheckDeclaration)
        return self.declaration.scope


def judge(
    declarations: Iterable[TableChecks], subject: Subject, *, known: Mapping[str, CheckResult] = MappingProxyType({})
) -> tuple[CheckResult, ...]:
    """Judge a table by declared checks.

    A check that cannot run, because a column is missing, its SQL is wrong or its function raises, has failed: its
    message says why.

    Args:
        declarations: the declarations of checks of this table.
        subject: the table and the rows of the run.
        known: results on the same rows of the run, by their `key`. Their checks do not run, unless they also read other
            rows, such as those of another table.

    Returns:
        One result for each check, in the order of the declarations.

    Raises:
        UsageError: the table or its branch does not exist.
        OSError: the storage does not answer.
    """
    declarations = tuple(declarations)
    if subject.schema is None:
        subject = replace(subject, schema=next((each.schema for each in declarations if each.schema), None))
    items = [item for declaration in declarations for item in _items(declaration)]
    open_items = [item for item in items if item.key not in known or item.reads_other_rows]
    with opened(subject) as scopes:
        for scope in dict.fromkeys(item.scope for item in open_items):
            # The rows of a run that are not known are those of the whole table.
            _judge_scope([item for item in open_items if item.scope == scope], scopes[scope])
        return tuple(_finished(item, scopes[item.scope]) if item in open_items else known[item.key] for item in items)


def _items(declaration: TableChecks) -> list[_Item]:
    if isinstance(declaration, QualityDeclaration):
        return [_Item(declaration, check) for check in declaration.checks]
    return [_Item(declaration, None)]


def _judge_scope(items: Sequence[_Item], judged: Judged) -> None:
    for item in items:
        missing = judged.missing(item.check.read) if item.check is not None else []
        if missing:
            item.result = CheckResult(passed=False, message=" ".join(missing))
    open_items = [item for item in items if item.result is None]
    rows = _in_one_pass([item for item in open_items if isinstance(item.check, (RowCheck, SummaryCheck))], judged)
    for item in open_items:
        if item.result is None:
            _timed(item, judged, lambda item=item: _asked(item, judged, rows))  # type: ignore[misc]
        item.result = replace(_found(item), rows=rows if _found(item).rows is None else _found(item).rows)


def _asked(item: _Item, judged: Judged, rows: int) -> CheckResult:
    if isinstance(item.check, QueryCheck):
        return item.check.judge(judged, rows)
    assert isinstance(item.declaration, CheckDeclaration)
    return judge_function(item.declaration, judged, rows)


def _in_one_pass(items: Sequence[_Item], judged: Judged) -> int:
    """Judge all checks of values and aggregates, and return the number of rows."""
    import duckdb

    started = time.perf_counter()
    measured = {id(item): _measured(item, judged) for item in items}
    columns = ["count(*)", *(column for item in items for column in measured[id(item)])]
    try:
        rows, *values = judged.one(_select(columns, judged))
    except duckdb.Error:
        # One of them is wrong, such as a pattern of numbers: each runs alone, and only that one fails.
        (rows,) = judged.one(_select(["count(*)"], judged))
        for item in items:
            _timed(item, judged, lambda item=item: _alone(item, measured[id(item)], rows, judged))  # type: ignore[misc]
        return int(rows)
    seconds = (time.perf_counter() - started) / max(1, len(items))
    for item in items:
        count = len(measured[id(item)])
        mine, values = values[:count], values[count:]
        _timed(item, judged, lambda item=item, mine=mine: _concluded(item, mine, rows, judged))  # type: ignore[misc]
        item.seconds += seconds
    return int(rows)


def _select(columns: Iterable[str], judged: Judged) -> str:
    numbered = ", ".join(f'{column} AS "{number}"' for number, column in enumerate(columns))
    return f"SELECT {numbered} FROM {judged.source}"


def _measured(item: _Item, judged: Judged) -> list[str]:
    if isinstance(item.check, RowCheck):
        return [f"count(*) FILTER (WHERE {item.check.failing(judged.types)})"]
    assert isinstance(item.check, SummaryCheck)
    return list(item.check.aggregates(judged.types))


def _alone(item: _Item, columns: Sequence[str], rows: int, judged: Judged) -> CheckResult:
    return _concluded(item, judged.one(_select(columns, judged)) if columns else (), rows, judged)


def _concluded(item: _Item, values: Sequence[Any], rows: int, judged: Judged) -> CheckResult:
    if isinstance(item.check, RowCheck):
        condition = item.check.failing(judged.types)
        sql = f"SELECT * FROM {judged.source} WHERE {condition}"
        return counted_rows(values[0], rows, item.check.fault(), sql=sql, sample=judged.sample(sql, values[0]))
    assert isinstance(item.check, SummaryCheck)
    result = item.check.outcome(values, rows, judged)
    return replace(result, sql=_select(["count(*)", *item.check.aggregates(judged.types)], judged))


def _timed(item: _Item, judged: Judged, judge_item: Callable[[], CheckResult]) -> None:
    started = time.perf_counter()
    try:
        item.result = judge_item()
    except Exception as error:
        if isinstance(error, OSError) or outcome_of(error) is Outcome.UNKNOWN:
            # A storage or a catalog that does not answer says nothing about the rows, and the run may be tried again.
            raise
        item.result = CheckResult(passed=False, message=f"The check could not run. {_reason(error, judged)}")
    item.seconds += time.perf_counter() - started


def _reason(error: Exception, judged: Judged) -> str:
    before_reading = isinstance(error, UsageError) or type(error).__name__ in _OF_THE_STATEMENT
    if judged.subject.sensitive and not before_reading:
        return f"It raised {type(error).__name__}."
    masked = mask_error(error)
    if isinstance(masked, CascadeError):
        return masked.message
    return f"{type(error).__name__}: {masked}"


def _found(item: _Item) -> CheckResult:
    assert item.result is not None, "every check has a result"
    return item.result


def _finished(item: _Item, judged: Judged) -> CheckResult:
    result, declaration = _found(item), item.declaration
    if result.share is not None:
        severity = declaration.severity_of(result.share)
        result = replace(result, passed=severity is None, severity="warn" if severity == "warn" else "error")
        if severity is None and result.failing:
            result = replace(result, message=f"{result.message} That is within the threshold.")
    return replace(
        result,
        name=declaration.name,
        check="" if item.check is None else item.check.label,
        table=declaration.table,
        scope=judged.scope,
        blocking=declaration.blocking,
        seconds=item.seconds,
    )
