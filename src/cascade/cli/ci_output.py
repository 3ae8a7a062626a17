"""Print what a run of CI would do, and what it found."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.framework.ci.summary import CiSummary

_GITHUB = "GITHUB_STEP_SUMMARY"


def tell_plan(out: Output, summary: CiSummary, planned: Sequence[tuple[str, str | None]]) -> None:
    """Print what would run, and why.

    Args:
        out: the output of the command.
        summary: what is affected.
        planned: the assets with their partitions, in the order of the runs.
    """
    reasons = summary.reasons
    out.json(
        {
            "runs": [{"asset": asset, "partition": key, "reason": reasons[asset]} for asset, key in planned],
            "left_out": [{"asset": asset, "reason": reason} for asset, reason in summary.left_out.items()],
            "not_compared": [{"table": name, "reason": reason} for name, reason in summary.not_compared.items()],
            "not_loaded": list(summary.not_loaded),
        }
    )
    if planned:
        out.say("Would run, on branches:")
        out.table(("asset", "partition", "because"), [(asset, key or "", reasons[asset]) for asset, key in planned])
    else:
        known = "" if not summary.not_loaded and not summary.not_compared else ", as far as is known"
        out.say(f"Nothing would run: the change affects no workflow and no dbt model{known}.")
    _tell_left_out(out, summary)


def tell_summary(out: Output, summary: CiSummary) -> None:
    """Print what the runs found.

    Args:
        out: the output of the command.
        summary: what they found.
    """
    out.json(summary.document())
    out.say(summary.headline)
    if summary.tables:
        out.say()
        out.table(
            ("table", "added", "removed", "changed", "columns and schema"),
            [found.row for found in summary.tables],
        )
    if summary.contracts:
        out.say()
        out.table(
            ("contract", "effect", "difference", "readers"),
            [(one.table, one.effect, one.what, "; ".join(one.readers)) for one in summary.contracts],
        )
    _tell_left_out(out, summary)
    if summary.kept:
        out.say(f"The branches {summary.branch} stay for a day. Look at one: CASCADE_BRANCH={summary.branch}")


def write_summary(summary: CiSummary, file: Path | None) -> None:
    """Write the summary as Markdown: to a file, and to the page of the job in GitHub Actions.

    Args:
        summary: what the runs found.
        file: the file; None for none.

    Raises:
        CascadeError: a file cannot be written.
    """
    text = summary.markdown()
    page = os.environ.get(_GITHUB)
    try:
        if file is not None:
            file.write_text(text, encoding="utf-8")
        if page:
            with Path(page).open("a", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise CascadeError(f"The summary cannot be written to {error.filename}: {error.strerror}.") from error


def _tell_left_out(out: Output, summary: CiSummary) -> None:
    for name, reason in summary.not_compared.items():
        out.warn(f"{name}: not compared: {reason}")
    for asset, reason in summary.left_out.items():
        out.warn(f"{asset} does not run: {reason}.")
