"""Where the YAML or the SQL of a dbt project says what it says in `meta.cascade`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cascade.exceptions import SourceLocation


def place_of_meta(node: Mapping[str, Any], project: Path, word: str) -> SourceLocation:
    """Return the place of a word in the `meta` of a node: in the YAML that describes it, or in its own file.

    Args:
        node: the node in dbt's manifest.
        project: the directory of the dbt project.
        word: a key or a value in the `meta`.

    Returns:
        The place. If the word is in neither file, as it is below `models:` in `dbt_project.yml`, the file of the node.
    """
    own = str(node["original_file_path"])
    described = str(node.get("patch_path") or "").rpartition("://")[2]
    for file in filter(None, (described, own)):
        # A YAML file describes several nodes, whose names come before what they say.
        start = rf"\bname:\s*['\"]?{re.escape(str(node['name']))}\b" if file.endswith((".yml", ".yaml")) else ""
        line = _line_after(project / file, start, rf"(?<!\w){re.escape(word)}(?!\w)")
        if line is not None:
            return SourceLocation(str(project / file), line)
    return SourceLocation(str(project / own), 1)


def _line_after(file: Path, start: str, wanted: str) -> int | None:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    begun = False
    for number, line in enumerate(lines, start=1):
        begun = begun or re.search(start, line) is not None
        if begun and re.search(wanted, line):
            return number
    return None
