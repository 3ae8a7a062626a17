"""Plan the workflows for a project of another tool."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import UsageError
from cascade.migration.foreign.found import Workflows
from cascade.migration.foreign.place import Place
from cascade.migration.plan import Decision, FileChange, Plan

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


def plan_from(tool: str, path: Path, config: CascadeConfig) -> Plan:
    """Plan the files that make workflows of a project of another tool, whose files stay as they are.

    A file that exists with other content is kept, because a person may have completed it.

    Args:
        tool: one of `cascade.migration.tools.TOOLS`.
        path: the project of the other tool, or a script of it.
        config: the settings of the project that the workflows are written into.

    Raises:
        UsageError: the path has no project of that tool, or cannot be read.
    """
    place = Place(config)
    path = Path(os.path.abspath(path))
    place.require_outside(path)
    found = _reader(tool)(path, place)
    root = config.project_root
    kept = {name for name, content in found.files.items() if _differs(root / name, content)}
    remarks = sorted({(place.shown(each.path), each.line, each.text) for each in found.remarks})
    decisions = [
        *(Decision(name, 0, "This file exists with other content, so it stays as it is.") for name in sorted(kept)),
        # What is to be done in a file that a person has changed, that person has seen.
        *(Decision(*remark) for remark in remarks if remark[0] not in kept),
    ]
    return Plan(root, root, tuple(_changes(root, found, kept)), tuple(decisions))


def _reader(tool: str) -> Callable[[Path, Place], Workflows]:
    if tool == "meltano":
        from cascade.migration.foreign.from_meltano import workflows_from_meltano

        return workflows_from_meltano
    if tool == "dagster":
        from cascade.migration.foreign.from_dagster import workflows_from_dagster

        return workflows_from_dagster
    from cascade.migration.foreign.from_dlt import workflows_from_dlt

    return workflows_from_dlt


def _changes(root: Path, found: Workflows, kept: set[str]) -> Iterator[FileChange]:
    for name, content in sorted(found.files.items()):
        if name not in kept and not (root / name).is_file():
            yield FileChange(None, name, content)


def _differs(place: Path, content: bytes) -> bool:
    try:
        return place.read_bytes() != content
    except FileNotFoundError:
        return False
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}.", hint="Nothing was changed.") from error
