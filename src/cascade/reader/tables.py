"""The names of tables: which one a new workflow may fill."""

from __future__ import annotations

from collections.abc import Container, Mapping

DEFAULT_NAMESPACE = "raw"
"""The namespace of a workflow that names none."""


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


def taken_table_problem(table: str, taken: Mapping[str, str]) -> str | None:
    """Explain why a new workflow cannot fill a table.

    Args:
        table: the table, without its namespace.
        taken: for the full name of each declared table, where it is declared: a module, or a file and line.

    Returns:
        The problem in whole sentences, with a free name, or None if the table is free.
    """
    full = full_name(table)
    if full not in taken:
        return None
    return (
        f"The table {full} is already declared in {taken[full]}, and each of the two workflows would overwrite the "
        f"other's rows. Choose another name, such as {free_table(table, taken)}."
    )
