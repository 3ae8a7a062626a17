"""The configuration of sqlfluff that holds for a dbt project, found and read as sqlfluff does."""

from __future__ import annotations

import configparser
import glob
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml  # pants: no-infer-dep
from pants.engine.fs import FileContent, GlobMatchErrorBehavior, PathGlobs

from cascade_pants import engine
from cascade_pants.toml_text import parse_toml

# A later file of one directory overrides an earlier one.
_NAMES = ("setup.cfg", "tox.ini", "pep8.ini", ".sqlfluff", "pyproject.toml")
_IGNORE = ".sqlfluffignore"
_MARKS = {"pyproject.toml": b"[tool.sqlfluff", ".sqlfluff": b"", _IGNORE: b""}
_DEFAULT_TEMPLATER = "jinja"
_CORE = "core"
_SEVERAL_PATHS = ("load_macros_from_path", "loader_search_path", "exclude_macros_from_path")
_PATH_ENDINGS = ("_path", "_dir")
# What it holds is data of the templates.
_DATA = ("templater", "jinja", "context")
_DBT = ("templater", "dbt")


@dataclass(frozen=True)
class SqlfluffConfig:
    """What holds for the files of a dbt project.

    Args:
        files: the files to give to sqlfluff: configuration, and lists of files to ignore.
        templater: what renders the templates, such as `jinja` or `dbt`.
        globs: the files that the configuration names by paths, such as macros.
        profile: the name of the profile for the templater `dbt`, if it is configured.
        has_profiles: whether it names the directory of the profiles.
    """

    files: tuple[FileContent, ...]
    templater: str
    globs: tuple[str, ...]
    profile: str | None = None
    has_profiles: bool = False


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _read_file(file: FileContent) -> dict[str, Any]:
    """Return the sections of a file, nested. Those of one that cannot be read are left to sqlfluff, which says why."""
    if file.path.endswith(".toml"):
        return _table(_table((parse_toml(file.content) or {}).get("tool")).get("sqlfluff"))
    parser = configparser.ConfigParser(delimiters="=", interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    try:
        parser.read_string(file.content.decode(errors="replace"))
    except configparser.Error:
        return {}
    found: dict[str, Any] = {}
    for section in parser.sections():
        first, *names = section.split(":")
        if first == "sqlfluff":
            inner = found
            for name in names or (_CORE,):
                # A value and a section may have one name. sqlfluff refuses this.
                inner = _table(inner.setdefault(name, {}))
            inner.update(parser.items(section))
    return found


def _globs(settings: Mapping[str, Any], directory: str, where: tuple[str, ...] = ()) -> Iterator[str]:
    if where in (_DATA, _DBT):
        return
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _globs(value, directory, (*where, key.lower()))
        elif isinstance(value, str) and key.lower().endswith(_PATH_ENDINGS):
            for path in value.split(",") if key.lower() in _SEVERAL_PATHS else (value,):
                yield from _inside(directory, path.strip())


def _inside(directory: str, path: str) -> Iterator[str]:
    """Return the globs of a path that lies in the repository: of the file, or of the files of the directory."""
    found = posixpath.normpath(posixpath.join(glob.escape(directory), path))
    if path and not path.startswith(("/", "~")) and found.split("/")[0] != "..":
        yield from ("**",) if found == "." else (found, f"{found}/**")


def _holds_settings(file: FileContent) -> bool:
    mark = _MARKS.get(posixpath.basename(file.path), b"[sqlfluff")
    return mark in file.content


def read_sqlfluff_config(files: Iterable[FileContent], directory: str) -> SqlfluffConfig | None:
    """Read the configuration for a dbt project.

    Args:
        files: the files of the names that sqlfluff looks for, of all directories from the root down to those of the
            project.
        directory: the directory of the project.

    Returns:
        The configuration, or None if there is none in the directory or above.
    """

    def priority(file: FileContent) -> tuple[int, str, int]:
        where, name = posixpath.split(file.path)
        return (len(where.split("/")) if where else 0, where, _NAMES.index(name) if name in _NAMES else -1)

    kept = sorted(filter(_holds_settings, files), key=priority)
    settings = [
        (posixpath.dirname(file.path), _read_file(file)) for file in kept if posixpath.basename(file.path) != _IGNORE
    ]
    above = [one for where, one in settings if f"{directory}/".startswith(f"{where}/" if where else "")]
    if not above:
        return None
    globs = {path for where, one in settings for path in _globs(one, where)}
    dbt: dict[str, Any] = {}
    for where, one in settings:
        section = _table(_table(one.get("templater")).get("dbt"))
        dbt.update(section)
        globs.update(_inside(where, str(section.get("profiles_dir", ""))))
    templaters = [name for one in above for name in (_table(one.get(_CORE)).get("templater"),) if isinstance(name, str)]
    return SqlfluffConfig(
        tuple(kept),
        templaters[-1] if templaters else _DEFAULT_TEMPLATER,
        tuple(sorted(globs)),
        dbt.get("profile"),
        "profiles_dir" in dbt,
    )


async def find_sqlfluff_config(directory: str) -> SqlfluffConfig | None:
    """Find and read the configuration for a dbt project.

    Args:
        directory: the directory of the project.

    Returns:
        The configuration, or None if there is none in the directory or above.
    """
    parts = directory.split("/") if directory else []
    above = [glob.escape("/".join(parts[:count])) for count in range(len(parts) + 1)]
    names = (*_NAMES, _IGNORE)
    globs = [posixpath.join(where, name) for where in above for name in names]
    globs += [posixpath.join(above[-1], "**", name) for name in names]
    found = await engine.path_globs_contents(PathGlobs(globs, glob_match_error_behavior=GlobMatchErrorBehavior.ignore))
    return read_sqlfluff_config(found, directory)


def generated_profile(project_file: bytes, config: SqlfluffConfig, target: str) -> bytes:
    """Write a profile with which dbt compiles models without a server: it connects only where a model asks for data.

    Args:
        project_file: the `dbt_project.yml`.
        config: the configuration of sqlfluff.
        target: the name of dbt's target.
    """
    try:
        document = yaml.safe_load(project_file)
    except yaml.YAMLError:
        document = None
    name = config.profile or _table(document).get("profile") or "cascade"
    embedded = {"type": "duckdb", "path": ":memory:", "schema": "main", "threads": 1}
    production = {"type": "trino", "method": "none", "host": "localhost", "port": 443, "user": "sqlfluff", "threads": 1}
    production.update(database="lakehouse", schema="main")
    outputs = {"embedded": embedded, "production": production}
    text: str = yaml.safe_dump({str(name): {"target": target, "outputs": outputs}})
    return text.encode()
