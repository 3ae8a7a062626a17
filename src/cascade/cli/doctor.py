"""`doctor`: what is missing on this machine, and how to get it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.framework.project import require_project_root
from cascade.terminal.output import Output
from cascade.terminal.words import counted, is_terminal, styled

if TYPE_CHECKING:
    from cascade.doctor.finding import Finding

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
    from cascade.config import find_project_root
    from cascade.doctor.examination import Examination
    from cascade.processes.ports import require_free_port

    examination = Examination(
        program=invocation.program,
        find_root=require_project_root if invocation.given is None else find_project_root,
        read_config=lambda: invocation.config,
        load=lambda: invocation.loaded,
        require_free_port=require_free_port,
    )
    findings: list[Finding] = []
    for finding in examination.findings():
        findings.append(finding)
        _print(out, finding)
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
