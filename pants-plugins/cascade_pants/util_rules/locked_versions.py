"""Which versions the lockfile of a resolve holds."""

from __future__ import annotations

import glob
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from pants.engine.fs import GlobMatchErrorBehavior, PathGlobs
from pants.engine.rules import collect_rules, rule
from pants.util.frozendict import FrozenDict

from cascade_pants import engine
from cascade_pants.requirement_names import requirement_name

_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*==\s*(?P<version>[^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class LockedVersionsRequest:
    """Read a lockfile.

    Args:
        path: its path from the root of the repository.
    """

    path: str


@dataclass(frozen=True)
class LockedVersions:
    """What a lockfile holds.

    Args:
        by_name: the versions of each distribution, by its normalized name. There may be several for one, each for other
            versions of Python.
    """

    by_name: FrozenDict[str, tuple[str, ...]]


def locked_versions_in(content: bytes) -> dict[str, tuple[str, ...]]:
    """Read a lockfile of Pex, which is JSON below a comment, or one in the form of a `requirements.txt`.

    Args:
        content: the file. Of one in any other form, nothing is known.
    """
    text = content.decode("utf-8", "replace")
    found: defaultdict[str | None, set[str]] = defaultdict(set)
    try:
        document = json.loads("\n".join(line for line in text.splitlines() if not line.startswith("//")))
        for resolve in document["locked_resolves"]:
            for one in resolve["locked_requirements"]:
                found[requirement_name(one["project_name"])].add(str(one["version"]))
    except (ValueError, KeyError, TypeError):
        found.clear()
        for match in _PINNED.finditer(text):
            found[requirement_name(match["name"])].add(match["version"])
    return {name: tuple(sorted(versions)) for name, versions in found.items() if name is not None}


@rule
async def read_locked_versions(request: LockedVersionsRequest) -> LockedVersions:
    contents = await engine.path_globs_contents(
        PathGlobs([glob.escape(request.path)], glob_match_error_behavior=GlobMatchErrorBehavior.ignore)
    )
    return LockedVersions(FrozenDict(locked_versions_in(contents[0].content) if contents else {}))


if engine.BY_NAME:

    async def locked_versions(request: LockedVersionsRequest) -> LockedVersions:
        """Read a lockfile, once for all callers."""
        versions: LockedVersions = await read_locked_versions(request)
        return versions

else:
    from cascade_pants.engine.own_rules import own_rule

    locked_versions = own_rule(LockedVersions, LockedVersionsRequest)  # type: ignore[assignment]


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
