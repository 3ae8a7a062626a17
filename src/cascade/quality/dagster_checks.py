"""Declared checks as Dagster's asset checks, and their results with readable metadata."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from cascade.declarations import Check, QualityDeclaration, TableChecks
from cascade.declarations.asset_keys import dependencies
from cascade.quality.judging import judge
from cascade.quality.result import CheckResult
from cascade.quality.subject import Subject
from cascade.runs.report import table_metadata
from cascade.table_ref import TableRef

LAKEHOUSE = "lakehouse"
"""The key of the resource that provides a `Lakehouse`."""

_SQL = "sql"
_SQL_START, _SQL_END = "```sql\n", "\n```"


def check_specs_of(declarations: Iterable[TableChecks]) -> list[dg.AssetCheckSpec]:
    """Return Dagster's description of each check of some declarations, on the asset of its table.

    Args:
        declarations: the declarations.

    Returns:
        One spec for each result of `judge`, in the same order. `CheckResult.key` is its name.
    """
    return [
        dg.AssetCheckSpec(
            name,
            asset=dg.AssetKey(list(declaration.asset_key)),
            description=_description(declaration, check),
            blocking=declaration.blocking,
            additional_deps=list(dependencies(declaration.deps)),
            metadata=_metadata(declaration),
        )
        for declaration in declarations
        for name, check in zip(declaration.check_names, _checks(declaration), strict=True)
    ]


def asset_check_result(result: CheckResult, *, branch: str | None = None) -> dg.AssetCheckResult:
    """Return the result of a check as Dagster shows it, with its numbers, its SQL and failing rows.

    Args:
        result: a result of `judge`.
        branch: the branch that has the rows, if they were not published.
    """
    metadata: dict[str, Any] = {
        "judged": "the rows of the run" if result.scope == "partition" else "the whole table",
        "rows": result.rows,
        "failing": result.failing,
        "branch": branch,
        "share": result.share,
        **{_metadata_key(name): value for name, value in result.numbers.items()},
        _SQL: dg.MetadataValue.md(f"{_SQL_START}{result.sql}{_SQL_END}") if result.sql else None,
        "sample": table_metadata(result.sample) if result.sample.rows else None,
        "seconds": round(result.seconds, 3),
    }
    return dg.AssetCheckResult(
        asset_key=dg.AssetKey(list(TableRef.parse(result.table).asset_key)),
        check_name=result.key,
        passed=result.passed,
        severity=dg.AssetCheckSeverity.WARN if result.severity == "warn" else dg.AssetCheckSeverity.ERROR,
        description=result.message,
        metadata={f"cascade/{name}": value for name, value in metadata.items() if value is not None},
    )


def sql_of(metadata: Mapping[str, Any]) -> str | None:
    """Return the SQL that selects the failing rows of a check, or that measures.

    Args:
        metadata: the metadata of the check's result in Dagster.
    """
    found = metadata.get(f"cascade/{_SQL}")
    return found.value.removeprefix(_SQL_START).removesuffix(_SQL_END) if found is not None else None


def plain_checks(declarations: Sequence[TableChecks], schema: type | None = None) -> list[dg.AssetChecksDefinition]:
    """Return asset checks that Dagster runs by themselves, after a table has changed. They judge the whole table.

    All checks of a table run in one step, so that they share a pass over its rows.

    Args:
        declarations: the declarations.
        schema: the validation schema of their table, which knows the sensitive columns; None if it is not known.
    """
    by_table: defaultdict[str, list[TableChecks]] = defaultdict(list)
    for declaration in declarations:
        by_table[declaration.table].append(declaration)
    return [_plain_check(mine, schema) for mine in by_table.values()]


def _plain_check(declarations: Sequence[TableChecks], schema: type | None) -> dg.AssetChecksDefinition:
    ref = declarations[0].table_ref

    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        selected = {key.name for key in context.selected_asset_check_keys}
        wanted = [each for each in declarations if not selected.isdisjoint(each.check_names)]
        for result in judge(wanted, Subject(getattr(context.resources, LAKEHOUSE), ref, schema=schema)):
            if result.key in selected:
                yield asset_check_result(result)

    # Dagster checks the annotation of `context`, which is a string in a module with postponed annotations.
    check.__annotations__.clear()
    decorate = dg.multi_asset_check(
        name=f"checks_of_{'__'.join(ref.identifier)}",
        specs=check_specs_of(declarations),
        can_subset=True,
        required_resource_keys={LAKEHOUSE},
        description=f"The declared checks of {ref.full_name}.",
    )
    return decorate(check)


def _checks(declaration: TableChecks) -> Sequence[Check | None]:
    return declaration.checks if isinstance(declaration, QualityDeclaration) else (None,)


def _metadata(declaration: TableChecks) -> dict[str, Any]:
    # Dagster's checks have no group, owners and tags of their own.
    found: dict[str, Any] = {"cascade/group": declaration.group, **declaration.tags}
    return {**found, "cascade/owners": ", ".join(declaration.owners)} if declaration.owners else found


def _description(declaration: TableChecks, check: Check | None) -> str | None:
    if check is None:
        return declaration.description
    values = {name: value for name, value in vars(check).items() if value is not None}
    given = ", ".join(f"{name}={getattr(value, '__name__', repr(value))}" for name, value in values.items())
    what = f"`{type(check).__name__}({given})`"
    return f"{declaration.description}\n\n{what}" if declaration.description else what


def _metadata_key(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", name)
