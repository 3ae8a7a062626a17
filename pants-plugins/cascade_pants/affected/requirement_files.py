"""Which requirements a change of a requirements file concerns. Pure."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cascade_pants.requirement_names import requirement_name
from cascade_pants.toml_text import parse_toml


@dataclass(frozen=True)
class RequirementsChange:
    """What differs between two versions of a requirements file.

    Args:
        changed: the names of the requirements that are new or written otherwise. None if the file does not show it.
        removed: the names of those that are gone.
    """

    changed: frozenset[str] | None = frozenset()
    removed: frozenset[str] = frozenset()


def compare(path: str, before: bytes | None, after: bytes | None) -> RequirementsChange:
    """Compare two versions of a requirements file.

    Args:
        path: its path; a `.toml` file is a `pyproject.toml`, and any other a list of requirements.
        before: the file at the base, or None if there was none.
        after: the file now, or None if there is none.
    """
    read = _read_project if path.endswith(".toml") else _read_list
    old, new = (read(content or b"") for content in (before, after))
    if old is None or new is None:
        return RequirementsChange(changed=None)
    if old.get("") != new.get(""):
        return RequirementsChange(changed=None)
    return RequirementsChange(
        frozenset(name for name, written in new.items() if old.get(name) != written),
        frozenset(old.keys() - new.keys()),
    )


def _grouped(entries: Iterable[tuple[str | None, str]]) -> dict[str, tuple[str, ...]]:
    found: defaultdict[str, list[str]] = defaultdict(list)
    for name, written in entries:
        # The empty name stands for what concerns all requirements.
        found[name or ""].append(written)
    return {name: tuple(sorted(written)) for name, written in found.items()}


def _read_list(content: bytes) -> dict[str, tuple[str, ...]] | None:
    text = re.sub(r"\\\r?\n", " ", content.decode("utf-8", errors="replace"))
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines())
    return _grouped((requirement_name(line), " ".join(line.split())) for line in lines if line)


def _read_project(content: bytes) -> dict[str, tuple[str, ...]] | None:
    document = parse_toml(content)
    if document is None:
        return None
    try:
        return _grouped(_project_entries(document))
    except (AttributeError, TypeError):
        return None


def _project_entries(document: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    project, tool = document.get("project", {}), document.get("tool", {})
    lists = {
        "dependencies": project.get("dependencies", ()),
        **{f"extra {name}": found for name, found in project.get("optional-dependencies", {}).items()},
        **{f"group {name}": found for name, found in document.get("dependency-groups", {}).items()},
        "uv": tool.get("uv", {}).get("dev-dependencies", ()),
    }
    for group, entries in lists.items():
        for entry in entries:
            written = entry if isinstance(entry, str) else json.dumps(entry, sort_keys=True, default=str)
            yield (requirement_name(entry) if isinstance(entry, str) else None), f"{group}: {written}"
    poetry = tool.get("poetry", {})
    tables = {
        "poetry": poetry.get("dependencies", {}),
        "poetry dev": poetry.get("dev-dependencies", {}),
        **{f"poetry {name}": group.get("dependencies", {}) for name, group in poetry.get("group", {}).items()},
    }
    for group, table in tables.items():
        for name, entry in table.items():
            yield requirement_name(name), f"{group}: {json.dumps(entry, sort_keys=True, default=str)}"
    yield None, json.dumps(tool.get("uv", {}).get("sources", {}), sort_keys=True, default=str)
