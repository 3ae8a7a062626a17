"""`doctor --recover`: rebuild a lost catalog from the files of the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.listing import in_seconds
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.iceberg.recovery import Recovered
    from cascade.iceberg.recovery.states import State


def recover_catalog(
    invocation: Invocation, out: Output, *, warehouse: str | None, choices: Sequence[str], dry_run: bool
) -> None:
    """Register the tables of the warehouse that the catalog does not have, and print what became of each.

    Args:
        invocation: the invocation, which must be inside of a project.
        out: where to print.
        warehouse: where to look; the warehouse of the settings if absent.
        choices: metadata files that decide which state of their tables is registered.
        dry_run: whether to print only what would be registered.
    """
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.recovery import recover

    invocation.require_project()
    lakehouse = open_lakehouse(invocation.config)
    with out.waiting("looking for tables"):
        found = recover(lakehouse, warehouse=warehouse, choices=choices, dry_run=dry_run)
    failed = [each for each in found if each.outcome == "not registered"]
    out.json(
        {
            "catalog": lakehouse.uri,
            "warehouse": warehouse or lakehouse.warehouse,
            "dry_run": dry_run,
            "tables": [_document(each) for each in found],
        }
    )
    _print(out, found, dry_run=dry_run)
    for each in found:
        if each.why is not None and each.outcome == "kept":
            out.warn(f"{each.name}: {each.why}.")
        if each.why is not None and each.outcome == "not registered":
            out.error(f"{each.name}: {each.why}.")
        for state in each.passed if each.state else ():
            out.warn(
                f"{each.name}: {state.file.location} is newer and lacks {counted(len(state.missing), 'file')}, such as "
                f"{state.missing[0]}. A commit that lost its race leaves that behind, and so does a damaged disk."
            )
        if each.candidates:
            out.say(f"States of {each.name}. To choose one, add --metadata with its file to the command:")
            _print_states(out, each.candidates)
    if failed:
        raise click.exceptions.Exit(1)


def _print(out: Output, found: Sequence[Recovered], *, dry_run: bool) -> None:
    rows = [
        (
            each.name,
            "would be registered" if dry_run and each.outcome == "registered" else each.outcome,
            each.rows,
            in_seconds(each.written_at),
            each.state.file.location if each.state else None,
        )
        for each in found
    ]
    if rows:
        out.table(("table", "outcome", "rows", "written (UTC)", "metadata"), rows, whole=True)
    counts = {outcome: sum(each.outcome == outcome for each in found) for outcome in ("registered", "kept")}
    done = "to register" if dry_run else "registered"
    out.say(f"{counted(counts['registered'], 'table')} {done}, {counts['kept']} in the catalog already.")


def _print_states(out: Output, states: Sequence[State]) -> None:
    from cascade.iceberg.recovery.recover import rows_of, written_at

    rows = [(rows_of(each), in_seconds(written_at(each)), each.file.location) for each in states]
    out.table(("rows", "written (UTC)", "metadata"), rows, whole=True)


def _document(found: Recovered) -> dict[str, object]:
    return {
        "table": found.name,
        "location": found.location,
        "outcome": found.outcome,
        "why": found.why,
        **(_state_document(found.state) if found.state else {}),
        "candidates": [_state_document(each) for each in found.candidates],
        "passed_over": [{**_state_document(each), "missing_files": len(each.missing)} for each in found.passed],
    }


def _state_document(state: State) -> dict[str, object]:
    from cascade.iceberg.recovery.recover import rows_of, written_at

    head = state.metadata.current_snapshot()
    return {
        "metadata": state.file.location,
        "rows": rows_of(state),
        "written_at": written_at(state),
        # A string, because JavaScript cannot represent such large integers.
        "snapshot_id": str(head.snapshot_id) if head else None,
    }
