"""Where a project is on disk."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from cascade.exceptions import ConfigError

ROOT_VARIABLE = "CASCADE_PROJECT_ROOT"
"""The environment variable that names the project root. Pants sets it to the directory of the `cascade_project`."""

SETTINGS_VARIABLE = "CASCADE_SETTINGS_DIRECTORY"
"""Where the `cascade_config.py` and `pyproject.toml` are that came with a PEX. Set by the PEX itself."""


def find_project_root(start: Path | None = None, environment: Mapping[str, str] | None = None) -> Path:
    """Finds the directory that a project's state, settings and relative paths belong to.

    It is `CASCADE_PROJECT_ROOT`, else the nearest directory at or above `start` whose `pyproject.toml` has a table
    `[tool.cascade]`, else `start`.

    Args:
        start: where to look from; the working directory if absent.
        environment: stands for the process environment.

    Returns:
        An absolute path.

    Raises:
        ConfigError: `CASCADE_PROJECT_ROOT` is set and is not a directory, or the working directory is gone.
    """
    environment = os.environ if environment is None else environment
    chosen = environment.get(ROOT_VARIABLE)
    if chosen:
        root = Path(chosen).expanduser().absolute()
        if not root.is_dir():
            raise ConfigError(
                f"{ROOT_VARIABLE} in the environment is {chosen!r}, and there is no such directory.",
                hint=f"Create it (mkdir -p {chosen}) or set {ROOT_VARIABLE} to the project's directory.",
            )
        return root
    here = start.absolute() if start is not None else working_directory()
    for directory in (here, *here.parents):
        if has_cascade_table(directory / "pyproject.toml"):
            return directory
    return here


def working_directory() -> Path:
    """Gives the directory that the process is in.

    Raises:
        ConfigError: it was removed.
    """
    try:
        return Path.cwd()
    except FileNotFoundError as error:
        raise ConfigError(
            "The directory that you are in is not there any more.", hint="Go to another, for instance: cd"
        ) from error


def has_cascade_table(pyproject: Path) -> bool:
    """Tells whether a `pyproject.toml` has `[tool.cascade]`. An unreadable file is one that has not."""
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
        # A broken file still marks the root: reading the settings will say what is wrong with it.
        return b"[tool.cascade" in content
    return isinstance(tool, dict) and "cascade" in tool
