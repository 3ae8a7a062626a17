"""The partitions that all workflows of an older project had, from its file `defs/partitions.py`."""

from __future__ import annotations

import ast
from dataclasses import dataclass

_DAILY = "DailyPartitionsDefinition"
_UTC = frozenset({None, "UTC", "Etc/UTC", "Z", "GMT"})


@dataclass(frozen=True)
class OldPartitions:
    """What days the workflows had.

    Args:
        start: the first one, such as `2025-01-01`; None if the file does not say it as a string.
        timezone: the time zone; None for UTC.
    """

    start: str | None = None
    timezone: str | None = None

    @property
    def arguments(self) -> dict[str, str]:
        """The arguments of the decorator that say the same.

        The setting `partition_start` would say it once, but `cascade validate` reads no settings, and would find that a
        job of the project has other partitions than its workflows.
        """
        given = {"partition_start": self.start, "partition_timezone": self.timezone}
        return {name: value for name, value in given.items() if value is not None}


def read_partitions(source: bytes) -> OldPartitions | None:
    """Read the partitions from the only call of `DailyPartitionsDefinition` in a module, without running it.

    Args:
        source: the source of the module.

    Returns:
        None if there is no such call, or several, or arguments that only running the module would tell.
    """
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError):
        return None
    calls = [node for node in ast.walk(module) if isinstance(node, ast.Call) and _name(node.func) == _DAILY]
    if len(calls) != 1:
        return None
    given = {keyword.arg: keyword.value for keyword in calls[0].keywords}
    given.update(zip(("start_date",), calls[0].args, strict=False))
    values = {name: value.value for name, value in given.items() if isinstance(value, ast.Constant)}
    if set(values) != set(given) or not set(values) <= {"start_date", "timezone"}:
        return None
    start, timezone = values.get("start_date"), values.get("timezone")
    return OldPartitions(
        start=str(start) if start is not None else None,
        timezone=None if timezone in _UTC else str(timezone),
    )


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
