"""Plan the migration of a project: from the layout of old, and between a standalone project and Pants."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

from cascade.exceptions import UsageError
from cascade.legacy.layout import read_layout
from cascade.migration.legacy import migrate_legacy
from cascade.migration.plan import Plan
from cascade.migration.pyproject import read_pyproject
from cascade.migration.to_pants import add_pants
from cascade.migration.to_standalone import remove_pants
from cascade.migration.tree import Tree
from cascade.migration.version_control import ignored
from cascade.scaffold.project_pants import find_repository

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
    elif to == "standalone" and layout is None:
        remove_pants(tree)
    return tree.plan()


def plan_copy(source: Path, target: Path, name: str) -> Plan:
    """Plan a new project from one in the layout from before version 1.0, which stays as it is.

    Files that git ignores are left out, except those whose name begins with `.env`, which git ignores in the new
    project too. In a repository that Pants builds, the new project gets BUILD files.

    Args:
        source: the root of the old project.
        target: the root of the new one.
        name: its name.

    Raises:
        UsageError: the source does not have the old layout, or cannot be migrated.
    """
    layout = read_layout(source)
    if layout is None:
        raise UsageError(
            f"{source} is not a project in the layout from before version 1.0: it has no src/cascade/defs/ingestion.",
            hint="Name the directory of one: --from-existing PATH",
        )
    tree = Tree(source, target)
    kept = {".env"}
    for path in ignored(source):
        for each in [path] if path in tree else tree.paths(path.rstrip("/")):
            if each.startswith(".env"):
                kept.add(each)
            else:
                tree.remove(each)
    inside = target.relative_to(source).as_posix() if target.is_relative_to(source) else None
    for each in tree.paths(inside) if inside else []:
        tree.remove(each)
    for link, to in tree.links.items():
        if not link.startswith("src/cascade/"):
            tree.decide(f"It is a symbolic link to {to} in the old project, and was not copied.", link)
    migrate_legacy(tree, layout, name)
    _ignore(tree, sorted(path for path in kept if path in tree))
    if find_repository(target) is not None:
        add_pants(tree, _settings(tree))
    return tree.plan()


def _ignore(tree: Tree, paths: Iterable[str]) -> None:
    """Let git ignore files at the root, which a `.gitignore` above the old project may have named."""
    text = (tree.text(".gitignore") if ".gitignore" in tree else None) or ""
    patterns = [line.strip().removeprefix("/") for line in text.splitlines()]
    missing = [path for path in paths if not any(fnmatch(path, pattern) for pattern in patterns)]
    if missing:
        end = "\r\n" if "\r\n" in text else "\n"
        text += end if text and not text.endswith("\n") else ""
        tree.write(".gitignore", text + "".join(f"{path}{end}" for path in missing))


def _settings(tree: Tree) -> dict[str, object]:
    found = read_pyproject(tree).get("tool", {}).get("cascade")
    if not isinstance(found, dict):
        raise UsageError(
            f"{tree.root} is not a standalone project: it has no pyproject.toml with [tool.cascade].",
            hint="Change to the directory of a project, or create one: cascade init my-project",
        )
    return found
