"""A copy of the files of a dbt project that a batch needs, in which YAML describes only what is there.

dbt refuses a unit test or an exposure of a model that it does not see, and a block of documentation that is missing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from cascade.dbt_graph.templates import docs_blocks

_SNAPSHOT = re.compile(r"\{%-?\s*snapshot\s+(\w+)\s*-?%\}")
_DOC = re.compile(r"\bdoc\(\s*(?:['\"][^'\"]*['\"]\s*,\s*)?['\"](\w+)['\"]")
_YAML = (".yml", ".yaml")
_NODES = (".sql", ".py", ".csv")
_DESCRIBED = ("models", "seeds", "snapshots", "analyses")
# They test nothing, and refer to models that may be missing.
_UNTESTED = ("exposures", "metrics", "semantic_models", "saved_queries")
# They have names of their own.
_SETTINGS = ("dbt_project", "packages", "dependencies", "selectors", "profiles")


def copy_files(files: Iterable[str], target: Path) -> None:
    """Copy files of a dbt project and of its packages.

    Args:
        files: the files, relative to the working directory.
        target: the directory that stands for the working directory.
    """
    listed = sorted(files)
    blocks = {name for file in listed if file.endswith(".md") for name in docs_blocks(_text(file))}
    names = {_stem(file) for file in listed if file.endswith(_NODES)} | set(_snapshots(listed))
    for file in listed:
        copy = target / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        content = Path(file).read_bytes()
        if file.endswith(_YAML) and _stem(file) not in _SETTINGS:
            content = _only_present(content, names, blocks)
        copy.write_bytes(content)


def _stem(file: str) -> str:
    return os.path.splitext(os.path.basename(file))[0]


def _text(file: str) -> str:
    return Path(file).read_text(encoding="utf-8", errors="replace")


def _snapshots(files: Iterable[str]) -> Iterable[str]:
    """Return the names of snapshots, which are in the files that define them."""
    for file in files:
        if file.endswith(".sql"):
            yield from _SNAPSHOT.findall(_text(file))


def _only_present(content: bytes, names: set[str], blocks: set[str]) -> bytes:
    try:
        document = yaml.safe_load(content)
    except yaml.YAMLError:
        # dbt reports it.
        return content
    if not isinstance(document, dict):
        return content
    kept = {
        section: [one for one in entries if _is_present(section, one, names)] if isinstance(entries, list) else entries
        for section, entries in document.items()
        if section not in _UNTESTED
    }
    kept = _described(kept, blocks)
    if kept == document:
        return content
    text: str = yaml.safe_dump(kept, sort_keys=False, allow_unicode=True)
    return text.encode()


def _described(value: Any, blocks: set[str]) -> Any:
    """Leave out descriptions that name a missing block of documentation."""
    if isinstance(value, list):
        return [_described(one, blocks) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _described(one, blocks)
        for key, one in value.items()
        if key != "description" or not isinstance(one, str) or set(_DOC.findall(one)) <= blocks
    }


def _is_present(section: str, entry: Any, names: set[str]) -> bool:
    if not isinstance(entry, Mapping):
        return True
    if section == "unit_tests":
        return str(entry.get("model")) in names
    if section not in _DESCRIBED or "relation" in entry:
        return True
    return bool(_files_of(entry) & names)


def _files_of(entry: Mapping[str, Any]) -> set[str]:
    """Return the stems of the files that may be those of an entry. A model with versions has one for each."""
    name = str(entry.get("name"))
    found = {name}
    versions = entry.get("versions")
    for version in versions if isinstance(versions, list) else ():
        if isinstance(version, Mapping):
            number = version.get("v")
            found |= {f"{name}_v{number}", f"{name}.v{number}", os.path.splitext(str(version.get("defined_in")))[0]}
    return found
