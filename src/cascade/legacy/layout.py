"""Recognize a project in the layout that Cascade had before version 1.0, from its files alone.

    src/cascade/defs/ingestion/<name>/   the workflows, as modules of the package `cascade`
    src/cascade/defs/quality/ …          further Dagster definitions
    src/cascade/schemas/                 the validation schemas
    transforms/dbt/                      the dbt project, which could also be inside the package
    workspace.yaml                       names the module `cascade.definitions`
    .env                                 settings without the prefix `CASCADE_`

Nothing is imported and no file is changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cascade.legacy.old_framework import is_of_the_framework
from cascade.legacy.variables import BECOME_SETTINGS, UNUSED

PACKAGE = "cascade"

_DBT_PROJECTS = ("transforms/dbt", "src/cascade/transforms/dbt", "src/cascade/dbt", "dbt")
_WORKSPACES = ("workspace.yaml", "services/dagster/workspace.yaml", "dagster/workspace.yaml")
_DBT_PROJECT_FILE = "dbt_project.yml"


@dataclass(frozen=True)
class LegacyLayout:
    """The files of a project in the old layout. All paths are absolute, and each tuple is sorted.

    Args:
        root: the project's directory.
        package: its package `cascade`.
        ingestion: the directories of `defs/ingestion`, each with the workflows of one domain.
        workflows: the modules in and below `defs/ingestion`, without its own `__init__.py`.
        schemas: the user's modules in and below `schemas`.
        definitions: the user's other modules below `defs`, such as checks and schedules.
        helpers: the user's modules elsewhere in the package.
        framework: the files of the old framework that the project contains, which nothing needs any more.
        dbt_project: the directory with `dbt_project.yml`.
        workspace: the workspace file of Dagster that names `cascade.definitions`.
        dotenv: the file `.env`.
        variables: the names in `.env` that become settings.
        unused_variables: the names in `.env` that the old framework read, and that have no counterpart.
        tests: the Python files below `tests`.
        others: files in the package that are not Python and not part of the dbt project, such as YAML or data.
    """

    root: Path
    package: Path
    ingestion: tuple[Path, ...] = ()
    workflows: tuple[Path, ...] = ()
    schemas: tuple[Path, ...] = ()
    definitions: tuple[Path, ...] = ()
    helpers: tuple[Path, ...] = ()
    framework: tuple[Path, ...] = ()
    dbt_project: Path | None = None
    workspace: Path | None = None
    dotenv: Path | None = None
    variables: tuple[str, ...] = ()
    unused_variables: tuple[str, ...] = ()
    tests: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()

    @property
    def source(self) -> Path:
        """The directory that was on the import path, so that `import cascade` found the package."""
        return self.package.parent

    @property
    def user_modules(self) -> tuple[Path, ...]:
        """All modules of the user in the package, sorted."""
        return tuple(sorted((*self.workflows, *self.schemas, *self.definitions, *self.helpers)))

    def module_name(self, file: Path) -> str:
        """Return the name by which old code imports a file of the package.

        Args:
            file: for example `<root>/src/cascade/schemas/weather.py`.

        Returns:
            For example `cascade.schemas.weather`.
        """
        parts = file.relative_to(self.source).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def find_package(root: Path) -> Path | None:
    """Find the package of an old project. This looks at one path, so every command can afford it.

    Args:
        root: the project's directory.

    Returns:
        The directory of the package `cascade`, or None if the project does not have the old layout.
    """
    package = root / "src" / PACKAGE
    return package if is_legacy_package(package) else None


def is_legacy_package(directory: Path) -> bool:
    """Return whether a directory is the package `cascade` of an old project."""
    return directory.name == PACKAGE and (directory / "defs" / "ingestion").is_dir()


def find_dbt_project(root: Path) -> Path | None:
    """Return the directory of the dbt project of an old project, or None if it has none.

    Args:
        root: the project's directory.
    """
    return next((root / each for each in _DBT_PROJECTS if (root / each / _DBT_PROJECT_FILE).is_file()), None)


def read_layout(root: Path) -> LegacyLayout | None:
    """Recognize an old project and sort its files.

    Args:
        root: the project's directory.

    Returns:
        The layout, or None if the directory is not a project in the old layout. Whether its `pyproject.toml` has
        `[tool.cascade]` does not count here: see `cascade.config.root.legacy_package`.
    """
    root = Path(os.path.abspath(root))
    package = find_package(root)
    if package is None:
        return None
    dbt_project = find_dbt_project(root)
    found: dict[str, list[Path]] = {}
    for file in _files(package, left_out=dbt_project):
        found.setdefault(_kind(file.relative_to(package).parts), []).append(file)
    variables = _names_in(root / ".env")
    ingestion = package / "defs" / "ingestion"
    return LegacyLayout(
        root=root,
        package=package,
        ingestion=tuple(sorted(each for each in ingestion.iterdir() if _is_entered(each))),
        dbt_project=dbt_project,
        workspace=_workspace(root),
        dotenv=root / ".env" if (root / ".env").is_file() else None,
        variables=tuple(name for name in variables if name in BECOME_SETTINGS),
        unused_variables=tuple(name for name in variables if name in UNUSED),
        tests=tuple(sorted(file for file in _files(root / "tests") if file.suffix == ".py")),
        **{kind: tuple(sorted(files)) for kind, files in found.items()},
    )


def _kind(parts: tuple[str, ...]) -> str:
    """Return the name of the field of `LegacyLayout` for a file of the package."""
    if is_of_the_framework(parts):
        return "framework"
    if not parts[-1].endswith(".py"):
        return "others"
    if parts[:2] == ("defs", "ingestion"):
        return "workflows"
    return {"defs": "definitions", "schemas": "schemas"}.get(parts[0], "helpers")


def _files(top: Path, left_out: Path | None = None) -> Iterator[Path]:
    for place, directories, names in os.walk(top):
        here = Path(place)
        directories[:] = [name for name in directories if _is_entered(here / name) and here / name != left_out]
        yield from (here / name for name in names if not name.endswith((".pyc", ".pyo")))


def _is_entered(directory: Path) -> bool:
    return directory.is_dir() and directory.name != "__pycache__" and not directory.name.startswith(".")


def _workspace(root: Path) -> Path | None:
    for name in _WORKSPACES:
        try:
            if "cascade.definitions" in (root / name).read_text(encoding="utf-8"):
                return root / name
        except (OSError, UnicodeDecodeError):
            continue
    return None


def _names_in(dotenv: Path) -> tuple[str, ...]:
    """Return the names in a `.env`, without their values. A file that cannot be read is an error of the settings."""
    from dotenv import dotenv_values

    try:
        return tuple(dotenv_values(dotenv, interpolate=False, encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError):
        return ()
