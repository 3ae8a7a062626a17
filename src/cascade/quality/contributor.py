"""Contribute the declared checks to a project, and find what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cascade.contributor import Contribution, Contributor, LoadedProject, Problem, problems_of
from cascade.declarations import IngestionDeclaration, QualityDeclaration, TableChecks
from cascade.declarations.quality import UNKNOWN_TABLE
from cascade.declarations.schema_fields import columns_of
from cascade.exceptions import CascadeError
from cascade.quality.plugin_checks import plugin_checks
from cascade.spelling import did_you_mean
from cascade.table_ref import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    import dagster as dg

_SURE = 0.8
"""How similar two names must be if one is to be a misspelling of the other."""


class QualityContributor(Contributor):
    """Contributes the asset checks that `@cascade_quality` and `@cascade_check` declare."""

    def contribute(self, project: LoadedProject) -> Contribution:
        """Build the asset checks of each table that no workflow of the project fills.

        The second of two checks with one name is left out and reported.
        """
        distinct = distinct_checks(project)
        failures = list(distinct.failures)
        ingested = _schemas(project)
        # The op of an ingestion runs the checks of its table.
        declarations = [each for each in distinct.declarations if each.table not in ingested]
        if not declarations:
            return Contribution(failures=tuple(failures))
        from cascade.quality.dagster_checks import plain_checks

        checks: list[dg.AssetChecksDefinition] = []
        for table in dict.fromkeys(each.table for each in declarations):
            try:
                checks += plain_checks([each for each in declarations if each.table == table])
            except Exception as error:
                first = next(each for each in declarations if each.table == table)
                failures.append(error if isinstance(error, CascadeError) else first.error(str(error)))
        return Contribution(asset_checks=tuple(checks), failures=tuple(failures))

    def problems(self, project: LoadedProject) -> Iterator[Problem]:
        """Check that the tables and columns of the checks exist, as far as the project declares them."""
        schemas = _schemas(project)
        for declaration in checks_of(project):
            problems = list(_problems(declaration, schemas, project.complete))
            if problems:
                yield from problems_of(declaration.error(*problems))


def checks_of(project: LoadedProject) -> list[TableChecks]:
    """Return the declarations of the checks of a project.

    Args:
        project: the project.
    """
    declared = (getattr(workflow, "declaration", None) for workflow in project.workflows)
    return [each for each in declared if isinstance(each, TableChecks) and each.table != UNKNOWN_TABLE]


@dataclass(frozen=True)
class DistinctChecks:
    """The declared checks of a project.

    Args:
        declarations: the declarations whose checks have names of their own.
        failures: errors of the others, and those of plugins, which are `PluginError`s.
    """

    declarations: tuple[TableChecks, ...]
    failures: tuple[CascadeError, ...]

    @property
    def by_table(self) -> dict[str, list[TableChecks]]:
        """The declarations by the full name of their table."""
        found: dict[str, list[TableChecks]] = {}
        for each in self.declarations:
            found.setdefault(each.table, []).append(each)
        return found


def distinct_checks(project: LoadedProject) -> DistinctChecks:
    """Return the checks of a project, declared or of plugins. The second of two checks with one name is left out.

    Args:
        project: the project.
    """
    declarations = checks_of(project)
    first: dict[tuple[str, str], TableChecks] = {}
    distinct: list[TableChecks] = []
    errors: list[CascadeError] = []
    for declaration in declarations:
        keys = [(declaration.table, name) for name in declaration.check_names]
        taken = next((key for key in keys if key in first), None)
        if taken is None:
            first.update(dict.fromkeys(keys, declaration))
            distinct.append(declaration)
        else:
            errors.append(
                declaration.error(
                    f"{taken[0]} already has a check called {taken[1]}, at {first[taken].location}. Rename one of the "
                    "two functions."
                )
            )
    ingestions = (getattr(workflow, "declaration", None) for workflow in project.workflows)
    added, failed = plugin_checks(each for each in ingestions if isinstance(each, IngestionDeclaration))
    errors += failed
    for plugin, declaration in added:
        keys = [(declaration.table, name) for name in declaration.check_names]
        taken = next((key for key in keys if key in first), None)
        if taken is None:
            first.update(dict.fromkeys(keys, declaration))
            distinct.append(declaration)
        else:
            what = f"is left out for {taken[0]}, which already has a check called {taken[1]}"
            errors.append(plugin.error(f"{what}, at {first[taken].location}"))
    return DistinctChecks(tuple(distinct), tuple(errors))


def _schemas(project: LoadedProject) -> dict[str, type]:
    functions = (*project.neighbours, *project.workflows)
    declared = (getattr(function, "declaration", None) for function in functions)
    return {each.table: each.validation_schema for each in declared if isinstance(each, IngestionDeclaration)}


def _problems(declaration: TableChecks, schemas: Mapping[str, type], complete: bool) -> Iterator[str]:
    schema = declaration.schema or schemas.get(declaration.table)
    if schema is None:
        if not complete:
            return
        # A dbt model or another project may fill the table, so only a name that nearly is one is taken for a mistake.
        short = declaration.table.removeprefix(f"{DEFAULT_NAMESPACE}.")
        known = [*schemas, *(table.removeprefix(f"{DEFAULT_NAMESPACE}.") for table in schemas)]
        meant = did_you_mean(short, (name for name in known if _letters(name) != _letters(short)), cutoff=_SURE)
        if meant:
            yield f'table: no workflow of the project fills "{short}".{meant}'
        return
    columns = columns_of(schema)
    if columns is None or not isinstance(declaration, QualityDeclaration):
        return
    for check in declaration.checks:
        yield from (f"checks: {problem}" for problem in check.unknown_columns(schema, columns))


def _letters(name: str) -> str:
    # `flights_2023` is no misspelling of `flights_2024`.
    return re.sub(r"\d", "", name)
