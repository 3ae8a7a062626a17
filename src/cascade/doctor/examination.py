"""All checks of `doctor`, in their order."""

from __future__ import annotations

import itertools
import os
import platform
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.doctor import lakehouse, machine, packages, project, trino
from cascade.doctor.finding import Finding, known_secrets, without_secrets
from cascade.exceptions import CascadeError
from cascade.terminal.words import first_line

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.framework.collect import Collected

_HOST, _PORT = "127.0.0.1", 3000


@dataclass
class Examination:
    """The checks of this machine and of the project.

    Args:
        program: the command that the user types, for hints.
        find_root: returns the root of the project, or raises a `CascadeError` if there is no project.
        read_config: reads the settings of the project, or raises a `CascadeError`.
        load: imports the modules of the project; returns their contents, and an error for each that does not import.
        require_free_port: raises a `CascadeError` if a port is taken. Called with the address, the port and the
            command that needs it.
    """

    program: str
    find_root: Callable[[], Path]
    read_config: Callable[[], CascadeConfig]
    load: Callable[[], tuple[Collected, tuple[CascadeError, ...]]]
    require_free_port: Callable[[str, int, str], None]

    def __post_init__(self) -> None:
        self._config: CascadeConfig | None = None

    def findings(self) -> Iterator[Finding]:
        """Run the checks, and yield each finding, with its secrets masked, as soon as it is known."""
        for finding in itertools.chain(self._of_machine(), self._of_project()):
            yield without_secrets(finding, known_secrets(os.environ, self._config))

    def _of_machine(self) -> Iterator[Finding]:
        requirements = packages.own_requirements()
        yield from _tried("Python", lambda: packages.check_python(platform.python_version(), requirements))
        yield from _tried("packages", lambda: packages.check_required(requirements))
        yield from _tried("extras", lambda: packages.check_extras(requirements))
        yield from _tried("pytest", packages.check_pytest)
        installed = machine.installed_at(__file__)
        yield from _tried("clock", lambda: machine.check_clock(datetime.now(UTC), installed))
        yield from _tried("time zones", machine.check_time_zones)
        yield from _tried(f"port {_PORT}", self._port)

    def _port(self) -> Finding:
        return machine.check_port(_HOST, _PORT, self.program, self.require_free_port)

    def _of_project(self) -> Iterator[Finding]:
        found, root = project.check_root(self.find_root)
        yield found
        if root is None:
            return
        yield from _tried("git", lambda: project.check_git(root))
        settings, config = project.check_settings(self.read_config)
        # Their secrets are masked from here on.
        self._config = config
        yield from settings
        if config is None:
            return
        state = config.state_directory
        yield from _tried("state", lambda: project.check_writable("state", state, "CASCADE_PROJECT_ROOT"))
        yield from _tried("disk", lambda: machine.check_disk(state))
        yield from _tried("Dagster's home", lambda: project.check_dagster_home(config.dagster_home, os.environ))
        if (url := config.dagster_database) is not None:
            origin = config.origin_of("dagster_database")
            yield from _tried(
                "Dagster's database", lambda: project.check_dagster_database(url, config.dagster_home, origin)
            )
        if config.run_launcher != "process":
            yield from _tried("run launcher", lambda: project.check_run_launcher(config))
        if config.is_observed:
            yield from _tried("alerts and metrics", lambda: project.check_observed(config.dagster_home))
        catalog, opened = lakehouse.check_catalog(config)
        yield catalog
        yield from _tried("warehouse", lambda: lakehouse.check_warehouse(config, opened))
        yield from _tried("dbt", lambda: _dbt(config))
        yield from _tried("Trino", lambda: trino.check_trino(config, opened))
        yield from _tried("workflows", lambda: project.check_workflows(self.load, self.program))


def _dbt(config: CascadeConfig) -> Finding:
    from cascade.dbt import dbt_is_installed

    return project.check_dbt(config.dbt_project_directory, dbt_is_installed, packages.installed_version("dbt-core"))


def _tried(name: str, check: Callable[[], Finding | Iterable[Finding]]) -> list[Finding]:
    """Run a check. If it fails itself, report that as a finding and go on."""
    try:
        found = check()
    except Exception as error:
        detail = f"the check itself failed: {type(error).__name__}: {first_line(error)}"
        return [Finding(name, "problem", detail)]
    return [found] if isinstance(found, Finding) else list(found)
