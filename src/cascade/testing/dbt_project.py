"""Parse the dbt project in a test."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cascade.dbt import DbtProject


def parse_dbt_project(directory: Path | str | None = None) -> DbtProject:
    """Parse a dbt project as `dbt parse` does, with its own profile and without writing into the project.

    The first call in a process takes about four seconds. Later calls are instant, unless a file of the project
    changes. If dbt is not installed, the test is skipped, with the command that installs dbt.

    Args:
        directory: the directory of `dbt_project.yml`; the configured `dbt_project_dir` if absent.

    Returns:
        Its models and sources, with what each model selects from and its data tests.

    Raises:
        CascadeError: dbt found problems; the message lists each with its file and line.
    """
    import pytest

    from cascade.dbt import dbt_is_installed, how_to_install_dbt
    from cascade.dbt.results import error_of

    if not dbt_is_installed():
        pytest.skip(f"dbt is not installed. {how_to_install_dbt()}")
    if directory is None:
        from cascade.config import CascadeConfig

        directory = CascadeConfig.from_user_config().dbt_project_directory
    root = Path(directory).absolute()
    project = _parsed(root, _state(root))
    if project.problems:
        raise error_of(project.problems)
    return project


@lru_cache(maxsize=8)
def _parsed(directory: Path, state: object) -> DbtProject:
    from cascade.dbt import parse_project

    return parse_project(directory)


def _state(directory: Path) -> frozenset[tuple[str, int, int]]:
    """Return a value that changes when a file of the project does."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return frozenset((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)
