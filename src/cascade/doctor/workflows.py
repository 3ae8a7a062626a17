"""The workflows: whether they import."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from cascade.doctor.finding import Finding
from cascade.exceptions import CascadeError
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.framework.collect import Collected


def check_workflows(load: Callable[[], tuple[Collected, tuple[CascadeError, ...]]], program: str) -> Finding:
    """Imports the project's modules.

    Args:
        load: gives what they hold, and the error of each that does not import.
        program: how the command line was called.
    """
    try:
        # A module may print what it likes: standard output is the doctor's.
        with contextlib.redirect_stdout(sys.stderr):
            collected, failures = load()
    except CascadeError as error:
        return Finding("workflows", "problem", _located(error), error.hint)
    count = counted(len(collected.workflows), "workflow")
    if failures:
        does = "does" if len(failures) == 1 else "do"
        detail = f"{count} and {counted(len(failures), 'module')} that {does} not import. The first: "
        hint = f"See everything that is wrong: {program} validate"
        return Finding("workflows", "problem", detail + _located(failures[0]), hint)
    if not collected.workflows:
        return Finding("workflows", "ok", "none yet", f"Make one: {program} create-workflow")
    return Finding("workflows", "ok", f"{count}, and every module imports")


def _located(error: CascadeError) -> str:
    return f"{error.location}: {error.message}" if error.location else error.message
