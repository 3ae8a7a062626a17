"""`quarantine drop`: remove refused rows for good."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.quarantine_named import check_refused_keys, open_quarantine
from cascade.exceptions import UsageError
from cascade.terminal.output import Output
from cascade.terminal.questions import can_ask
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.iceberg.quarantined_rows import Quarantined


@click.command(short_help="Remove refused rows for good.")
@click.argument("name", metavar="TABLE", shell_complete=complete_tables)
@click.option("--partition", "keys", metavar="KEY", multiple=True, help="Only this partition. May be repeated.")
@click.option("--dry-run", is_flag=True, help="Only count the rows that would be removed.")
@click.option("--yes", is_flag=True, help="Do not ask. Required where nobody can answer.")
@json_option
@click.pass_obj
def drop(invocation: Invocation, out: Output, name: str, keys: Sequence[str], dry_run: bool, yes: bool) -> None:
    """Remove the refused rows of TABLE from its quarantine, for rows that nobody will correct.

    \b
        cascade quarantine drop weather_observations --partition 2024-01-15 --dry-run
        cascade quarantine drop weather_observations --yes

    Shows how many rows go, and asks. Rows that a run refuses meanwhile stay. TABLE does not change, and may have been
    dropped. A later run of a partition puts the rows that it refuses into the quarantine again.
    """
    from cascade.iceberg.quarantined_rows import (
        drop_quarantined,
        no_quarantined_rows,
        quarantined_partitions,
        quarantined_rows,
    )

    lakehouse, ref = open_quarantine(invocation, name)
    found = quarantined_rows(lakehouse, ref.quarantine)
    rows = no_quarantined_rows() if found is None else found
    partitions = quarantined_partitions(rows, ref)
    check_refused_keys(ref, keys, [each.partition for each in partitions])
    chosen = [each for each in partitions if not keys or each.partition in keys]
    if dry_run or not chosen:
        _tell(out, chosen, "would be removed")
        out.json({"table": ref.full_name, "dropped": [_document(each) for each in chosen]})
        if not chosen:
            out.say(f"{ref.full_name} has no refused rows.")
        return
    if not yes:
        if not can_ask(as_json=out.as_json):
            raise UsageError(
                f"Refused rows are removed for good, and nobody can answer here whether {ref.quarantine.full_name} "
                "may lose them.",
                hint=f"Count them: {invocation.program} quarantine drop {ref.full_name} --dry-run\n"
                "Remove them without a question: add --yes.",
            )
        _tell(out, chosen, "will be removed")
        if not click.confirm("Remove them for good?", err=True):
            raise click.Abort
    for each in chosen:
        drop_quarantined(lakehouse, ref.quarantine, rows, each.partition)
    out.json({"table": ref.full_name, "dropped": [_document(each) for each in chosen]})
    out.say(f"{counted(sum(each.rows for each in chosen), 'refused row')} of {ref.full_name} removed.")


def _tell(out: Output, chosen: Sequence[Quarantined], what: str) -> None:
    for each in chosen:
        of = f" of {each.partition}" if each.partition else ""
        rules = ", ".join(f"{rule} {count}" for rule, count in each.rules.items())
        out.say(f"{each.table.full_name}{of}: {counted(each.rows, 'refused row')} {what} ({rules}).")


def _document(found: Quarantined) -> dict[str, object]:
    return {"partition": found.partition, "rows": found.rows}
