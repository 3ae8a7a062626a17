"""The manifest of the dbt project as its files are now. dbt parses only if a file has changed."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.config.dbt_directory import find_packed
from cascade.dbt.layout import PROJECT_FILE
from cascade.dbt.packed_parse import MANIFEST, copy_packed_parse, installed_dbt, packed_parse_fits
from cascade.dbt.parse import failed_without_reason, log_events, run_parse
from cascade.dbt.profile import PROFILES_FILE, PROFILES_VARIABLE, dbt_environment, dbt_state_directory
from cascade.dbt.results import error_of, read_problems
from cascade.dbt.state_files import copy_partial_parse

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

# What dbt itself writes, unless told where.
_WRITTEN = frozenset({"target", "logs"})
# What a profile of the user's own may keep in the project.
_DATABASES = (".duckdb", ".duckdb.wal")
_KEPT = 3


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
    known = _known_manifest(config, environment)
    if known is not None:
        return known
    with _new_directory(config) as new:
        older = _newest_first(new.parent.parent)
        if not copy_packed_parse(config, new) and older:
            copy_partial_parse(older[0], new)
        parse_into(config, environment, new)
        return _keep(new, _place(config, environment))


def find_manifest(config: CascadeConfig) -> Path | None:
    """Return the file of the manifest, or None if a file of the project has changed since dbt parsed it.

    Args:
        config: the settings.

    Raises:
        ConfigError: the target is `production`, and there is no Trino server.
    """
    if not _parsed(config).is_dir() and find_packed(config.project_root, config.dbt_project_directory) is None:
        # The environment of dbt needs files, which asking should not write.
        return None
    return _known_manifest(config, dbt_environment(config))


def manifest_place(config: CascadeConfig, environment: Mapping[str, str]) -> Path:
    """Return where the manifest of the project as its files are now is kept, or would be.

    Args:
        config: the settings.
        environment: the variables of dbt.
    """
    return _place(config, environment) / MANIFEST


def keep_manifest(config: CascadeConfig, target: Path, place: Path) -> None:
    """Keep the parse of another command of dbt, so that nothing parses the same files again.

    Args:
        config: the settings.
        target: the target path of the command.
        place: where the manifest belongs; see `manifest_place`.
    """
    if place.is_file() or not (target / MANIFEST).is_file():
        return
    with _new_directory(config) as new:
        shutil.copyfile(target / MANIFEST, new / MANIFEST)
        copy_partial_parse(target, new)
        _keep(new, place.parent)


def _known_manifest(config: CascadeConfig, environment: Mapping[str, str]) -> Path | None:
    """Return the manifest of a parse of the same files, here or where the PEX was built."""
    place = _place(config, environment)
    if (place / MANIFEST).is_file():
        return place / MANIFEST
    if not packed_parse_fits(config, environment):
        return None
    with _new_directory(config) as new:
        copy_packed_parse(config, new, whole=True)
        return _keep(new, place)


@contextmanager
def _new_directory(config: CascadeConfig) -> Iterator[Path]:
    parsed = _parsed(config)
    parsed.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="new-", dir=parsed) as name:
        new = Path(name) / "target"
        new.mkdir()
        yield new


def _keep(new: Path, place: Path) -> Path:
    for directory in _newest_first(place.parent)[_KEPT - 1 :]:
        shutil.rmtree(directory, ignore_errors=True)
    # Another process may have parsed the same files meanwhile.
    if not place.exists():
        new.replace(place)
    return place / MANIFEST


def _parsed(config: CascadeConfig) -> Path:
    return dbt_state_directory(config) / "parsed"


def parse_into(config: CascadeConfig, environment: Mapping[str, str], target: Path, *, in_order: bool = False) -> None:
    """Let dbt parse the project.

    Args:
        config: the settings.
        environment: the variables of dbt.
        target: the directory of the manifest and `partial_parse.msgpack`. dbt begins with the latter if it is there.
        in_order: whether dbt reads files in the order of their names.

    Raises:
        CascadeError: dbt cannot parse the project. The message lists each problem with its file and line.
    """
    directory = config.dbt_project_directory
    result = run_parse(["--target-path", str(target), "--log-path", str(target)], environment, in_order=in_order)
    if result.returncode == 0 and (target / MANIFEST).is_file():
        return
    # What dbt merely warns about does not keep the models from running.
    errors = (event for event in log_events(result.stdout) if event.get("info", {}).get("level") == "error")
    problems = read_problems(errors, directory)
    if not problems:
        problems = (failed_without_reason(result, directory / PROJECT_FILE),)
    raise error_of(problems)


def _newest_first(parsed: Path) -> list[Path]:
    found = [directory for directory in parsed.iterdir() if (directory / MANIFEST).is_file()]
    return sorted(found, key=lambda directory: directory.stat().st_mtime, reverse=True)


def _place(config: CascadeConfig, environment: Mapping[str, str]) -> Path:
    """Return the directory of a parse. Its name changes when dbt may find something else in the project."""
    profile = Path(environment[PROFILES_VARIABLE]) / PROFILES_FILE
    state = [
        installed_dbt(),
        sorted((name, value) for name, value in environment.items() if name.startswith("DBT_CASCADE_")),
        # A model may read any of them.
        sorted((name, value) for name, value in os.environ.items() if name.startswith("DBT_")),
        profile.read_text(encoding="utf-8") if profile.is_file() else None,
        sorted(_states(config.dbt_project_directory)),
    ]
    return _parsed(config) / hashlib.sha256(json.dumps(state).encode()).hexdigest()[:32]


def _states(directory: Path) -> Iterator[tuple[str, int, int]]:
    for place, names, files in os.walk(directory, followlinks=True):
        here = Path(place)
        top = here == directory
        names[:] = [name for name in names if not name.startswith(".") and not (top and name in _WRITTEN)]
        for file in files:
            if file.endswith(_DATABASES):
                continue
            try:
                found = (here / file).stat()
            except OSError:
                continue
            yield (here / file).relative_to(directory).as_posix(), found.st_mtime_ns, found.st_size
