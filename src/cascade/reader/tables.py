"""Choose the table of a new workflow, and explain why a table is not available."""

from __future__ import annotations

from collections.abc import Container, Mapping

DEFAULT_NAMESPACE = "raw"
"""The namespace of a workflow that does not set one."""


def full_name(table: str) -> str:
    """Return the full name of a table of the default namespace, such as `raw.flights` for `flights`."""
    return f"{DEFAULT_NAMESPACE}.{table}"


def free_table(table: str, taken: Container[str]) -> str:
    """Choose a table that no workflow fills.

    Args:
        table: the table to prefer, without its namespace.
        taken: full names of the tables that workflows declare, such as `raw.flights`.

    Returns:
        That table if it is free, otherwise a similar name.
    """
    if full_name(table) not in taken:
        return table
    subject, _, rest = table.rpartition("_")
    daily = f"{subject}_daily_{rest}" if subject else f"daily_{rest}"
    chosen, number = daily, 2
    while full_name(chosen) in taken:
        chosen, number = f"{daily}_{number}", number + 1
    return chosen


def taken_table_problems(table: str, taken: Mapping[str, str], option: str = "") -> tuple[str, ...]:
    """Explain why a new workflow cannot fill a table.

    Args:
        table: the table, without its namespace.
        taken: for the full name of each declared table, its location: a module, or a file and line.
        option: what comes before a table on the command line, such as `--table=`.

    Returns:
        The problem in whole sentences, with a free name, or nothing if the table is free.
    """
    full = full_name(table)
    if full not in taken:
        return ()
    return (
        f"The table {full} is already declared in {taken[full]}, and each of the two workflows would overwrite the "
        f"other's rows. Choose another name, such as {option}{free_table(table, taken)}.",
    )


def other_table_notice(usual: str, chosen: str, taken: Mapping[str, str]) -> str:
    """Explain why a new workflow does not fill the table that its name suggests.

    Args:
        usual: the table that is taken, without its namespace.
        chosen: the table that the workflow fills instead, without its namespace.
        taken: for the full name of each declared table, its location.
    """
    return (
        f"The table is {full_name(chosen)}, because {full_name(usual)} is already declared in "
        f"{taken[full_name(usual)]}. Use --table to choose another name."
    )
