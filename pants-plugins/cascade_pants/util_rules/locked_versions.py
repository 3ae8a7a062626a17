"""Which versions the lockfile of a resolve holds."""

from __future__ import annotations

import glob
from dataclasses import dataclass
from typing import Any

from pants.engine.fs import GlobMatchErrorBehavior, PathGlobs
from pants.engine.rules import collect_rules, rule
from pants.util.frozendict import FrozenDict

from cascade_pants import engine
from cascade_pants.lockfiles import read_lock


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


@rule
async def read_locked_versions(request: LockedVersionsRequest) -> LockedVersions:
    contents = await engine.path_globs_contents(
        PathGlobs([glob.escape(request.path)], glob_match_error_behavior=GlobMatchErrorBehavior.ignore)
    )
    return LockedVersions(FrozenDict(read_lock(contents[0].content).versions if contents else {}))


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
