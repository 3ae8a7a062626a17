"""The modules that a project imports and neither has nor gets with Cascade."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from cascade.migration.tree import Tree

PROVIDED = frozenset(
    {
        *("cascade", "dagster", "dlt", "pyiceberg", "sqlalchemy", "pyarrow", "polars", "pydantic", "pydantic_settings"),
        *("click", "rich", "jinja2", "packaging", "numpy", "dotenv", "requests", "typing_extensions", "croniter"),
        *("watchfiles", "psutil", "yaml", "duckdb", "charset_normalizer", "pytest", "responses"),
    }
)
"""The modules of Cascade and of what it requires, with its extra for tests and no other."""


def third_party_modules(tree: Tree, directories: Iterable[str], provided: frozenset[str] = PROVIDED) -> dict[str, str]:
    """Find them.

    Args:
        tree: the files of the project.
        directories: the directories of its modules and tests, from its root.
        provided: the modules that it has anyway; by default, those that it gets with Cascade.

    Returns:
        For the name of each, the first file that imports it.
    """
    own = {part for path in tree.paths() if path.endswith(".py") for part in PurePosixPath(path).with_suffix("").parts}
    found: dict[str, str] = {}
    for directory in directories:
        for path in tree.paths(directory):
            for name in _imported(tree.read(path)) if path.endswith(".py") else ():
                if name not in own | sys.stdlib_module_names | provided:
                    found.setdefault(name, path)
    return found


def _imported(source: bytes) -> Iterator[str]:
    try:
        module = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]
