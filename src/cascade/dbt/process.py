"""How a process of dbt is started, from an environment or from inside a PEX."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.dbt.deferral import defers, prepare_deferral, require_on_branch
from cascade.dbt.layout import PROJECT_FILE
from cascade.dbt.manifest import current_manifest, keep_manifest, manifest_place
from cascade.dbt.packed_parse import MANIFEST, copy_packed_parse
from cascade.dbt.parse import START, dbt_is_installed, how_to_install_dbt, trino_is_installed
from cascade.dbt.profile import (
    dbt_environment,
    dbt_state_directory,
    own_profiles_directory,
    require_place_for_branch,
    runs_on_trino,
)
from cascade.dbt.state_files import PARTIAL_PARSE, write_state_file
from cascade.exceptions import UsageError
from cascade.program import typed
from cascade.table_ref import MAIN_BRANCH

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

# With other words, such as `--vars`, dbt may find something else in the project than Cascade does.
_COMMANDS = {"build", "parse", "run", "test", "seed", "snapshot", "compile", "source", "freshness"}
_PARSES_AS_WE_DO = frozenset({*_COMMANDS, "-q", "--quiet", "--use-colors", "--no-use-colors", "--no-partial-parse"})
_WRITES = frozenset({"build", "clone", "retry", "run", "seed", "snapshot", "test"})
_CHOOSES_NODES = ("-s", "--select", "-m", "--models", "--model", "--exclude", "--selector", "--resource-type")


def require_dbt_project(config: CascadeConfig) -> None:
    """Raise if dbt cannot run.

    Args:
        config: the settings.

    Raises:
        UsageError: dbt is not installed, or its adapter for Trino, or there is no dbt project.
    """
    if not dbt_is_installed():
        raise UsageError("dbt is not installed.", hint=how_to_install_dbt())
    if runs_on_trino(config) and not trino_is_installed():
        raise UsageError("dbt cannot run on Trino: dbt-trino is not installed.", hint=how_to_install_dbt(extra="trino"))
    if not (config.dbt_project_directory / PROJECT_FILE).is_file():
        raise UsageError(
            f"There is no dbt project: {config.dbt_project_directory / PROJECT_FILE} does not exist.",
            hint=f"Create one: {typed('create-workflow --type transform')}\n"
            "Or set dbt_project_dir to the directory of an existing one.",
        )


def run_dbt(config: CascadeConfig, arguments: Sequence[str]) -> int:
    """Run dbt on the project, with the standard streams of this process.

    The state that `state:modified` compares with is the manifest of the last whole `build` that succeeded.

    Args:
        config: the settings.
        arguments: the words after `dbt`.

    Returns:
        dbt's exit code: 0, or 1 if a model or a test failed, or 2 if dbt could not run.

    Raises:
        UsageError: dbt is not installed, or there is no dbt project, or a model would not go to the branch.
        ConfigError: the target is `production`, and there is no Trino server.
    """
    require_dbt_project(config)
    require_place_for_branch(config)
    if defers(config) and _WRITES.intersection(arguments):
        # What dbt would choose is not known before it runs.
        require_on_branch(config, json.loads(current_manifest(config).read_bytes()))
    prepare_deferral(config)
    environment = {**os.environ, **dbt_environment(config)}
    target = Path(environment["DBT_TARGET_PATH"])
    if not (target / PARTIAL_PARSE).is_file():
        target.mkdir(parents=True, exist_ok=True)
        copy_packed_parse(config, target)
    place, begun = manifest_place(config, environment), _changed_at(target)
    # A profile of the user's own may name a file, which dbt looks for where it starts, and dagster-dbt starts it there.
    directory = config.dbt_project_directory if own_profiles_directory(config) is not None else None
    process = subprocess.Popen([sys.executable, "-c", START, *arguments], env=environment, cwd=directory)
    while True:
        try:
            code = process.wait()
            break
        except KeyboardInterrupt:
            # The terminal has interrupted dbt too, which ends its queries first.
            continue
    is_parsed = code in (0, 1) and _changed_at(target) != begun and _PARSES_AS_WE_DO.issuperset(arguments)
    if is_parsed and manifest_place(config, environment) == place:
        keep_manifest(config, target, place)
    if code == 0 and config.branch == MAIN_BRANCH and _is_whole_build(arguments):
        _keep_state(target, dbt_state_directory(config) / "state")
    return code if code >= 0 else 128 - code


def dbt_executable(config: CascadeConfig) -> Path:
    """Return a program that starts the dbt of this environment, which need not be the first one on the `PATH`.

    It is written, because a PEX has no scripts, and those of one that is unpacked ignore `PYTHONPATH`, with which dbt
    finds the plugin of the profile.

    Args:
        config: the settings.
    """
    written = dbt_state_directory(config) / "bin" / "dbt"
    text = f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(START)} "$@"\n'
    write_state_file(written, text, executable=True)
    return written


def _is_whole_build(arguments: Sequence[str]) -> bool:
    chosen = any(word.partition("=")[0] in _CHOOSES_NODES for word in arguments)
    return "build" in arguments and not chosen and not {"--help", "-h", "--empty"} & set(arguments)


def _changed_at(target: Path) -> int | None:
    """Return when dbt has written the manifest; None if it has not."""
    manifest = target / MANIFEST
    return manifest.stat().st_mtime_ns if manifest.is_file() else None


def _keep_state(target: Path, state: Path) -> None:
    manifest = target / MANIFEST
    if manifest.is_file():
        state.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(manifest, state / f"{MANIFEST}.new")
        (state / f"{MANIFEST}.new").replace(state / MANIFEST)
