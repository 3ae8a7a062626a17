"""The command line of a project's Dagster code server."""

from __future__ import annotations

import sys
from pathlib import Path

from cascade.framework.project import Project


def code_server_argv(project: Project, root: Path, log_level: str = "warning") -> list[str]:
    """Gives the command line of a project's code server, without where it listens."""
    return [
        *(sys.executable, "-m", "dagster", "code-server", "start"),
        *("--module-name", project.module, "--attribute", "defs"),
        *("--working-directory", str(root), "--location-name", project.name),
        # Runs are started with this very interpreter: in a PEX there is no `dagster` on the path.
        *("--use-python-environment-entry-point", "--log-level", log_level),
    ]
