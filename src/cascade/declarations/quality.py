"""The declarations of checks of a table: a list of checks, or a function that checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Required, Self

from cascade.declarations import values
from cascade.declarations.arguments import argument
from cascade.declarations.checks import Check, Scope, checks
from cascade.declarations.declaration import Declaration, DeclarationArguments
from cascade.declarations.frames import Frame, frame_of
from cascade.declarations.functions import Parameter, calling_location, parameters_of
from cascade.declarations.problems import is_broken
from cascade.exceptions import SourceLocation
from cascade.table_ref import DEFAULT_NAMESPACE, TableRef


class TableCheckArguments(DeclarationArguments, total=False):
    """The arguments that both decorators take, for type checkers. `TableChecks` defines how each is checked."""

    table: Required[object]
    blocking: bool
    warn_threshold: float | None
    fail_threshold: float | None


class QualityArguments(TableCheckArguments, total=False):
    """The arguments of `@cascade_quality`, for type checkers."""

    checks: Required[Sequence[Check]]


class CheckArguments(TableCheckArguments, total=False):
    """The arguments of `@cascade_check`, for type checkers."""

    scope: Scope


UNKNOWN_TABLE = f"{DEFAULT_NAMESPACE}.(unknown)"
"""Stands for the table of a workflow whose decorator is wrong, which is reported there."""


def _table(value: object) -> str:
    if is_broken(value):
        return UNKNOWN_TABLE
    ref = getattr(getattr(value, "declaration", None), "table_ref", None)
    if isinstance(ref, TableRef):
        return ref.full_name
    if not isinstance(value, str):
        raise ValueError(f"must be a workflow or the name of a table, not {value!r}.")
    namespace, dot, name = value.rpartition(".")
    values.name(name)
    return f"{values.name(namespace) if dot else DEFAULT_NAMESPACE}.{name}"


def _share(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"must be a share of the rows, from 0 to 1, not {value!r}.")
    return float(value)


@dataclass(frozen=True, kw_only=True, eq=False)
class TableChecks(Declaration):
    """What both decorators of checks record.

    Args:
        table: full name of the table, such as `raw.flights`.
        blocking: whether a failure keeps the rows of a run from being published.
        warn_threshold: the share of failing rows above which the result is a warning.
        fail_threshold: the share of failing rows above which the check fails.
        schema: the validation schema of the table, if the decorator was given the workflow that fills it.
    """

    table: str = field(metadata=argument(_table, required=True))
    blocking: bool = field(default=True, metadata=argument(values.boolean))
    warn_threshold: float | None = field(default=None, metadata=argument(_share, may_be_none=True))
    fail_threshold: float | None = field(default=None, metadata=argument(_share, may_be_none=True))
    schema: type | None = None

    @classmethod
    def declare(cls, function: object, given: Mapping[str, object], *, otherwise: SourceLocation | None = None) -> Self:
        """Check the arguments of a decorator and record them; see `Declaration.declare`."""
        declaration = super().declare(function, given, otherwise=otherwise or calling_location(1))
        workflow = getattr(given["table"], "declaration", None)
        return replace(declaration, schema=getattr(workflow, "validation_schema", None))

    @classmethod
    def problems_between(cls, function: object, checked: Mapping[str, Any]) -> list[str]:
        """Return the problems of the function, and those of the thresholds."""
        return [*super().problems_between(function, checked), *_threshold_problems(checked)]

    @property
    def table_ref(self) -> TableRef:
        """The table, on the branch `main`."""
        return TableRef.parse(self.table)

    @property
    def asset_key(self) -> tuple[str, ...]:
        """The parts of the asset key of the table."""
        return self.table_ref.asset_key

    @property
    def name(self) -> str:
        """The name of the declaration, which is that of its function."""
        return self.function.__name__

    @property
    def check_names(self) -> tuple[str, ...]:
        """The names of its checks in Dagster, which are unique for a table."""
        return (self.name,)

    def severity_of(self, share: float) -> str | None:
        """Return what a share of failing rows means.

        Without thresholds, any failing row fails the check. With only a `warn_threshold`, no share does.

        Args:
            share: the failing rows, from 0 to 1.

        Returns:
            `"error"`, `"warn"`, or None if the share is good.
        """
        fail = self.fail_threshold
        if fail is None and self.warn_threshold is None:
            fail = 0.0
        if fail is not None and share > fail:
            return "error"
        return "warn" if self.warn_threshold is not None and share > self.warn_threshold else None

    def __str__(self) -> str:
        return f"checks {self.name} of {self.table}"


@dataclass(frozen=True, kw_only=True, eq=False)
class QualityDeclaration(TableChecks):
    """The arguments of one `@cascade_quality`; see there for the meaning of each.

    Args:
        checks: the checks.
    """

    decorator: ClassVar[str] = "cascade_quality"

    checks: tuple[Check, ...] = field(metadata=argument(checks, required=True))

    @classmethod
    def problems_between(cls, function: object, checked: Mapping[str, Any]) -> list[str]:
        """Return the problems of the function, which takes nothing, and those of the thresholds."""
        taken = [name for name, parameter in parameters_of(function).items() if parameter.required]
        if not taken:
            return super().problems_between(function, checked)
        return [
            f"the function takes {', '.join(taken)}, but is not called: only its name and its docstring count. To "
            "write a check as a function, use @cascade_check.",
            *_threshold_problems(checked),
        ]

    @classmethod
    def passed(cls, checked: Mapping[str, Any]) -> tuple[str, ...]:
        """Return nothing: the function is not called."""
        return ()

    @property
    def check_names(self) -> tuple[str, ...]:
        """The names of its checks in Dagster, which are unique for a table."""
        return tuple(check_key(self.name, check.label) for check in self.checks)


@dataclass(frozen=True, kw_only=True, eq=False)
class CheckDeclaration(TableChecks):
    """The arguments of one `@cascade_check`; see there for the meaning of each.

    Args:
        scope: what the function gets: the rows that the run landed, or the whole table.
    """

    decorator: ClassVar[str] = "cascade_check"

    scope: Scope = field(default="partition", metadata=argument(values.one_of("partition", "table")))

    @classmethod
    def problems_between(cls, function: object, checked: Mapping[str, Any]) -> list[str]:
        """Return the problems of the function and of its one parameter, and those of the thresholds."""
        if not callable(function) or isinstance(function, type):
            return super().problems_between(function, checked)
        parameters = parameters_of(function)
        needed = [name for name, parameter in parameters.items() if parameter.required] or list(parameters)[:1]
        if len(needed) != 1:
            return [f"the function must take one argument, the rows, not {', '.join(needed) or 'none'}."]
        problems = super().problems_between(function, {**checked, "rows": needed[0]})
        if frame_of(parameters[needed[0]].annotation) is None:
            problems.append(
                f"the parameter {needed[0]} must be annotated with what it takes: pyarrow.Table, polars.DataFrame or "
                "duckdb.DuckDBPyRelation."
            )
        return problems

    @classmethod
    def passed(cls, checked: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the name of the function's one parameter, which the check of the function knows."""
        return (checked["rows"],) if "rows" in checked else ()

    @property
    def takes(self) -> Frame:
        """What the function takes."""
        parameters = parameters_of(self.function)
        name = next((name for name, parameter in parameters.items() if parameter.required), next(iter(parameters)))
        frame = frame_of(parameters[name].annotation)
        assert frame is not None, "the decorator checks the annotation"
        return frame

    def _other_parameters(self) -> dict[str, Parameter]:
        """Return nothing: the function takes the rows, and no resource."""
        return {}


def check_key(name: str, check: str) -> str:
    """Return the name of a check in Dagster.

    Args:
        name: name of the declaration.
        check: name of the check in it; empty for a function.
    """
    return f"{name}__{check}" if check else name


def _threshold_problems(checked: Mapping[str, Any]) -> list[str]:
    warn, fail = checked.get("warn_threshold"), checked.get("fail_threshold")
    if warn is None or fail is None or warn < fail:
        return []
    return [f"warn_threshold: {warn:g} is not less than the fail_threshold, {fail:g}, so nothing would only warn."]
