"""The `pyproject.toml` of a migrated project: edits that keep its text, each checked by reading the result."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cascade.exceptions import UsageError
from cascade.migration.tree import Tree
from cascade.scaffold.environment import literal

PYPROJECT = "pyproject.toml"
_RUNTIME = "cascade-workflows"


@dataclass(frozen=True)
class ProjectTable:
    """The table `[tool.cascade]` to write.

    Args:
        name: the name of the project.
        settings: its other settings.
    """

    name: str
    settings: Mapping[str, str]

    @property
    def import_root(self) -> str:
        """The directory that is on the import path: the one above that of the workflows."""
        return self.settings["workflows_path"].rpartition("/")[0] or "."


def read_pyproject(tree: Tree) -> dict[str, Any]:
    """Return what the `pyproject.toml` of a project says, or nothing if there is none.

    Raises:
        UsageError: it is not valid.
    """
    if PYPROJECT not in tree:
        return {}
    try:
        return tomllib.loads(tree.read(PYPROJECT).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{tree.root / PYPROJECT} is not valid TOML: {error}.", hint="Nothing was changed.") from error


def migrate_pyproject(tree: Tree, table: ProjectTable) -> None:
    """Write the settings of a project, its requirement on Cascade, and what its tests need.

    Args:
        tree: the files.
        table: the settings.
    """
    read = read_pyproject(tree)
    extras = "[dbt,testing]" if "dbt_project_dir" in table.settings else "[testing]"
    if "cascade" not in read.get("tool", {}):
        _append(tree, table)
    if "project" not in read:
        tree.decide(
            f'It has no [project]. Install the package that replaces the framework: "{_RUNTIME}{extras}"', PYPROJECT
        )
    elif not any(str(each).startswith(_RUNTIME) for each in read["project"].get("dependencies", ())):
        _edit(
            tree,
            re.compile(r"^(\[project\]\s*\n(?:(?!\[).*\n)*?dependencies\s*=\s*\[)(\s*)", re.MULTILINE),
            lambda found: f"{found[1]}{found[2]}{literal(_RUNTIME + extras)},{found[2] or ' '}",
            lambda before: before["project"]["dependencies"].insert(0, _RUNTIME + extras),
            f'Add "{_RUNTIME}{extras}", the package that replaces the framework, to the dependencies.',
        )
    paths = read.get("tool", {}).get("pytest", {}).get("ini_options", {}).get("pythonpath")
    if paths is None or table.import_root not in paths:
        _import_from_root(tree, table.import_root, paths)


def _import_from_root(tree: Tree, root: str, paths: object) -> None:
    """Let pytest import the workflows from the directory above them."""
    text = f"The tests import the workflows from there: set pythonpath of pytest to {literal([root])}."
    if (root, paths) == (".", ["src"]):

        def change(before: dict[str, Any]) -> None:
            before["tool"]["pytest"]["ini_options"]["pythonpath"] = ["."]

        _edit(
            tree,
            re.compile(r"^(pythonpath\s*=\s*\[\s*)([\"'])src[\"']", re.MULTILINE),
            lambda found: f"{found[1]}{found[2]}.{found[2]}",
            change,
            text,
        )
    elif any(path.startswith("tests/") for path in tree.paths()):
        tree.decide(text, PYPROJECT)


def _edit(
    tree: Tree,
    pattern: re.Pattern[str],
    replacement: Callable[[re.Match[str]], str],
    change: Callable[[dict[str, Any]], None],
    otherwise: str,
) -> None:
    """Replace a part of the text if the result means what it should, else leave it to a person."""
    text = tree.read(PYPROJECT).decode()
    expected = tomllib.loads(text)
    edited = pattern.sub(replacement, text, count=1)
    try:
        change(expected)
        done = tomllib.loads(edited) == expected
    except (tomllib.TOMLDecodeError, KeyError):
        done = False
    if done:
        tree.write(PYPROJECT, edited)
    else:
        tree.decide(otherwise, PYPROJECT)


def _append(tree: Tree, table: ProjectTable) -> None:
    text = tree.read(PYPROJECT).decode()
    end = "\r\n" if "\r\n" in text else "\n"
    lines = ["", "[tool.cascade]", *_lines(table)]
    tree.write(PYPROJECT, text.rstrip() + end + end.join(lines) + end)


def _lines(table: ProjectTable) -> list[str]:
    settings = {"project_name": table.name, **table.settings}
    return [f"{name} = {literal(value)}" for name, value in settings.items()]
