"""`doctor`: check this machine and the project."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.doctor_recover import recover_catalog
from cascade.cli.options import json_option
from cascade.exceptions import UsageError
from cascade.framework.project import require_project_root
from cascade.terminal.output import Output
from cascade.terminal.words import counted, is_terminal, styled

if TYPE_CHECKING:
    from cascade.doctor.finding import Finding

_COLORS = {"ok": "green", "warning": "yellow", "problem": "red"}
_WIDTHS = (9, 20)


@click.command(short_help="Check this machine and the project, and explain how to fix problems.")
@click.option("--recover", is_flag=True, help="Rebuild a lost catalog from the files of the warehouse.")
@click.option("--warehouse", metavar="LOCATION", help="Where --recover looks, if not in the warehouse of the settings.")
@click.option(
    "--metadata", "choices", metavar="FILE", multiple=True, help="The state to register, where --recover finds several."
)
@click.option("--dry-run", is_flag=True, help="Print what --recover would register, and change nothing.")
@json_option
@click.pass_obj
def doctor(
    invocation: Invocation, out: Output, recover: bool, warehouse: str | None, choices: Sequence[str], dry_run: bool
) -> None:
    """Check this machine and the project, and explain how to fix problems.

    The checks cover Python, the packages and extras, pytest, the clock, the disk, the port of the UI, git, the
    project's settings, its catalog and warehouse, its workflows and dbt. They change nothing, except that they write a
    small file to the warehouse and delete it. Secrets are masked. Outside a project, only the machine is checked.

    Exit code 1 if there is a problem. With only warnings, the exit code is 0.

    \b
        cascade doctor --recover --dry-run
        cascade doctor --recover

    With --recover, nothing is checked. The last state of each table is found in the metadata files of the warehouse,
    and registered unless the catalog has the table. Its rows, snapshots, branches and ledger are then as they were. A
    commit that was never accepted is not chosen. Exit code 1 if a table could not be registered.
    """
    if recover:
        recover_catalog(invocation, out, warehouse=warehouse, choices=choices, dry_run=dry_run)
        return
    if warehouse or choices or dry_run:
        raise UsageError("--warehouse, --metadata and --dry-run belong to --recover.", hint="Add --recover.")
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
    counts = {status: sum(finding.status == status for finding in findings) for status in _COLORS}
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
    # Hints are not wrapped, so that their commands can be copied.
    lines = [*_wrapped(finding.detail, len(indent)), *(finding.hint or "").splitlines()]
    word = styled(finding.status.ljust(first), _COLORS[finding.status])
    out.say(f"{word}{finding.check.ljust(second)}{lines[0]}")
    for line in lines[1:]:
        out.say(f"{indent}{line}")


def _wrapped(text: str, indent: int) -> list[str]:
    """Wrap text to the width of the terminal. Keep its lines if the output is not a terminal."""
    if not is_terminal(sys.stdout):
        return text.splitlines()
    width = max(shutil.get_terminal_size().columns - indent, 40)
    return [
        part
        for line in text.splitlines()
        for part in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False)
    ]
