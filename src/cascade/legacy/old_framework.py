"""The files of the framework that Cascade was before version 1.0.

A project of that time was a copy of the framework's repository with the user's workflows inside the package `cascade`.
These files are not the user's, and the installed package replaces them. Jobs and sensors of that time are the user's:
each project wrote its own into the files that the framework had begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

_PACKAGES = frozenset(
    {
        "cli",
        "defs/nessie",
        "defs/resources",
        "defs/transform",
        "defs/validation",
        "framework",
        "iceberg",
        "ingestion",
        "plugins",
        "quality",
        "testing",
    }
)
_FILES = frozenset(
    {
        "__init__.py",
        "__main__.py",
        "config.py",
        "definitions.py",
        "defs/__init__.py",
        "defs/ingestion/__init__.py",
        "defs/partitions.py",
        "defs/publishing/__init__.py",
        "defs/publishing/trino_to_postgres.py",
        "defs/sensors/__init__.py",
        "defs/sensors/branch_lifecycle.py",
        "defs/sensors/failure_monitoring.py",
        "exceptions.py",
        "schemas/asset_outputs.py",
        "schemas/converter.py",
        "schemas/registry.py",
    }
)

_HOLDERS = frozenset({"defs", "defs/ingestion", "defs/publishing", "defs/sensors"})


def is_of_the_framework(file: Iterable[str]) -> bool:
    """Return whether a file of the old package `cascade` belonged to the framework.

    Args:
        file: the parts of its path in the package, such as `("schemas", "converter.py")`.
    """
    path = PurePosixPath(*file)
    return str(path) in _FILES or any(str(parent) in _PACKAGES for parent in path.parents)


def holds_modules_of_the_user(package: Iterable[str]) -> bool:
    """Return whether the user put modules into a package whose `__init__.py` belonged to the framework.

    Args:
        package: the parts of its path in the package `cascade`, such as `("defs", "ingestion")`.
    """
    return str(PurePosixPath(*package)) in _HOLDERS


def is_module_of_the_framework(parts: Sequence[str]) -> bool:
    """Return whether the framework had a module.

    Args:
        parts: its name below `cascade`, such as `("schemas", "registry")`.
    """
    *above, last = parts
    return is_of_the_framework((*above, f"{last}.py")) or is_of_the_framework((*parts, "__init__.py"))
