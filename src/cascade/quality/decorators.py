"""The decorators that declare checks of a table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Never, ParamSpec, TypeVar, Unpack, cast

from cascade.declarations import (
    CheckArguments,
    CheckDeclaration,
    DecoratedFunction,
    QualityArguments,
    QualityDeclaration,
    decorator_of,
)

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


class QualityChecks(DecoratedFunction[QualityDeclaration, P, R]):
    """A list of checks of a table, with the function that names and describes them.

    Args:
        declaration: what the decorator recorded.
    """


class TableCheck(DecoratedFunction[CheckDeclaration, P, R]):
    """A function that checks a table. Calling it calls the function.

    Args:
        declaration: what the decorator recorded.
    """


def cascade_quality(
    *misplaced: Never, **arguments: Unpack[QualityArguments]
) -> Callable[[Callable[P, R]], QualityChecks[P, R]]:
    """Declare checks of a table.

    The function is not called: its name is that of the checks, and its docstring describes them. In Dagster, each check
    is an asset check of the table's asset, called `<function>__<check>`.

    Args:
        table: the table, as a workflow or by name: `"flights"`, or `"mart.flights"` with its namespace.
        checks: checks of `cascade.quality`, such as `[NotNull("id"), Range("celsius", -90, 60)]`.
        blocking: True (default) lets a failure stop what comes after it; False only reports it.
        warn_threshold: the share of failing rows, from 0 to 1, above which the result is a warning. With only this
            threshold, a check that counts rows never fails. Defaults to none.
        fail_threshold: the share of failing rows above which the check fails. Defaults to 0: any row. Checks that do
            not count rows, such as `RowCount` and `Freshness`, have no thresholds.
        group: Dagster's asset group. Defaults to the domain, which is the name of the function's directory.
        deps: workflows, Dagster assets or asset keys that the checks read too, such as another table.
        owners: e-mail addresses or `team:<name>`.
        tags: Dagster's tags.
        description: shown in the UI. Defaults to the function's docstring.

    Returns:
        A decorator that returns a `QualityChecks`.

    Raises:
        DeclarationError: arguments are wrong. The message lists all of them, with file and line.
    """
    decorator: Any = decorator_of(QualityDeclaration, QualityChecks[..., object], misplaced, arguments)
    return cast("Callable[[Callable[P, R]], QualityChecks[P, R]]", decorator)


def cascade_check(
    *misplaced: Never, **arguments: Unpack[CheckArguments]
) -> Callable[[Callable[P, R]], TableCheck[P, R]]:
    """Declare that a function checks a table.

    The function takes one argument, the rows, as its annotation says: `pyarrow.Table`, `polars.DataFrame` or
    `duckdb.DuckDBPyRelation`. It returns one of these:

    - True if the rows are good, and False if not.
    - an int: the number of failing rows; or a float from 0 to 1: their share.
    - the failing rows, as an Arrow table, a Polars or pandas frame, or a DuckDB relation.
    - a `CheckResult`, to set the message and the numbers itself.

    A function that raises has failed.

    Args:
        table: the table, as a workflow or by name: `"flights"`, or `"mart.flights"` with its namespace.
        scope: `"partition"` (default) for the rows that the run landed, `"table"` for the whole table. Where the rows
            of a run are not known, the function gets the whole table.
        blocking: True (default) lets a failure stop what comes after it; False only reports it.
        warn_threshold: the share of failing rows, from 0 to 1, above which the result is a warning. With only this
            threshold, a share never fails. Defaults to none.
        fail_threshold: the share of failing rows above which the check fails. Defaults to 0: any row.
        group: Dagster's asset group. Defaults to the domain, which is the name of the function's directory.
        deps: workflows, Dagster assets or asset keys that the check reads too.
        owners: e-mail addresses or `team:<name>`.
        tags: Dagster's tags.
        description: shown in the UI. Defaults to the function's docstring.

    Returns:
        A decorator that returns a `TableCheck`.

    Raises:
        DeclarationError: arguments are wrong. The message lists all of them, with file and line.
    """
    decorator: Any = decorator_of(CheckDeclaration, TableCheck[..., object], misplaced, arguments)
    return cast("Callable[[Callable[P, R]], TableCheck[P, R]]", decorator)
