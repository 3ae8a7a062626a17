"""Whether a directory is a project in the old layout, and what its settings are by default."""

from __future__ import annotations

import ast
import os
import warnings
from collections.abc import Mapping
from pathlib import Path

from cascade.legacy.layout import find_dbt_project, find_package
from cascade.legacy.old_names import DROPPED_IN
from cascade.program import typed

_TOLD_VARIABLE = "CASCADE_LEGACY_TOLD"
"""Set once the user has been told, so that child processes do not repeat it."""

_OLD_PARTITIONS = {"partition_start": "2025-01-01", "partition_timezone": "Europe/London"}
"""The partitions of all workflows of the old framework, unless the project's copy of it says otherwise."""


class LegacyProjectWarning(UserWarning):
    """The project has the layout from before version 1.0."""


def warn_once(root: Path) -> None:
    """Tell the user, once for each command, that the project has the old layout.

    Args:
        root: the project's directory.
    """
    if os.environ.get(_TOLD_VARIABLE) == str(root):
        return
    os.environ[_TOLD_VARIABLE] = str(root)
    warnings.warn(
        f"{root} has the layout from before version 1.0, which Cascade {DROPPED_IN} no longer runs. "
        f"See what to change: {typed('migrate --check')}",
        LegacyProjectWarning,
        stacklevel=2,
    )


def default_settings(root: Path) -> Mapping[str, object]:
    """Return the settings that follow from the layout of an old project.

    Args:
        root: the project's directory.
    """
    package = find_package(root)
    if package is None:
        return {}
    found: dict[str, object] = {"workflows_path": package.relative_to(root).as_posix()}
    dbt = find_dbt_project(root)
    if dbt is not None:
        found["dbt_project_dir"] = dbt.relative_to(root).as_posix()
    return found


def old_partitions(package: Path) -> Mapping[str, str]:
    """Return the arguments of the decorator that say which partitions the workflows of an old project have.

    They had no such arguments: `cascade.defs.partitions`, which each project had a copy of, said it for all.

    Args:
        package: the package `cascade` of the project.

    Returns:
        `partition_start` and `partition_timezone`, as far as the source of the copy shows them.
    """
    try:
        tree = ast.parse((package / "defs" / "partitions.py").read_bytes())
    except (OSError, SyntaxError, ValueError):
        return _OLD_PARTITIONS
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("DailyPartitionsDefinition"):
            given = {each.arg: each.value for each in node.keywords} | dict(
                zip(("start_date",), node.args, strict=False)
            )
            texts = {name: value.value for name, value in given.items() if isinstance(value, ast.Constant)}
            start = texts.get("start_date")
            return {
                "partition_start": start if isinstance(start, str) else _OLD_PARTITIONS["partition_start"],
                # Dagster's default.
                "partition_timezone": str(texts.get("timezone") or "UTC"),
            }
    return _OLD_PARTITIONS
