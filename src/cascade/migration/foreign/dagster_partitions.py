"""The partitions of a Dagster asset, as the arguments of a workflow."""

from __future__ import annotations

import ast
import datetime as dt
from dataclasses import dataclass

from cascade.migration.foreign.local_code import LocalCode
from cascade.migration.foreign.source_code import SourceCode, arguments_of

_KINDS = {
    "dagster.DailyPartitionsDefinition": "daily",
    "dagster.HourlyPartitionsDefinition": "hourly",
    "dagster.WeeklyPartitionsDefinition": "weekly",
    "dagster.MonthlyPartitionsDefinition": "monthly",
}
_SUNDAY = 6


@dataclass(frozen=True)
class Partitions:
    """The partitions of a workflow.

    Args:
        kind: their length, such as `daily`.
        start: the start of the first one, in ISO format.
        end: the end of the last one, or None.
        timezone: their time zone, or None for UTC.
    """

    kind: str
    start: str
    end: str | None = None
    timezone: str | None = None


def partitions_of(node: ast.expr, source: SourceCode, code: LocalCode) -> Partitions | str:
    """Return the partitions of an expression, or why a workflow cannot have them.

    Args:
        node: the argument `partitions_def`.
        source: the file.
        code: the files of the project.
    """
    if isinstance(node, ast.Name):
        found = code.defining(source, node.id)
        if found is not None and found[1] in found[0].assigned:
            source, node = found[0], found[0].assigned[found[1]]
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        imported = source.imports.get(node.value.id)
        path = imported and code.module_file(imported.full_name, source.path)
        if path and node.attr in code.source(path).assigned:
            source = code.source(path)
            node = source.assigned[node.attr]
    kind = _KINDS.get(source.full_name(node.func)) if isinstance(node, ast.Call) else None
    if kind is None or not isinstance(node, ast.Call):
        return "has partitions other than hours, days, weeks and months"
    given = arguments_of(node, "start_date")
    other = sorted(
        name
        for name, value in given.items()
        if name not in ("start_date", "end_date", "timezone") and source.constant(value) not in (0, None)
    )
    if other:
        return f"has partitions with the argument {', '.join(other)}"
    start, end = _moment(given.get("start_date"), source), _moment(given.get("end_date"), source)
    if start is None or (given.get("end_date") is not None and end is None):
        return "has partitions whose start or end is not constant"
    timezone = source.constant(given["timezone"]) if "timezone" in given else None
    if timezone is not None and not isinstance(timezone, str):
        return "has partitions whose time zone is not constant"
    return Partitions(
        kind, _text(_boundary(start, kind), kind), _text(_boundary(end, kind), kind) if end else None, timezone
    )


def _moment(node: ast.expr | None, source: SourceCode) -> dt.datetime | None:
    if isinstance(node, ast.Name) and node.id in source.assigned:
        node = source.assigned[node.id]
    if isinstance(node, ast.Call):
        numbers = [source.constant(each) for each in node.args]
        name = source.full_name(node.func).rpartition(".")[2]
        if name in ("datetime", "date") and all(isinstance(each, int) for each in numbers):
            try:
                return dt.datetime(*numbers)
            except (TypeError, ValueError):
                return None
        return None
    value = source.constant(node) if node is not None else None
    if not isinstance(value, str):
        return None
    for form in ("%Y-%m-%d", "%Y-%m-%d-%H:%M"):
        try:
            return dt.datetime.strptime(value, form)
        except ValueError:
            continue
    try:
        return dt.datetime.fromisoformat(value)
    except ValueError:
        return None


def _boundary(moment: dt.datetime, kind: str) -> dt.datetime:
    """Return the next start of a partition, which is where Dagster begins with the first one."""
    unit = dt.timedelta(hours=1) if kind == "hourly" else dt.timedelta(days=1)
    floor = moment.replace(minute=0, second=0, microsecond=0)
    floor = floor if kind == "hourly" else floor.replace(hour=0)
    moment = floor if floor == moment else floor + unit
    if kind == "weekly":
        return moment + dt.timedelta(days=(_SUNDAY - moment.weekday()) % 7)
    if kind == "monthly" and moment.day != 1:
        return (moment.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
    return moment


def _text(moment: dt.datetime, kind: str) -> str:
    return moment.isoformat(timespec="minutes") if kind == "hourly" else moment.date().isoformat()
