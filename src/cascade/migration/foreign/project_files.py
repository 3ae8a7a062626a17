"""Find the files of a project of another tool."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_LEFT_OUT = frozenset(
    {"__pycache__", "tests", "test", "node_modules", "venv", "env", "site-packages", "dist", "build", "dbt_packages"}
)
_MOST_FILES = 5_000


def project_files(root: Path, left_out: Path) -> Iterator[Path]:
    """Yield the files of a project in the order of their paths, without those of environments, builds and tests.

    Args:
        root: its directory. Links to directories are not followed.
        left_out: a directory that is left out: that of the workflows, which may be below the other project.
    """
    count = 0
    for place, directories, files in os.walk(root):
        here = Path(place)
        directories[:] = sorted(
            name
            for name in directories
            if name not in _LEFT_OUT
            and not name.startswith(".")
            and not (here / name / "pyvenv.cfg").is_file()
            and here / name != left_out
        )
        for name in sorted(files):
            count += 1
            if count > _MOST_FILES:
                return
            # A link may lead nowhere.
            if not name.startswith(".") and (here / name).is_file():
                yield here / name


def python_files(root: Path, left_out: Path) -> Iterator[Path]:
    """Yield the Python files of a project, without its tests.

    Args:
        root: its directory.
        left_out: as for `project_files`.
    """
    for path in project_files(root, left_out):
        is_test = path.stem.startswith("test_") or path.stem.endswith("_test") or path.stem in ("conftest", "setup")
        if path.suffix == ".py" and not is_test:
            yield path
