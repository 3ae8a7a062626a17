"""The places that `dev` watches: source directories, settings files, and directories where sources may appear."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import watchfiles

from cascade.config import CascadeConfig
from cascade.processes.children import source_paths

SETTINGS_FILES = ("cascade_config.py", "pyproject.toml", "dg.toml", ".env")
_IGNORED_DIRECTORIES = frozenset(
    {*watchfiles.DefaultFilter.ignore_dirs, "dist", "build", "site-packages", ".cascade", ".pants.d", "venv"}
)
_DBT_SUFFIXES = frozenset({".sql", ".py", ".yml", ".yaml", ".csv", ".md"})
_WRITTEN_BY_DBT = frozenset({("target",), ("logs",)})
_MARKS_OF_A_REPOSITORY = (".git", "pants.toml", "pyproject.toml", ".cascade")


@dataclass(frozen=True)
class Places:
    """The directories to watch.

    Args:
        trees: directories to watch with everything below them.
        folders: directories to watch without those below them: a settings file or a new tree may appear there.
        dbt: the directory of the dbt project, which is in one of the trees; None if it does not exist.
    """

    trees: tuple[Path, ...]
    folders: tuple[Path, ...]
    dbt: Path | None = None


def watched_places(config: CascadeConfig, more: Iterable[Path] = (), *, standalone: bool) -> Places:
    """Return the directories to watch: the roots of the user's sources.

    The root of a repository contains much that is not source, and each watched directory costs memory. Only the
    directories in such a root are watched as trees.

    Args:
        config: the settings of the project.
        more: further roots.
        standalone: whether the project's whole directory is source, not only the directories on the import path.
    """
    roots = [*map(Path, source_paths()), config.workflows_directory, *more]
    if standalone:
        roots.append(config.project_root)
    settings = [config.project_root / name for name in SETTINGS_FILES]
    folders = [config.project_root, *(path.resolve().parent for path in settings if path.is_symlink())]
    trees: list[Path] = []
    for root in roots:
        if not root.is_dir():
            folders.append(next(parent for parent in root.absolute().parents if parent.is_dir()))
        elif any((root / mark).exists() for mark in _MARKS_OF_A_REPOSITORY):
            folders.append(root)
            trees += [child for child in sorted(root.iterdir()) if child.is_dir() and not _is_ignored(child.name)]
        else:
            trees.append(root)
    dbt = config.dbt_project_directory if config.dbt_project_directory.is_dir() else None
    if dbt is not None and not any(dbt.is_relative_to(tree) for tree in trees):
        trees.append(dbt)
    return Places(tuple(dict.fromkeys(trees)), tuple(dict.fromkeys(folders)), dbt)


def python_files(trees: Iterable[Path]) -> frozenset[Path]:
    """Return the Python files in directories, without those of environments, builds and caches."""
    found: set[Path] = set()
    seen: set[str] = set()
    for tree in trees:
        for place, inner, files in os.walk(tree, followlinks=True):
            real = os.path.realpath(place)
            # Symbolic links can form a circle.
            inner[:] = [] if real in seen else [name for name in inner if not _is_ignored(name)]
            seen.add(real)
            found.update(Path(place, name) for name in files if name.endswith(".py"))
    return frozenset(found)


def dbt_files(directory: Path | None) -> frozenset[Path]:
    """Return the files of a dbt project, without what dbt writes.

    Args:
        directory: its directory; None without a dbt project.
    """
    if directory is None:
        return frozenset()
    return frozenset(path for path in directory.rglob("*") if is_dbt_file(path, directory))


def is_dbt_file(path: Path, directory: Path | None) -> bool:
    """Return whether a path is that of a file of a dbt project: a model, a seed, YAML, a macro or documentation.

    Args:
        path: the path.
        directory: the directory of the dbt project; None without one.
    """
    if directory is None or path.suffix not in _DBT_SUFFIXES or not path.is_relative_to(directory):
        return False
    parts = path.relative_to(directory).parts
    return parts[:1] not in _WRITTEN_BY_DBT and not any(part.startswith(".") for part in parts)


def is_build_file(path: Path) -> bool:
    """Return whether a path has the name of a BUILD file of Pants."""
    return path.name == "BUILD" or path.name.startswith("BUILD.")


def _is_ignored(directory: str) -> bool:
    return directory in _IGNORED_DIRECTORIES or directory.startswith(".")


class SourceFilter(watchfiles.DefaultFilter):
    """Accepts changes to Python and BUILD files, to those of the dbt project, and to directories that may contain some.

    Args:
        trees: the watched directories, whose own path may contain an ignored name such as `build`.
        dbt: the directory of the dbt project; None without one.
    """

    ignore_dirs = tuple(_IGNORED_DIRECTORIES)

    def __init__(self, trees: Iterable[Path], dbt: Path | None = None) -> None:
        super().__init__()
        self._trees = tuple(trees)
        self._dbt = dbt

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        """Return whether a change may matter."""
        place = Path(path)
        if is_dbt_file(place, self._dbt):
            return True
        inside = next((place.relative_to(tree) for tree in self._trees if place.is_relative_to(tree)), place)
        if any(part.startswith(".") for part in inside.parts) or not super().__call__(change, str(inside)):
            return False
        # A moved directory is one change, without its files.
        if place.suffix == ".py" or is_build_file(place):
            return True
        return not place.suffix and change is not watchfiles.Change.modified


class FolderFilter(watchfiles.DefaultFilter):
    """Accepts changes to settings and BUILD files, and directories that are added or deleted."""

    def __call__(self, change: watchfiles.Change, path: str) -> bool:
        """Return whether a change may matter."""
        place = Path(path)
        if place.name in SETTINGS_FILES or is_build_file(place):
            return True
        if change is watchfiles.Change.modified or _is_ignored(place.name):
            return False
        return place.is_dir() if change is watchfiles.Change.added else not place.suffix
