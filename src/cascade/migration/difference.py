"""The difference that a migration makes, as text for a person, without secrets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from cascade.config.secrets import MASK, is_secret_name, mask_secrets
from cascade.migration.dotenv_text import without_values
from cascade.migration.plan import FileChange, Plan, printable

_SETTINGS = frozenset({".toml", ".yaml", ".yml", ".cfg", ".ini"})
_ASSIGNMENT = re.compile(r"(?P<before>[ +-]?\s*(?P<name>[\w.-]+)\s*[=:]\s*)(?P<value>\S.*)")
_LOOKED_UP = re.compile(r"[ +-]\s*\w+=dlt\.secrets\[[^\[\]]*\],?")
"""Code that names a secret and does not have it."""
_NOWHERE = "/dev/null"


def difference(plan: Plan) -> Iterator[str]:
    """Yield the lines of a unified diff. A file that is only moved or removed has one line.

    Args:
        plan: the migration.
    """
    for change in plan.changes:
        yield from map(printable, _of_file(plan, change))


def _of_file(plan: Plan, change: FileChange) -> Iterator[str]:
    if change.kind == "removed":
        yield f"remove {change.old}"
        return
    if change.content is None:
        yield f"{'move' if plan.in_place else 'copy'} {change.old} to {change.new}"
        return
    assert change.new is not None
    before = (plan.root / change.old).read_bytes() if change.old is not None else b""
    old, new = f"a/{change.old}" if change.old else _NOWHERE, f"b/{change.new}"
    try:
        text_before, text_after = before.decode(), change.content.decode()
    except UnicodeDecodeError:
        yield f"binary files {old} and {new} differ"
        return
    if not change.content:
        yield f"create {change.new}, empty"
        return
    path = PurePosixPath(change.new)
    split = without_values if path.name.startswith(".env") or path.suffix == ".env" else str.splitlines
    lines = difflib.unified_diff(split(text_before), split(text_after), fromfile=old, tofile=new, lineterm="", n=1)
    for position, line in enumerate(lines):
        yield line if position < 2 else _without_secrets(line, path)


def _without_secrets(line: str, path: PurePosixPath) -> str:
    if path.suffix in _SETTINGS:
        found = _ASSIGNMENT.fullmatch(line)
        if found and is_secret_name(found["name"]):
            return found["before"] + MASK
    return line if path.suffix == ".py" and _LOOKED_UP.fullmatch(line) else mask_secrets(line)
