"""From the arguments of a decorator to a declaration, or to one error with every problem."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from typing import Any

from cascade.declarations import values
from cascade.declarations.arguments import IngestionArguments, wrong_names
from cascade.declarations.functions import location_of, parameters_of
from cascade.declarations.ingestion import (
    PASSED_ARGUMENTS,
    QUARANTINE_SUFFIX,
    IngestionDeclaration,
    PartitionField,
)
from cascade.declarations.schema_fields import is_schema, key_problems, layout_problems
from cascade.exceptions import DeclarationError

_CHECKS: Mapping[str, Callable[[object], object]] = {
    "table_name": values.name,
    "unique_key": values.names,
    "group": values.name,
    "namespace": values.name,
    "cron": values.cron,
    "freshness_hours": values.freshness,
    "partitions": values.one_of("hourly", "daily", "weekly", "monthly"),
    "partition_start": values.moment,
    "partition_end": values.moment,
    "partition_timezone": values.timezone,
    "partition_spec": values.partition_spec,
    "deps": values.dependencies,
    "owners": values.owners,
    "tags": values.tags,
    "description": values.text,
    "max_runtime_seconds": values.number(least=1, integer=True),
    "max_retries": values.number(least=0, integer=True),
    "retry_delay_seconds": values.number(least=0),
    "validate": values.boolean,
    "on_invalid": values.one_of("quarantine", "fail"),
}
_MAY_BE_NONE = frozenset(
    {
        *(
            "cron",
            "freshness_hours",
            "partitions",
            "partition_start",
            "partition_end",
            "description",
        ),
        "max_runtime_seconds",
    }
)


def declare_ingestion(
    function: Callable[..., object],
    arguments: IngestionArguments | Mapping[str, object],
) -> IngestionDeclaration:
    """Check the arguments of one `@cascade_ingestion` and record them.

    Args:
        function: the decorated function.
        arguments: the arguments as they were given.

    Returns:
        the declaration.

    Raises:
        DeclarationError: with every problem of the decorator at once.
    """
    given = dict(arguments)
    problems = wrong_names(given)
    checked: dict[str, Any] = {}
    for argument, value in given.items():
        try:
            if argument in _CHECKS and not (value is None and argument in _MAY_BE_NONE):
                value = _CHECKS[argument](value)
            checked[argument] = value
        except ValueError as error:
            problems.append(f"{argument}: {error}")
    problems += _problems_between(function, checked)
    location = location_of(function)
    if problems:
        raise DeclarationError("cascade_ingestion", tuple(problems), location=location)
    checked["partition_spec"] = tuple(PartitionField(*field) for field in checked.get("partition_spec", ()))
    checked["tags"] = checked.get("tags", {})
    checked["description"] = checked.get("description") or inspect.getdoc(function)
    return IngestionDeclaration(function=function, location=location, **checked)


def _problems_between(function: object, checked: Mapping[str, Any]) -> list[str]:
    """The problems that show only when several arguments, or the function, are looked at together."""
    return [
        *_function_problems(function, partitioned=checked.get("partitions", "daily") is not None),
        *_schema_problems(checked),
        *_partition_problems(checked),
        *_reserved_problems(checked),
    ]


def _function_problems(function: object, *, partitioned: bool) -> list[str]:
    if not callable(function) or isinstance(function, type):
        return [f"decorate a function, not {function!r}."]
    unwrapped = inspect.unwrap(function)
    if inspect.iscoroutinefunction(unwrapped) or inspect.isasyncgenfunction(unwrapped):
        return ["the function is `async`; write a plain one."]
    allowed = PASSED_ARGUMENTS if partitioned else ()
    wrong = [name for name, needed in parameters_of(function).items() if needed and name not in allowed]
    if not wrong:
        return []
    takes = "partition_date and window are passed" if partitioned else "with partitions=None nothing is passed"
    return [f"the function needs {', '.join(wrong)}, but {takes}."]


def _schema_problems(checked: Mapping[str, Any]) -> list[str]:
    if "validation_schema" not in checked:
        return []
    schema = checked["validation_schema"]
    if not is_schema(schema):
        return [f"validation_schema: give a pydantic model or a pandera DataFrameModel (the class), not {schema!r}."]
    columns = [column for column, _ in checked.get("partition_spec", ())]
    return [
        *(f"unique_key: {problem}" for problem in key_problems(schema, checked.get("unique_key", ()))),
        *(f"partition_spec: {problem}" for problem in layout_problems(schema, columns)),
    ]


def _partition_problems(checked: Mapping[str, Any]) -> list[str]:
    start, end = checked.get("partition_start"), checked.get("partition_end")
    if checked.get("partitions", "daily") is None:
        given = [name for name in ("partition_start", "partition_end") if checked.get(name) is not None]
        return [f"{name}: has no meaning with partitions=None." for name in given]
    if start is None or end is None or _wall_clock(start) < _wall_clock(end):
        return []
    return [f"partition_end: {end} is not after partition_start, {start}."]


def _reserved_problems(checked: Mapping[str, Any]) -> list[str]:
    if checked.get("table_name", "").endswith(QUARANTINE_SUFFIX):
        return [f"table_name: names that end in {QUARANTINE_SUFFIX} are kept for refused rows."]
    return []


def _wall_clock(moment: date | datetime) -> datetime:
    return moment.replace(tzinfo=None) if isinstance(moment, datetime) else datetime.combine(moment, time())
