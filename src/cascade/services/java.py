"""Find a Java of one version, which is rarely on the PATH."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from pathlib import Path

_PLACES = (
    *("/usr/lib/jvm/*", "/usr/java/*", "/opt/java/*", "/opt/*jdk*"),
    *("~/.sdkman/candidates/java/*", "~/.jdks/*", "/Library/Java/JavaVirtualMachines/*/Contents/Home"),
)


def find_java(version: int) -> Path | None:
    """Return the home of a Java: `JAVA_HOME` if it has the version, else the first of the usual places that has it.

    Args:
        version: the major version, such as `25`.
    """
    wanted = re.compile(rf'^JAVA_VERSION="{version}[."]', re.MULTILINE)
    return next(
        (home for home in _homes() if os.access(home / "bin/java", os.X_OK) and wanted.search(_release(home))), None
    )


def _homes() -> Iterator[Path]:
    given = os.environ.get("JAVA_HOME")
    if given:
        yield Path(given)
    for pattern in _PLACES:
        yield from map(Path, sorted(glob.glob(os.path.expanduser(pattern))))


def _release(home: Path) -> str:
    try:
        return (home / "release").read_text("utf-8", errors="replace")
    except OSError:
        return ""
