"""Which table a new workflow fills, where the usual one may be taken."""

from __future__ import annotations

from collections.abc import Mapping

from cascade_pants import engine
from cascade_pants.reader.tables import DEFAULT_NAMESPACE
from cascade_pants.util_rules.all_workflows import AllWorkflows
from cascade_pants.util_rules.workflow_facts import WorkflowFactsRequest, workflow_facts


class TableTakenError(Exception):
    """Another workflow declares the table that the command line asks for."""


async def declared_tables(workflows: AllWorkflows, *, outside: str) -> dict[str, str]:
    """Find the tables that the repository's workflows declare.

    Args:
        workflows: all of them.
        outside: a directory whose files do not count, because they are about to be written.

    Returns:
        For each table, such as `raw.flights`, the file and line that declare it.
    """
    all_facts = await engine.concurrently(
        workflow_facts(WorkflowFactsRequest(tuple(sorted({file.path for file in workflow.files}))))
        for workflow in workflows
    )
    return {
        declaration.table: f"{path}:{declaration.line}"
        for facts in all_facts
        for path, declarations in facts.by_file.items()
        if not path.startswith(f"{outside}/")
        for declaration in declarations
        if declaration.table is not None
    }


def table_for(domain: str, asked: str | None, taken: Mapping[str, str]) -> str | None:
    """Choose the table of a new workflow.

    Args:
        domain: the subject of the workflow.
        asked: the table that the command line names.
        taken: what `declared_tables` gave.

    Returns:
        The table to ask the templates for, or None for the one that they choose by themselves.

    Raises:
        TableTakenError: the table that the command line names is taken.
    """
    usual = f"{domain}_observations"
    if asked is not None:
        if _full(asked) in taken:
            raise TableTakenError(
                f"The table {_full(asked)} is declared already, at {taken[_full(asked)]}, and each would replace the "
                f"rows of the other. Use another, for instance --table={_free(asked, taken)}."
            )
        return asked
    return None if _full(usual) not in taken else _free(usual, taken)


def taken_notice(domain: str, table: str, taken: Mapping[str, str]) -> str:
    """Say why the table has another name than usual.

    Args:
        domain: the subject of the workflow.
        table: the name that was chosen.
        taken: what `declared_tables` gave.
    """
    usual = _full(f"{domain}_observations")
    return (
        f"The table is {_full(table)}, because {usual} is declared already, at {taken[usual]}. --table names another."
    )


def _free(table: str, taken: Mapping[str, str]) -> str:
    subject, _, rest = table.rpartition("_")
    daily = f"{subject}_daily_{rest}" if subject else f"daily_{rest}"
    number = 2
    chosen = daily
    while _full(chosen) in taken:
        chosen = f"{daily}_{number}"
        number += 1
    return chosen


def _full(table: str) -> str:
    return f"{DEFAULT_NAMESPACE}.{table}"
