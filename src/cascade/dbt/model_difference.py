"""What differs between a model on a branch and on `main`: rows and columns, by queries that DuckDB and Trino know."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

DIGITS = 10
"""How many digits of floating numbers are compared. An average over rows in another order differs in the last ones."""


@dataclass(frozen=True)
class ModelDifference:
    """What differs between a model on a branch and on `main`.

    Args:
        name: its schema and name on `main`.
        added: number of rows that only the branch has.
        removed: number of rows that only `main` has.
        schema_changes: sentences about columns.
    """

    name: str
    added: int
    removed: int
    schema_changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Relation:
    """A table or a view.

    Args:
        place: its name as SQL spells it.
        columns: its columns, with their types.
    """

    place: str
    columns: Mapping[str, str]


def compared(
    count: Callable[[str], int],
    name: str,
    new: Relation,
    old: Relation | None,
    comparable: Callable[[str, tuple[str, str]], str],
) -> ModelDifference:
    """Compare a model on a branch with that of `main`.

    Args:
        count: runs a query that returns one number.
        name: the schema and name of the model on `main`.
        new: the model on the branch.
        old: the model on `main`; None if there is none.
        comparable: returns the SQL of a column whose values are compared, by its name and its two types.
    """
    if old is None:
        return ModelDifference(name, count(f"SELECT count(*) FROM {new.place}"), 0)
    now, then = new.columns, old.columns
    changes = [f"The column {column} was added: {kind}." for column, kind in now.items() if column not in then]
    changes += [f"The column {column} was removed." for column in then if column not in now]
    both = [column for column in now if column in then]
    changes += [f"The column {c} was {then[c]}, and is {now[c]}." for c in both if now[c] != then[c]]
    if not both:
        came, went = (count(f"SELECT count(*) FROM {each.place}") for each in (new, old))
        return ModelDifference(name, came, went, tuple(changes))
    columns = ", ".join(comparable(column, (now[column], then[column])) for column in both)
    first, second = (f"SELECT {columns} FROM {each.place}" for each in (new, old))
    return ModelDifference(
        name,
        count(f"SELECT count(*) FROM ({first} EXCEPT ALL {second})"),
        count(f"SELECT count(*) FROM ({second} EXCEPT ALL {first})"),
        tuple(changes),
    )
