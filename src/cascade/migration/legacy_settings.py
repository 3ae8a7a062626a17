"""The settings of a project in the old layout: `.env`, `workspace.yaml`, `pyproject.toml` and `.gitignore`."""

from __future__ import annotations

import re
from io import StringIO
from pathlib import PurePosixPath

from cascade.legacy.layout import LegacyLayout
from cascade.legacy.variables import BECOME_SETTINGS, SETTINGS, UNUSED, OldVariable, settings_of
from cascade.migration.dotenv_text import BYTE_ORDER_MARK, statements
from cascade.migration.legacy_places import DBT_PROJECT, WORKFLOWS
from cascade.migration.new_pyproject import add_pyproject
from cascade.migration.pyproject import PYPROJECT, ProjectTable, migrate_pyproject
from cascade.migration.tree import Tree

_PREFIX = "CASCADE_"
_REFERENCE = re.compile(r"\$\{?(\w+)")
_LOCATION = re.compile(r"location_name:\s*[\"']?([\w.-]+)")
_OLD_DEFINITIONS = re.compile(r"\bcascade\.definitions\b")
_DEFINITIONS = "cascade.framework.definitions"
_READERS = frozenset({".py", ".yml", ".yaml", ".sh", ".toml", ".conf", ".cfg", ""})
_IGNORED = ".cascade/"


def migrate_settings(tree: Tree, layout: LegacyLayout, name: str | None) -> None:
    """Rewrite the settings.

    Args:
        tree: the files, moved.
        layout: what they were.
        name: the name of the project; by default, that of its code location, or of its directory.
    """
    if layout.workspace is not None:
        path = layout.workspace.relative_to(layout.root).as_posix()
        text = tree.text(path) or ""
        tree.write(path, _OLD_DEFINITIONS.sub(_DEFINITIONS, text))
        location = _LOCATION.search(text)
        name = name or (location[1] if location else None)
    for path in tree.paths():
        if "/" not in path and (path == ".env" or path.startswith(".env.")):
            _migrate_dotenv(tree, path)
    settings = {"workflows_path": WORKFLOWS}
    if f"{DBT_PROJECT}/dbt_project.yml" in tree:
        settings["dbt_project_dir"] = DBT_PROJECT
        if f"{DBT_PROJECT}/profiles.yml" in tree:
            tree.decide(
                "dbt uses this file in place of Cascade's own profiles. Remove it if it only says how to reach Trino "
                "or DuckDB: the settings of Cascade say that too.",
                f"{DBT_PROJECT}/profiles.yml",
            )
    table = ProjectTable(name or layout.root.name, settings)
    if PYPROJECT in tree:
        migrate_pyproject(tree, table)
    else:
        add_pyproject(tree, table)
    _ignore_state(tree)


def _ignore_state(tree: Tree) -> None:
    if ".gitignore" not in tree and ".env" in tree:
        # A `.env` contains secrets, and nothing keeps it out of git.
        tree.write(".gitignore", f"{_IGNORED}\n.env\n")
        return
    text = tree.text(".gitignore") or "" if ".gitignore" in tree else ""
    if not {_IGNORED, ".cascade", f"/{_IGNORED}", "/.cascade"} & {line.strip() for line in text.splitlines()}:
        end = "\r\n" if "\r\n" in text else "\n"
        tree.write(".gitignore", text + (end if text and not text.endswith("\n") else "") + _IGNORED + end)


def _migrate_dotenv(tree: Tree, path: str) -> None:
    """Rename the variables of a `.env`. Those that other files read too stay beside the new ones."""
    from dotenv import dotenv_values

    text = tree.text(path)
    if text is None:
        tree.decide("It is not UTF-8, so its names were not changed.", path)
        return
    mark = BYTE_ORDER_MARK if text.startswith(BYTE_ORDER_MARK) else ""
    text = text.removeprefix(mark)
    values = dotenv_values(stream=StringIO(text), interpolate=False)
    present = set(values)
    by_first = {each.names[0]: each for each in settings_of(values)}
    elsewhere = _read_elsewhere(tree, present & (BECOME_SETTINGS | UNUSED))
    new = ""
    for statement in statements(text):
        name = statement.name or ""
        found = statement.assignment if name in BECOME_SETTINGS else None
        renamed = None if found is None else _renamed(statement.text, found, by_first.get(name), present)
        if name in UNUSED and name not in elsewhere:
            tree.decide(f"Nothing reads {name} any more. Remove it.", path, statement.line)
        new += statement.above
        if renamed is None or name in elsewhere:
            new += statement.text
        if renamed:
            # The last line may have no end.
            new += ("\n" if new and not new.endswith(("\n", "\r")) else "") + renamed
    tree.write(path, mark + new)


def _renamed(text: str, found: re.Match[str], variable: OldVariable | None, present: set[str]) -> str | None:
    """Return the assignment of the new variable. An empty string if there is none, because another has its value."""
    name = found["name"]
    if variable is None:
        setting = SETTINGS.get(name)
        # The port of a URL that is on the line of its host, or a second variable of one setting.
        return "" if setting is None or name in present else text
    new = f"{_PREFIX}{variable.setting.upper()}"
    if new in present:
        return ""
    if name in SETTINGS:
        return f"{found['before']}{new}{found['after']}"
    end = text[len(text.rstrip("\r\n")) :]
    return f"{found['before']}{new}={variable.value}{end}"


def _read_elsewhere(tree: Tree, names: set[str]) -> set[str]:
    """Return which variables other files read, such as those of Docker Compose, or the project's own settings."""
    found: set[str] = set()
    for path in tree.paths():
        name = PurePosixPath(path)
        if name.name.startswith(".env"):
            # A value may be put together from others: `URL=postgresql://${POSTGRES_HOST}/lake`.
            found |= names & {*_REFERENCE.findall(tree.small_text(path) or "")}
            continue
        if name.suffix not in _READERS:
            continue
        text = tree.small_text(path) or ""
        # A field of a settings class of pydantic is the name in lower case.
        found |= {each for each in names if re.search(rf"\b{each}\b|^\s+{each.lower()}\s*:", text, re.MULTILINE)}
    return found
