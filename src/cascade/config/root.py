"""The directory of a project."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from cascade.exceptions import ConfigError
from cascade.legacy.layout import find_package

ROOT_VARIABLE = "CASCADE_PROJECT_ROOT"
"""The environment variable that sets the project root. Pants sets it to the directory of the `cascade_project`."""

SETTINGS_VARIABLE = "CASCADE_SETTINGS_DIRECTORY"
"""The environment variable with the directory of the settings files inside a PEX. The PEX itself sets it."""


def find_project_root(start: Path | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """Find the directory that a project's state, settings and relative paths belong to.

    This is `CASCADE_PROJECT_ROOT`, else the nearest directory at or above `start` whose `pyproject.toml` has a table
    `[tool.cascade]` or which has the layout from before version 1.0, else `start`.

    Args:
        start: the directory to start from. Default: the working directory.
        environment: the environment variables to use in place of those of the process.

    Returns:
        An absolute path.

    Raises:
        ConfigError: `CASCADE_PROJECT_ROOT` is set but is not a directory, or the working directory no longer exists.
    """
    environment = os.environ if environment is None else environment
    chosen = environment.get(ROOT_VARIABLE)
    if chosen:
        # A shell has expanded the `~` that the user typed. A directory may be named `~t`.
        root = Path(os.path.expanduser(chosen)).absolute()
        if not root.is_dir():
            raise ConfigError(
                f"{ROOT_VARIABLE} in the environment is {chosen!r}, which is not a directory.",
                hint=f"Create it, or set {ROOT_VARIABLE} to the project's directory.",
            )
        return root
    here = start.absolute() if start is not None else working_directory()
    for directory in (here, *here.parents):
        if is_project_root(directory):
            return directory
    return here


def is_project_root(directory: Path) -> bool:
    """Return whether a directory says that it is a project: by `[tool.cascade]`, or by the layout from before 1.0."""
    return has_cascade_table(directory / "pyproject.toml") or find_package(directory) is not None


def legacy_package(root: Path) -> Path | None:
    """Return the package `cascade` of a project in the layout from before version 1.0.

    Args:
        root: the project's directory.

    Returns:
        None for any other project, and for one whose `pyproject.toml` has `[tool.cascade]`: it has been migrated.
    """
    package = find_package(root)
    return package if package is not None and not has_cascade_table(root / "pyproject.toml") else None


def working_directory() -> Path:
    """Return the working directory.

    Raises:
        ConfigError: the working directory was deleted.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise ConfigError(
            "The working directory no longer exists.", hint="Change to another directory, for example: cd"
        ) from error


def has_cascade_table(pyproject: Path) -> bool:
    """Return whether a `pyproject.toml` has `[tool.cascade]`. An unreadable file counts as one without it."""
    import tomllib

    try:
        content = pyproject.read_bytes()
    except OSError:
        return False
    if b"cascade" not in content:
        return False
    try:
        tool = tomllib.loads(content.decode()).get("tool", {})
    except (UnicodeDecodeError, tomllib.TOMLDecodeError):
        # A broken file still marks the root. Reading the settings reports what is wrong with it.
        return b"[tool.cascade" in content
    return isinstance(tool, dict) and "cascade" in tool


def expanded(path: Path) -> Path:
    """Return a path with the home directory in place of its `~`.

    Args:
        path: the path of a setting.

    Raises:
        ValueError: there is no such user.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError(
            f"there is no user {path.parts[0][1:]!r}; write a directory of that name as ./{path}"
        ) from None
