"""The difference that a migration makes, as text for a person, without secrets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from cascade.config.secrets import MASK, is_secret_name, mask_secrets
from cascade.migration.plan import FileChange, Plan

_SETTINGS = frozenset({".toml", ".yaml", ".yml", ".cfg", ".ini"})
_ASSIGNMENT = re.compile(r"(?P<before>[ +-]?\s*(?:export\s+)?(?P<name>[\w.-]+)\s*[=:]\s*)(?P<value>\S.*)")
_HARMLESS = re.compile(r"@@|[ +-]?\s*(?:#|$)|[ +-]?\s*(?:export\s+)?[\w.-]+\s*=\s*$")
"""A line of a `.env` that is empty or a comment, or that sets an empty value."""
_NOWHERE = "/dev/null"


def difference(plan: Plan) -> Iterator[str]:
    """Yield the lines of a unified diff. A file that is only moved or removed has one line.

    Args:
        plan: the migration.
    """
    for change in plan.changes:
        yield from _of_file(plan, change)


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
        lines_before, lines_after = before.decode().splitlines(), change.content.decode().splitlines()
    except UnicodeDecodeError:
        yield f"binary files {old} and {new} differ"
        return
    if not change.content:
        yield f"create {change.new}, empty"
        return
    lines = difflib.unified_diff(lines_before, lines_after, fromfile=old, tofile=new, lineterm="", n=1)
    for position, line in enumerate(lines):
        yield line if position < 2 else _without_secrets(line, PurePosixPath(change.new))


def _without_secrets(line: str, path: PurePosixPath) -> str:
    of_environment = path.name.startswith(".env") or path.suffix == ".env"
    if of_environment or path.suffix in _SETTINGS:
        found = _ASSIGNMENT.fullmatch(line)
        if found and (of_environment or is_secret_name(found["name"])):
            return found["before"] + MASK
    if of_environment and not _HARMLESS.match(line):
        # It continues the value of a line above, such as a private key.
        return line[:1] + MASK
    return mask_secrets(line)
