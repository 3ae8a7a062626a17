"""The files of the framework that Cascade was before version 1.0.

A project of that time was a copy of the framework's repository with the user's workflows inside the package `cascade`.
These files are not the user's, and the installed package replaces them.
"""

from __future__ import annotations

from collections.abc import Iterable
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
        "defs/jobs.py",
        "defs/jobs/__init__.py",
        "defs/jobs/factory.py",
        "defs/partitions.py",
        "defs/publishing/__init__.py",
        "defs/publishing/trino_to_postgres.py",
        "defs/sensors/__init__.py",
        "defs/sensors/branch_lifecycle.py",
        "defs/sensors/failure_monitoring.py",
        "defs/sensors/sensors.py",
        "exceptions.py",
        "schemas/__init__.py",
        "schemas/asset_outputs.py",
        "schemas/converter.py",
        "schemas/registry.py",
    }
)


def is_of_the_framework(file: Iterable[str]) -> bool:
    """Return whether a file of the old package `cascade` belonged to the framework.

    Args:
        file: the parts of its path in the package, such as `("schemas", "converter.py")`.
    """
    path = PurePosixPath(*file)
    return str(path) in _FILES or any(str(parent) in _PACKAGES for parent in path.parents)
