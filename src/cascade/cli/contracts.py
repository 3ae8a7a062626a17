"""`contracts`: write, compare and export the contracts of tables."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.exceptions import UsageError
from cascade.table_ref import TableRef
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.contracts.readers import Readers
    from cascade.contracts.review import Review
    from cascade.exceptions import CascadeError
    from cascade.framework.collect import Collected


@dataclass(frozen=True)
class _Loaded:
    """The modules of a project.

    Args:
        collected: what they contain.
        failures: the errors of those that did not load.
        directories: the directories of those that did.
        dbt: the dbt projects that read the tables, each with the projects that contain it.
        readers: what else reads tables.
    """

    collected: Collected
    failures: tuple[CascadeError, ...]
    directories: frozenset[Path]
    dbt: tuple[tuple[Path, tuple[str, ...]], ...]
    readers: Readers


@click.command(short_help="Write or check the contracts of tables.")
@click.argument("tables", metavar="[TABLE...]", nargs=-1, shell_complete=complete_tables)
@click.option("--check", is_flag=True, help="Write nothing. Exit with 1 if a contract differs from its workflow.")
@click.option("--update", is_flag=True, help="Also write the contracts that differ without breaking their readers.")
@click.option(
    "--accept-breaking",
    "accepted",
    metavar="TABLE",
    multiple=True,
    help="Also write the contract of this table, although that breaks its readers. May be repeated.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["odcs"]),
    help="Print the contracts in the form of the Open Data Contract Standard 3.1, and write nothing.",
)
@click.option("--module", "modules", metavar="NAME", multiple=True, hidden=True, help="A module. May be repeated.")
@click.option(
    "--readers",
    "readers_file",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    hidden=True,
    help="JSON: what reads the tables in all projects.",
)
@click.option(
    "--into",
    metavar="DIRECTORY",
    type=click.Path(path_type=Path),
    hidden=True,
    help="The directory to write to, instead of the working directory.",
)
@json_option
@click.pass_obj
def contracts(
    invocation: Invocation,
    out: Output,
    tables: tuple[str, ...],
    check: bool,
    update: bool,
    accepted: tuple[str, ...],
    form: str | None,
    modules: tuple[str, ...],
    readers_file: Path | None,
    into: Path | None,
) -> None:
    """Write what the readers of each table rely on to a file beside its workflow, such as contracts/raw.flights.yml.

    Commit these files. From then on, `validate` fails if a change of a workflow breaks the contract of its table, and
    names the models, marts and workflows that read it. A table without a contract is not checked.

    \b
        cascade contracts                                   write the missing contracts, and list all
        cascade contracts raw.flights                       only that of one table
        cascade contracts --check                           for CI: fail if any contract differs
        cascade contracts --update                          accept what breaks no reader
        cascade contracts --accept-breaking raw.flights     accept anything for one table

    Exits with 1 if a contract is broken, and under --check if one is not up to date.
    """
    from cascade.contracts.review import State

    if check and (update or accepted):
        raise UsageError("--check writes nothing, so it cannot be used with --update or --accept-breaking.")
    if form and (check or update or accepted):
        raise UsageError("--format prints contracts and writes nothing, so it cannot be used with other options.")
    loaded = _load_modules(modules, readers_file) if modules else _load_project(invocation)
    found = _reviews(loaded)
    accept = {review.table for review in _chosen(found, accepted, loaded.failures)}
    chosen = _chosen(found, tables, loaded.failures) if tables else found
    chosen += [review for review in found if review.table in accept and review not in chosen]
    for line in loaded.readers.unread:
        out.warn(f"the models of this dbt project are not among the readers: {line}")
    for failure in loaded.failures:
        out.warn(f"not loaded: {failure}")
    if form:
        _print_odcs(out, chosen)
        raise click.exceptions.Exit(1 if loaded.failures or any(one.declared is None for one in chosen) else 0)
    written = [] if check else [review for review in chosen if _is_written(review, update=update, accept=accept)]
    for review in written:
        _write(review, into)
    left = [review for review in chosen if review not in written]
    out.json(
        {
            "contracts": [_document(review, review in written) for review in chosen],
            "failures": [str(failure) for failure in loaded.failures],
        }
    )
    _print(out, chosen, written, check=check)
    bad = {State.BROKEN, State.UNREADABLE, State.UNFILLED} | ({State.OUTDATED} if check else set())
    if loaded.failures or any(review.state in bad for review in left):
        raise click.exceptions.Exit(1)


def _load_project(invocation: Invocation) -> _Loaded:
    from cascade.contracts.command import goal
    from cascade.contracts.readers import Readers

    if invocation.project.generated:
        raise UsageError(
            "Contracts are written by a goal of Pants, which knows what reads the tables in the whole repository.",
            hint=f"Type: {goal()}",
        )
    contents = invocation.contents
    directories = _directories(contents.modules.modules.values())
    dbt = ((invocation.config.dbt_project_directory, ()),)
    return _Loaded(contents.collected, contents.failures, directories, dbt, Readers())


def _load_modules(modules: Sequence[str], readers_file: Path | None) -> _Loaded:
    from cascade.contracts.model import Reader
    from cascade.contracts.readers import Readers
    from cascade.framework.collect import gather
    from cascade.framework.loading import load_modules

    loaded = load_modules(modules)
    known: dict[str, Any] = json.loads(readers_file.read_text(encoding="utf-8")) if readers_file else {}
    readers = Readers()
    for table, values in known.get("readers", {}).items():
        readers.by_table[table] += [Reader.model_validate(value) for value in values]
    dbt = tuple((Path(one["directory"]), tuple(one["projects"])) for one in known.get("dbt", ()))
    directories = _directories(loaded.modules.values())
    return _Loaded(gather(loaded.modules), loaded.failures, directories, dbt, readers)


def _directories(modules: Iterable[object]) -> frozenset[Path]:
    files = (getattr(module, "__file__", None) for module in modules)
    return frozenset(Path(file).parent for file in files if file)


def _reviews(loaded: _Loaded) -> list[Review]:
    from cascade.contracts.review import review_contract, unfilled_contracts

    declarations = [workflow.declaration for workflow in loaded.collected.workflows]
    assets = [asset for asset, _ in loaded.collected.with_homes("assets") if not hasattr(asset, "declaration")]
    loaded.readers.add_assets(declarations, assets)
    for directory, projects in loaded.dbt:
        loaded.readers.add_dbt(directory, projects)
    found = [review_contract(declaration, loaded.readers) for declaration in declarations]
    reviews = [review for review in found if review is not None]
    # A module that did not load may fill any table.
    if not loaded.failures:
        reviews += unfilled_contracts(declarations, loaded.directories)
    return sorted(reviews, key=lambda review: review.table)


def _chosen(found: Sequence[Review], names: Iterable[str], failures: Sequence[CascadeError]) -> list[Review]:
    from cascade.contracts.command import command
    from cascade.framework.project import unknown_name

    chosen = []
    for name in names:
        full = TableRef.named(name).full_name
        reviews = [review for review in found if review.table == full]
        if not reviews:
            known = {one for review in found for one in (review.table, review.table.removeprefix("raw."))}
            raise unknown_name("table", name, sorted(known), failures, command("--check"))
        chosen += reviews
    return list({review.file: review for review in chosen}.values())


def _is_written(review: Review, *, update: bool, accept: set[str]) -> bool:
    from cascade.contracts.review import State

    if review.state is State.OUTDATED:
        return update or review.table in accept
    return review.state is State.NONE or (review.state is State.BROKEN and review.table in accept)


def _write(review: Review, into: Path | None) -> None:
    file = review.file if into is None else into / os.path.relpath(review.file)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(review.text, encoding="utf-8", newline="\n")


def _print_odcs(out: Output, chosen: Sequence[Review]) -> None:
    from cascade.contracts.files import as_yaml
    from cascade.contracts.odcs import odcs_document

    documents = []
    for review in chosen:
        if review.declared is None:
            assert review.error is not None
            out.warn(str(review.error))
        else:
            documents.append(odcs_document(review.declared))
    out.json({"contracts": documents})
    out.say("---\n".join(map(as_yaml, documents)).rstrip())


def _print(out: Output, chosen: Sequence[Review], written: Sequence[Review], *, check: bool) -> None:
    from cascade.contributor import relative_path, relative_paths

    base = Path.cwd()
    if not chosen:
        out.say("There are no workflows, so there are no contracts.")
        return
    rows = [
        (review.table, "written" if review in written else str(review.state), relative_path(str(review.file), base))
        for review in chosen
    ]
    out.table(("table", "contract", "file"), rows, whole=True)
    for review in chosen:
        if review.error is not None:
            out.say(f"\n{relative_paths(str(review.error), base)}")
        elif review.differences:
            _print_differences(out, review, review in written)


def _print_differences(out: Output, review: Review, is_written: bool) -> None:
    from cascade.contracts.command import command

    breaking, rest = list(review.breaking), [one for one in review.differences if not one.is_breaking]
    out.say(f"\n{review.table}, version {review.recorded.version if review.recorded else '1.0.0'}:")
    for difference in (*breaking, *rest):
        out.say(f"  {difference.effect.name.lower():<10}  {difference.what}")
    columns = [one.column for one in breaking]
    readers = dict.fromkeys(reader for column in columns for reader in review.readers_of(column))
    if readers:
        out.say(f"  {counted(len(readers), 'reader')} of what breaks:")
        for reader in readers:
            out.say(f"    {reader}")
    elif breaking:
        out.say("  No reader is known in the project.")
    assert review.declared is not None
    if is_written:
        out.say(f"  Accepted as version {review.declared.version}.")
    elif breaking:
        out.say(f"  Keep what the contract promises, or accept: {command(f'--accept-breaking={review.table}')}")
    else:
        out.say(f"  Nothing breaks. Accept: {command('--update')}")


def _document(review: Review, is_written: bool) -> dict[str, Any]:
    from cascade.contracts.files import contract_document

    breaking = {one.column for one in review.breaking}
    readers = dict.fromkeys(reader for column in breaking for reader in review.readers_of(column))
    return {
        "table": review.table,
        "file": str(review.file),
        "state": str(review.state),
        "written": is_written,
        "version": review.recorded.version if review.recorded else None,
        "differences": [
            {"what": one.what, "effect": one.effect.name.lower(), "column": one.column} for one in review.differences
        ],
        "broken_readers": [reader.model_dump(mode="json", exclude_defaults=True) for reader in readers],
        "error": str(review.error) if review.error else None,
        "contract": contract_document(review.declared) if review.declared else None,
    }
