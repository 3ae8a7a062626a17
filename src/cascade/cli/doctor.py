"""`doctor`: what is missing on this machine, and how to get it."""

from __future__ import annotations

import os
import platform
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.output import Output, counted, is_terminal, json_option, styled
from cascade.framework.project import require_project_root

if TYPE_CHECKING:
    from cascade.cli.health.finding import Finding
    from cascade.config import CascadeConfig

_COLOURS = {"ok": "green", "warning": "yellow", "problem": "red"}
_WIDTHS = (9, 17)


@click.command(short_help="Say what is missing on this machine, and how to get it.")
@json_option
@click.pass_obj
def doctor(invocation: Invocation, out: Output) -> None:
    """Look at the machine and at the project, and say what is missing and how to get it.

    It looks at Python, the packages and extras, the clock, the disk, the port of the UI, the project's settings, its
    catalog and warehouse, its workflows, dbt, git and pytest. It makes and changes nothing, but for a small file that
    it writes into the warehouse and removes. Secrets are not shown. Run it anywhere; in a project it sees more.

    Exit code 1 if there is a problem; warnings alone are 0.
    """
    from cascade.cli.health.secrets import known_secrets, without_secrets

    findings: list[Finding] = []
    for finding in _findings(invocation):
        shown = without_secrets(finding, known_secrets(os.environ, _settings(invocation)))
        findings.append(shown)
        _print(out, shown)
    counts = {status: sum(finding.status == status for finding in findings) for status in _COLOURS}
    worst = next(status for status in ("problem", "warning", "ok") if counts[status] or status == "ok")
    out.json(
        {
            "status": worst,
            "checks": [
                {"check": each.check, "status": each.status, "detail": each.detail, "hint": each.hint}
                for each in findings
            ],
        }
    )
    out.say()
    out.say(f"{counted(counts['problem'], 'problem')}, {counted(counts['warning'], 'warning')}.")
    if counts["problem"]:
        raise click.exceptions.Exit(1)


def _findings(invocation: Invocation) -> Iterator[Finding]:
    """Everything that is found, as it is found."""
    from cascade.cli.health import machine, packages

    requirements = packages.own_requirements()
    yield from _tried("Python", lambda: machine.check_python(platform.python_version()))
    yield from _tried("packages", lambda: packages.check_required(requirements))
    yield from _tried("extras", lambda: packages.check_extras(requirements))
    yield from _tried("pytest", packages.check_pytest)
    installed = machine.installed_at(__file__)
    yield from _tried("clock", lambda: machine.check_clock(datetime.now(UTC), installed))
    yield from _tried("time zones", machine.check_time_zones)
    yield from _tried("port 3000", lambda: machine.check_port("127.0.0.1", 3000, invocation.program))
    yield from _findings_of_project(invocation)


def _findings_of_project(invocation: Invocation) -> Iterator[Finding]:
    from cascade.cli.health import lakehouse, machine, project, workflows

    def find_root() -> Path:
        from cascade.config import find_project_root

        return require_project_root() if invocation.given is None else find_project_root()

    found, root = project.check_root(find_root)
    yield found
    if root is None:
        return
    yield from _tried("git", lambda: project.check_git(root))
    settings, config = project.check_settings(lambda: invocation.config)
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
    yield from _tried("workflows", lambda: workflows.check_workflows(lambda: invocation.loaded, invocation.program))


def _dbt(config: CascadeConfig) -> Finding:
    from cascade.cli.health.packages import installed_version
    from cascade.cli.health.project import check_dbt
    from cascade.dbt import dbt_is_installed

    return check_dbt(config.dbt_project_directory, dbt_is_installed, installed_version("dbt-core"))


def _tried(name: str, check: Callable[[], Finding | Iterable[Finding]]) -> list[Finding]:
    """Runs a check. One that cannot be made is a finding as well, and does not keep the others from being made."""
    from cascade.cli.health.finding import Finding, first_line

    try:
        found = check()
    except Exception as error:
        detail = f"the check itself failed: {type(error).__name__}: {first_line(error)}"
        return [Finding(name, "problem", detail)]
    return [found] if isinstance(found, Finding) else list(found)


def _settings(invocation: Invocation) -> CascadeConfig | None:
    """The settings once they were read, to know their secrets."""
    return invocation.__dict__.get("config")


def _print(out: Output, finding: Finding) -> None:
    first, second = _WIDTHS
    indent = " " * (first + second)
    # Commands are left whole, so that they can be copied.
    lines = [*_wrapped(finding.detail, len(indent)), *(finding.hint or "").splitlines()]
    word = styled(finding.status.ljust(first), _COLOURS[finding.status])
    out.say(f"{word}{finding.check.ljust(second)}{lines[0]}")
    for line in lines[1:]:
        out.say(f"{indent}{line}")


def _wrapped(text: str, indent: int) -> list[str]:
    """Breaks a text to the width of the terminal, and of nothing else."""
    if not is_terminal(sys.stdout):
        return text.splitlines()
    width = max(shutil.get_terminal_size().columns - indent, 40)
    return [
        part
        for line in text.splitlines()
        for part in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
    ]
