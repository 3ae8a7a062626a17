"""Which models differ from the last whole build, by dbt's own comparison of states."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from cascade.dbt.parse import START
from cascade.dbt.profile import dbt_environment
from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_KINDS = ("model", "seed", "snapshot")


def changed_nodes(config: CascadeConfig) -> frozenset[str] | None:
    """Return the names of the models, seeds and snapshots that `state:modified` selects.

    Args:
        config: the settings.

    Returns:
        The names; None if there is no state to compare with.

    Raises:
        CascadeError: dbt cannot compare.
    """
    environment = {**os.environ, **dbt_environment(config), "DBT_DEFER": "false"}
    if not environment.get("DBT_STATE"):
        return None
    kinds = [word for kind in _KINDS for word in ("--resource-type", kind)]
    process = subprocess.run(
        [
            *(sys.executable, "-c", START, "--quiet", "--no-use-colors", "--log-level-file", "none", "ls"),
            *("--select", "state:modified", *kinds, "--output", "json", "--output-keys", "name"),
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if process.returncode:
        told = (process.stdout.strip() or process.stderr.strip()).splitlines()
        raise CascadeError(
            f"dbt cannot compare the models with {environment['DBT_STATE']}: {' '.join(told[-3:])}",
            hint="Say what is affected with --affected or --asset.",
        )
    lines = (line for line in process.stdout.splitlines() if line.startswith("{"))
    return frozenset(str(json.loads(line)["name"]) for line in lines)
