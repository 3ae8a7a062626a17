"""Plan the migration of a project: from the layout of old, and between a standalone project and Pants."""

from __future__ import annotations

import tomllib
from pathlib import Path

from cascade.exceptions import UsageError
from cascade.migration.plan import Plan
from cascade.migration.to_pants import add_pants
from cascade.migration.tree import Tree

TARGETS = ("standalone", "pants")
"""What a project can become."""

_PYPROJECT = "pyproject.toml"


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
    if to == "pants":
        add_pants(tree, _settings(tree))
    return tree.plan()


def _settings(tree: Tree) -> dict[str, object]:
    text = tree.text(_PYPROJECT) if _PYPROJECT in tree else None
    try:
        found = tomllib.loads(text or "").get("tool", {}).get("cascade")
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{tree.root / _PYPROJECT} is not valid TOML: {error}.") from error
    if not isinstance(found, dict):
        raise UsageError(
            f"{tree.root} is not a standalone project: it has no pyproject.toml with [tool.cascade].",
            hint="Change to the directory of a project, or create one: cascade init my-project",
        )
    return found
