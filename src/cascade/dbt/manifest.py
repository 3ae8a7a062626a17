"""The manifest of the dbt project as its files are now. dbt parses only if a file has changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.dbt.layout import PROJECT_FILE
from cascade.dbt.parse import failed_without_reason, log_events, run_parse
from cascade.dbt.profile import PROFILES_FILE, PROFILES_VARIABLE, dbt_environment, dbt_state_directory
from cascade.dbt.results import read_problems
from cascade.dbt.state_files import copy_partial_parse
from cascade.exceptions import CascadeError, SourceLocation

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_MANIFEST = "manifest.json"
# What dbt itself writes, unless told where.
_WRITTEN = frozenset({"target", "logs"})
_KEPT = 3
_SHOWN = 5


def current_manifest(config: CascadeConfig) -> Path:
    """Return the file of the manifest. If a file of the project has changed, dbt parses those that have.

    Args:
        config: the settings.

    Returns:
        `manifest.json`, next to the `partial_parse.msgpack` that belongs to it.

    Raises:
        CascadeError: dbt cannot parse the project. The message lists each problem with its file and line.
        ConfigError: the target is `production`, and there is no Trino server.
    """
    environment = dbt_environment(config)
    parsed = dbt_state_directory(config) / "parsed"
    found = parsed / _fingerprint(config, environment)
    if not (found / _MANIFEST).is_file():
        parsed.mkdir(parents=True, exist_ok=True)
        older = _newest_first(parsed)
        with tempfile.TemporaryDirectory(prefix="new-", dir=parsed) as name:
            new = Path(name) / "target"
            new.mkdir()
            if older:
                copy_partial_parse(older[0], new)
            _parse(config, environment, new)
            # Another process may have parsed the same files meanwhile.
            if not found.exists():
                new.replace(found)
        for directory in older[_KEPT - 1 :]:
            shutil.rmtree(directory, ignore_errors=True)
    return found / _MANIFEST


def find_manifest(config: CascadeConfig) -> Path | None:
    """Return the file of the manifest, or None if a file of the project has changed since dbt parsed it.

    Args:
        config: the settings.

    Raises:
        ConfigError: the target is `production`, and there is no Trino server.
    """
    parsed = dbt_state_directory(config) / "parsed"
    if not parsed.is_dir():
        # The environment of dbt needs files, which asking should not write.
        return None
    found = parsed / _fingerprint(config, dbt_environment(config)) / _MANIFEST
    return found if found.is_file() else None


def _parse(config: CascadeConfig, environment: dict[str, str], target: Path) -> None:
    directory = config.dbt_project_directory
    result = run_parse(["--target-path", str(target), "--log-path", str(target)], environment)
    if result.returncode == 0 and (target / _MANIFEST).is_file():
        return
    # What dbt merely warns about does not keep the models from running.
    errors = (event for event in log_events(result.stdout) if event.get("info", {}).get("level") == "error")
    problems = read_problems(errors, directory)
    if not problems:
        problems = (failed_without_reason(result, directory / PROJECT_FILE),)
    first, *others = problems
    listed = "".join(f"\n{problem.file}:{problem.line}: {problem.message}" for problem in others[:_SHOWN])
    raise CascadeError(f"{first.message}{listed}", location=SourceLocation(str(first.file), first.line))


def _newest_first(parsed: Path) -> list[Path]:
    found = [directory for directory in parsed.iterdir() if (directory / _MANIFEST).is_file()]
    return sorted(found, key=lambda directory: directory.stat().st_mtime, reverse=True)


def _fingerprint(config: CascadeConfig, environment: dict[str, str]) -> str:
    """Return a text that changes when dbt may find something else in the project."""
    profile = Path(environment[PROFILES_VARIABLE]) / PROFILES_FILE
    state = [
        _version(),
        sorted((name, value) for name, value in environment.items() if name.startswith("DBT_CASCADE_")),
        # A model may read any of them.
        sorted((name, value) for name, value in os.environ.items() if name.startswith("DBT_")),
        profile.read_text(encoding="utf-8") if profile.is_file() else None,
        sorted(_states(config.dbt_project_directory)),
    ]
    return hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]


def _version() -> str | None:
    try:
        return version("dbt-core")
    except PackageNotFoundError:
        return None


def _states(directory: Path) -> Iterator[tuple[str, int, int]]:
    for place, names, files in os.walk(directory, followlinks=True):
        here = Path(place)
        top = here == directory
        names[:] = [name for name in names if not name.startswith(".") and not (top and name in _WRITTEN)]
        for file in files:
            try:
                found = (here / file).stat()
            except OSError:
                continue
            yield (here / file).relative_to(directory).as_posix(), found.st_mtime_ns, found.st_size
