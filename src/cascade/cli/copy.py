"""`copy`: tables of one lakehouse of the project to another one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.table_named import require_table
from cascade.exceptions import CascadeError, ConfigError, UsageError
from cascade.table_ref import QUARANTINE_SUFFIX, TableRef
from cascade.terminal.output import Output
from cascade.terminal.words import counted, human_size

if TYPE_CHECKING:
    from cascade.iceberg import Lakehouse
    from cascade.iceberg.copying import PlannedCopy

_FOUND = {
    "missing": "no such table",
    "same": "the same rows",
    "behind": "an earlier copy",
    "other": "other rows",
}


@click.command(short_help="Copy tables to another lakehouse of the project.")
@click.argument("names", metavar="[TABLE]...", nargs=-1, shell_complete=complete_tables)
@click.option("--from", "source_name", metavar="NAME", required=True, help="The environment that has the tables.")
@click.option("--to", "target_name", metavar="NAME", required=True, help="The environment that gets them.")
@click.option("--overwrite", is_flag=True, help="Replace tables that have other rows. Their snapshots are kept.")
@click.option("--dry-run", is_flag=True, help="Print what would be copied, and change nothing.")
@json_option
@click.pass_obj
def copy(
    invocation: Invocation,
    out: Output,
    names: Sequence[str],
    source_name: str,
    target_name: str,
    overwrite: bool,
    dry_run: bool,
) -> None:
    """Copy each TABLE with its refused rows, or all tables, from one environment to another.

    \b
        cascade copy --from embedded --to production --dry-run
        cascade copy --from embedded --to production weather_observations

    `embedded` is the lakehouse in .cascade, and `production` the one of the settings. For any NAME, a file .env.NAME in
    the project root has the settings that this environment has in place of those of .env.

    A table arrives in one commit: its rows, columns, layout and properties, the ledger of its partitions, and the
    cursors of its sources. Branches and earlier snapshots stay behind. A copy that was interrupted continues when you
    run it again, and a table that has the same rows already is left alone. A table with other rows is refused.

    Exit code 1 means that a table was refused or could not be copied.
    """
    from cascade.config.environments import config_named
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.working_branch import require_main

    invocation.require_project()
    configs = [config_named(name) for name in (source_name, target_name)]
    if _place(configs[0]) == _place(configs[1]):
        raise _same(source_name, target_name)
    source, target = map(open_lakehouse, configs)
    if source.uri == target.uri:
        raise _same(source_name, target_name)
    _check_warehouses(source, target, source_name, target_name)
    require_main(source)
    found = _planned(invocation, out, source, target, _refs(invocation, source, names))
    chosen = [each for each in found if each.state in ("missing", "behind") or (overwrite and each.state == "other")]
    refused = [each for each in found if each.state == "other" and not overwrite]
    problems = [] if dry_run else _copy(out, source, target, chosen, [each for each in found if each.state == "same"])
    failed = {ref for ref, _ in problems}
    copied = [each for each in chosen if each.ref not in failed]
    out.json(
        {
            "from": source.uri,
            "to": target.uri,
            "dry_run": dry_run,
            "tables": [
                {
                    "table": each.ref.full_name,
                    "rows": each.rows,
                    "size_bytes": each.size,
                    "target": each.state,
                    "target_rows": each.target_rows,
                    "copied": each in copied and not dry_run,
                }
                for each in found
            ],
            "problems": [{"table": ref.full_name, "problem": str(error)} for ref, error in problems],
        }
    )
    _print(out, found, target_name)
    rows = sum(each.rows or 0 for each in copied)
    if found:
        left = len(found) - len(chosen) - len(refused)
        alone = f" {counted(left, 'table')} {'has' if left == 1 else 'have'} the same rows already." if left else ""
        done = "to copy" if dry_run else "copied"
        out.say(f"{counted(len(copied), 'table')}, {counted(rows, 'row')} {done}.{alone}")
    else:
        out.say(f"There are no tables in {source.uri}.")
    for ref, error in problems:
        out.error(f"{ref.full_name}: {error}")
    for each in refused:
        out.error(
            f"{each.ref.full_name} was not copied, because {target_name} has other rows in it. Replace them: add "
            "--overwrite."
        )
    if problems or refused:
        raise click.exceptions.Exit(1)


def _place(config: object) -> tuple[object, ...]:
    names = ("iceberg_catalog", "nessie_uri", "nessie_ref", "state_directory")
    return tuple(getattr(config, name) for name in names)


def _same(source: str, target: str) -> UsageError:
    return ConfigError(
        f"{source} and {target} have the same catalog, so there is nothing to copy.",
        hint="A CASCADE_ variable of the environment counts more than the files. See where settings come from: "
        "cascade config show",
    )


def _check_warehouses(source: Lakehouse, target: Lakehouse, source_name: str, target_name: str) -> None:
    """Raise an error if both lakehouses would keep the files of a table in the same place.

    Neither catalog knows which of these files the other one needs, so maintenance of one removes those of the other.
    """
    from cascade.iceberg.stored_files import canonical

    # The warehouse of a REST catalog may be a name, which another server may also have.
    places = [canonical(each.warehouse.rstrip("/")) for each in (source, target) if "/" in each.warehouse]
    if len(places) == 2 and places[0] == places[1]:
        raise ConfigError(
            f"{source_name} and {target_name} have the same warehouse, {target.warehouse}, so each would remove files "
            "of the other one's tables.",
            hint=f"Set another CASCADE_ICEBERG_WAREHOUSE for {target_name}. To register the tables in another catalog "
            "without a copy, see: cascade doctor --help",
        )


def _refs(invocation: Invocation, source: Lakehouse, names: Sequence[str]) -> list[TableRef]:
    """Return the tables to copy, each with its quarantine."""
    from cascade.iceberg.overview import table_identifiers

    known = [TableRef.parse(".".join(identifier)) for identifier in table_identifiers(source.catalog)]
    if not names:
        return known
    named = [require_table(invocation, source, name)[0] for name in names]
    both = [each for ref in named for each in (ref, ref.quarantine)]
    return [ref for ref in dict.fromkeys(both) if ref in known]


def _planned(
    invocation: Invocation, out: Output, source: Lakehouse, target: Lakehouse, refs: Sequence[TableRef]
) -> list[PlannedCopy]:
    from cascade.iceberg.copying import plan_copy
    from cascade.iceberg.storage_errors import storage_errors_named

    found = []
    with out.progress("comparing", len(refs)) as begin:
        for ref in refs:
            begin(ref.full_name)
            with storage_errors_named(source, ref, "read"):
                found.append(plan_copy(source, target, ref))
    return found


def _copy(
    out: Output, source: Lakehouse, target: Lakehouse, chosen: Sequence[PlannedCopy], same: Sequence[PlannedCopy]
) -> list[tuple[TableRef, CascadeError]]:
    """Copy tables, and return those that could not be copied."""
    from cascade.iceberg.copying import copy_table

    problems = []
    with out.progress("copying", sum(each.files for each in chosen)) as begin:
        for each in chosen:
            name = each.ref.full_name

            def began(done: int, total: int, name: str = name) -> None:
                begin(f"{name}, file {done + 1} of {total}")

            try:
                copy_table(target, each, began)
                _copy_cursors(source, target, each.ref, replace=True)
            except CascadeError as error:
                problems.append((each.ref, error))
    for each in same:
        # A copy that was interrupted after its commit has not copied them.
        _copy_cursors(source, target, each.ref, replace=False)
    return problems


def _copy_cursors(source: Lakehouse, target: Lakehouse, ref: TableRef, *, replace: bool) -> None:
    """Let the sources of a table continue in the target where they continue in the source."""
    from cascade.runs.dlt_session import states_of
    from cascade.runs.dlt_state import copy_states

    before, after = states_of(source.dlt_directory, ref), states_of(target.dlt_directory, ref)
    if before != after and not ref.name.endswith(QUARANTINE_SUFFIX) and (replace or not after.is_dir()):
        copy_states(before, after)


def _print(out: Output, found: Sequence[PlannedCopy], target_name: str) -> None:
    rows = [(each.ref.full_name, each.rows, human_size(each.size), _FOUND[each.state]) for each in found]
    if rows:
        out.table(("table", "rows", "size", f"{target_name} had"), rows, whole=True)
