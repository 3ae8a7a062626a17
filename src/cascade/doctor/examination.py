"""All checks, in their order."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.doctor import lakehouse, machine, packages, project, workflows
from cascade.doctor.finding import Finding, first_line
from cascade.doctor.secrets import known_secrets, without_secrets
from cascade.exceptions import CascadeError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.framework.collect import Collected


@dataclass
class Examination:
    """What is looked at.

    Args:
        program: how the command line was called.
        find_root: gives the root of the project, or raises a `CascadeError` that says that there is none.
        read_config: reads its settings, or raises a `CascadeError`.
        load: imports its modules; returns what they hold, and the error of each that does not import.
        require_free_port: raises a `CascadeError` if a port is taken, given the address, the port and a command.
    """

    program: str
    find_root: Callable[[], Path]
    read_config: Callable[[], CascadeConfig]
    load: Callable[[], tuple[Collected, tuple[CascadeError, ...]]]
    require_free_port: Callable[[str, int, str], None]

    def __post_init__(self) -> None:
        self._config: CascadeConfig | None = None

    def findings(self) -> Iterator[Finding]:
        """Everything that is found, as it is found, without secrets."""
        for finding in self._everything():
            # The settings are read half-way, and their secrets are known from then on.
            yield without_secrets(finding, known_secrets(os.environ, self._config))

    def _everything(self) -> Iterator[Finding]:
        requirements = packages.own_requirements()
        yield from _tried("Python", lambda: machine.check_python(platform.python_version()))
        yield from _tried("packages", lambda: packages.check_required(requirements))
        yield from _tried("extras", lambda: packages.check_extras(requirements))
        yield from _tried("pytest", packages.check_pytest)
        installed = machine.installed_at(__file__)
        yield from _tried("clock", lambda: machine.check_clock(datetime.now(UTC), installed))
        yield from _tried("time zones", lambda: machine.check_time_zones())
        yield from _tried("port 3000", self._port)
        yield from self._of_project()

    def _port(self) -> Finding:
        return machine.check_port("127.0.0.1", 3000, self.program, self.require_free_port)

    def _of_project(self) -> Iterator[Finding]:
        found, root = project.check_root(self.find_root)
        yield found
        if root is None:
            return
        yield from _tried("git", lambda: project.check_git(root))
        settings, config = project.check_settings(self.read_config)
        self._config = config
        yield from settings
        if config is None:
            return
        state = config.state_directory
        yield from _tried("state", lambda: project.check_writable("state", state, "CASCADE_PROJECT_ROOT"))
        yield from _tried("disk", lambda: machine.check_disk(state))
        yield from _tried("Dagster's home", lambda: project.check_dagster_home(config.dagster_home, os.environ))
        catalog, opened = lakehouse.check_catalog(config)
        yield catalog
        yield from _tried("warehouse", lambda: lakehouse.check_warehouse(config, opened))
        yield from _tried("dbt", lambda: _dbt(config))
        yield from _tried("workflows", lambda: workflows.check_workflows(self.load, self.program))


def _dbt(config: CascadeConfig) -> Finding:
    from cascade.dbt import dbt_is_installed

    return project.check_dbt(config.dbt_project_directory, dbt_is_installed, packages.installed_version("dbt-core"))


def _tried(name: str, check: Callable[[], Finding | Iterable[Finding]]) -> list[Finding]:
    """Runs a check. One that cannot be made is a finding as well, and does not keep the others from being made."""
    try:
        found = check()
    except Exception as error:
        detail = f"the check itself failed: {type(error).__name__}: {first_line(error)}"
        return [Finding(name, "problem", detail)]
    return [found] if isinstance(found, Finding) else list(found)
