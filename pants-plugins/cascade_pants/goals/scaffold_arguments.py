"""What the command line of `pants cascade-scaffold` asks for: a directory, its package and its table."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import PurePath

from pants.base.specs import Specs
from pants.source.source_root import NoSourceRootError, SourceRootsRequest
from pants.util.docutil import bin_name

from cascade_pants import engine
from cascade_pants.reader.tables import free_table, full_name, taken_table_problems
from cascade_pants.spelling import did_you_mean
from cascade_pants.util_rules.table_map import LocatedDeclaration, TableMap

EXAMPLE = "cascade-scaffold src/workflows/weather"
_FEW = 5


class WrongUseError(Exception):
    """The command line asks for something that cannot be done."""


def directory_in(specs: Specs) -> str:
    """Return the one new directory that the command line names.

    Args:
        specs: what was given, relative to the root of the repository. A path with a dot in its name arrives as a file.

    Raises:
        WrongUseError: the command line names anything but one directory.
    """
    given = specs.includes
    paths = [*(spec.directory for spec in given.dir_literals), *(spec.file for spec in given.file_literals)]
    others = [
        str(spec)
        for kind in (
            given.address_literals,
            given.dir_globs,
            given.recursive_globs,
            given.ancestor_globs,
            given.file_globs,
        )
        for spec in kind
    ]
    if len(paths) == 1 and not others and not specs.ignores:
        return paths[0]
    what = ", ".join([*paths, *others]) or "nothing"
    raise WrongUseError(f"cascade-scaffold takes one directory, but got {what}. Example: {bin_name()} {EXAMPLE}")


def package_in(directory: str, source_root: str) -> str:
    """Return the package of a directory.

    Args:
        directory: relative to the root of the repository.
        source_root: the source root above it, `.` for the root of the repository.

    Raises:
        WrongUseError: the directory is the source root itself.
    """
    parts = PurePath(directory).relative_to(source_root).parts
    if not parts:
        example = PurePath(source_root, "workflows", "weather")
        raise WrongUseError(
            f"{directory or 'The root of the repository'} is a source root. A workflow is a package below it, "
            f"such as {example}."
        )
    return ".".join(parts)


def escapes(directory: str, root: str) -> bool:
    """Return whether a directory is outside the repository, through `..` or a symbolic link.

    Args:
        directory: relative to the root.
        root: the root of the repository.
    """
    real_root = os.path.realpath(root)
    return os.path.commonpath([real_root, os.path.realpath(os.path.join(root, directory))]) != real_root


def table_for(usual: str, asked: str | None, taken: Mapping[str, str]) -> str | None:
    """Choose the table of a new workflow.

    Args:
        usual: the table that the templates choose by themselves.
        asked: the table that the command line names.
        taken: for the full name of each declared table, where it is declared.

    Returns:
        The table to request from the templates, or None for the usual one.

    Raises:
        WrongUseError: another workflow declares the table that the command line names.
    """
    if asked is not None:
        problems = taken_table_problems(asked, taken, option="--table=")
        if problems:
            raise WrongUseError(problems[0])
        return asked
    free = free_table(usual, taken)
    return None if free == usual else free


def filled_table(directory: str, asked: str | None, tables: TableMap, kind: str) -> LocatedDeclaration:
    """Find the workflow that fills the table of new checks or of a new model.

    Args:
        directory: the directory that the command line names. Without `asked`, its name is that of the domain: the table
            is `<domain>_observations`, else `<domain>`, else the only one of a workflow in a directory of that name.
        asked: the table that the command line names, with or without its namespace.
        tables: the tables of the repository.
        kind: the type that the command line names, for the error.

    Raises:
        WrongUseError: no workflow fills the table.
    """
    domain = os.path.basename(directory)
    table = f"{domain}_observations" if asked is None else asked
    full = table if "." in table else full_name(table)
    for one in (full, *([full_name(domain)] if asked is None else [])):
        if one in tables.by_table:
            return tables.by_table[one][0]
    of_domain = [
        declared[0]
        for declared in tables.by_table.values()
        if asked is None and os.path.basename(os.path.dirname(declared[0].path)) == domain
    ]
    if len(of_domain) == 1:
        return of_domain[0]
    meant = did_you_mean(full, tables.by_table) or (
        f" There is {', '.join(tables.by_table)}." if 0 < len(tables.by_table) <= _FEW else ""
    )
    raise WrongUseError(
        f"No workflow of this repository fills the table {full}.{meant} Name the table, as in: "
        f"{bin_name()} cascade-scaffold --type={kind} --table=weather_observations {directory}"
    )


async def source_root_of(directory: str) -> str:
    """Return the source root above a directory.

    Raises:
        WrongUseError: the directory is not under a source root.
    """
    # A file stands for the directory, so that a directory that is itself a source root counts as one.
    file = PurePath(directory, "observations.py")
    try:
        roots = await engine.source_roots(SourceRootsRequest.for_files([str(file)]))
    except NoSourceRootError:
        raise WrongUseError(
            f"{directory} is not under a source root, so its code could not be imported. `{bin_name()} roots` lists "
            "the source roots; [source].root_patterns in pants.toml sets them."
        ) from None
    return roots.path_to_root[file].path
