"""Plan the migration of a project: from the layout of old, and between a standalone project and Pants."""

from __future__ import annotations

from pathlib import Path

from cascade.exceptions import UsageError
from cascade.legacy.layout import read_layout
from cascade.migration.legacy import migrate_legacy
from cascade.migration.plan import Plan
from cascade.migration.pyproject import read_pyproject
from cascade.migration.to_pants import add_pants
from cascade.migration.tree import Tree

TARGETS = ("standalone", "pants")
"""What a project can become."""


def plan_migration(root: Path, to: str | None = None) -> Plan:
    """Plan the migration of a project, without changing anything.

    Args:
        root: the root of the project.
        to: one of `TARGETS`, or None to leave that as it is.

    Returns:
        The plan, without changes if there is nothing to do.

    Raises:
        UsageError: the project cannot be read, or cannot become that.
    """
    tree = Tree(root)
    layout = read_layout(root)
    if layout is not None:
        migrate_legacy(tree, layout)
    if to == "pants":
        add_pants(tree, _settings(tree))
    return tree.plan()


def _settings(tree: Tree) -> dict[str, object]:
    found = read_pyproject(tree).get("tool", {}).get("cascade")
    if not isinstance(found, dict):
        raise UsageError(
            f"{tree.root} is not a standalone project: it has no pyproject.toml with [tool.cascade].",
            hint="Change to the directory of a project, or create one: cascade init my-project",
        )
    return found
