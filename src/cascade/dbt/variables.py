"""The variables that models read to learn which partition a run is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import TYPE_CHECKING, Any

from cascade.exceptions import PartitionError
from cascade.partitions import PartitionWindow, default_partition_start, window_for

if TYPE_CHECKING:
    import dagster as dg

    from cascade.declarations import IngestionDeclaration

TAKES_PARTITION = "cascade/takes_partition"
"""The tag of the op of the dbt project, if a model of it reads one of the variables."""

_NAMES = ("partition_key", "partition_date", "partition_start", "partition_end")


def uses_partition_variables(manifest: Mapping[str, Any]) -> bool:
    """Return whether any code of a dbt project names one of the variables. Passing them makes dbt parse everything.

    Args:
        manifest: dbt's manifest.
    """
    code = [node.get("raw_code") or "" for node in manifest["nodes"].values()]
    code += [macro.get("macro_sql") or "" for macro in manifest["macros"].values()]
    # dbt's own macros have an argument of such a name. A variable is named in quotes.
    return any(f"{quote}{name}{quote}" in text for text in code for name in _NAMES for quote in "'\"")


def partition_variables(
    context: dg.AssetExecutionContext, declarations: Sequence[IngestionDeclaration], partition_start: date
) -> dict[str, str]:
    """Return what a run with a partition passes to dbt, and nothing for a run without one.

    Args:
        context: the context of the run.
        declarations: the workflows of the project. Those that the run selects say how long the partition is; all, if
            the run selects none.
        partition_start: the start of workflows that do not declare one.

    Returns:
        `partition_key`; `partition_date`, the first day; and `partition_start` and `partition_end`, as ISO 8601 texts.
        The end is exclusive. Where the workflows disagree, the variable is left out.
    """
    if context.has_partition_key:
        first = last = context.partition_key
    elif context.has_partition_key_range:
        # Dagster's backfills pass even a single partition as a range.
        first, last = context.partition_key_range.start, context.partition_key_range.end
    else:
        return {}
    with default_partition_start(partition_start):
        chosen = _selected(context, declarations)
        starts, ends = _windows(chosen, first), _windows(chosen, last)
    found = {
        "partition_date": {window.start.date().isoformat() for window in starts},
        "partition_start": {window.start.isoformat() for window in starts},
        "partition_end": {window.end.isoformat() for window in ends},
    }
    agreed = {name: values.pop() for name, values in found.items() if len(values) == 1}
    if not {"partition_start", "partition_end"} <= set(agreed):
        # One end of a range says nothing without the other.
        agreed = {name: value for name, value in agreed.items() if name == "partition_date"}
    return {"partition_key": first if first == last else f"{first}...{last}", **agreed}


def _selected(
    context: dg.AssetExecutionContext, declarations: Sequence[IngestionDeclaration]
) -> Sequence[IngestionDeclaration]:
    selection = {tuple(key.path) for key in context.run.asset_selection or ()}
    return [each for each in declarations if each.asset_key in selection] or declarations


def _windows(declarations: Sequence[IngestionDeclaration], key: str) -> list[PartitionWindow]:
    windows = []
    for declaration in declarations:
        if declaration.partitions is not None:
            with suppress(PartitionError):
                windows.append(window_for(declaration, key))
    return [window for window in windows if window is not None]
