"""Print what differs between two states of a table: for people, as JSON, or as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from cascade.cli.context import Invocation
from cascade.exceptions import UsageError
from cascade.terminal.markdown import escaped, markdown_table
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from pyiceberg.table import Table

    from cascade.iceberg.diff import RowDiff
    from cascade.table_ref import TableRef


def compare(
    invocation: Invocation,
    out: Output,
    ref: TableRef,
    table: Table,
    before: str,
    after: str,
    *,
    examples: int,
    markdown: bool,
) -> None:
    """Compare two states of a table, and print what differs, without values of sensitive columns.

    Args:
        invocation: the invocation.
        out: the output of the command.
        ref: the table.
        table: the same table, loaded.
        before: what the user calls the first state; see `point_of`.
        after: the second state.
        examples: how many rows of each kind to print.
        markdown: print Markdown.

    Raises:
        UsageError: a state does not exist.
    """
    from cascade.iceberg.diff import diff_tables, point_of

    shown = without_sensitive(invocation, out, ref)
    found = diff_tables(point_of(table, before), point_of(table, after), examples=examples, shown=shown)
    print_diff(out, ref, found, markdown=markdown)


def check_format(out: Output, *, markdown: bool) -> None:
    """Raise a `UsageError` if a command is to print both Markdown and JSON."""
    if markdown and out.as_json:
        raise UsageError("Use either --markdown or --json.")


def without_sensitive(invocation: Invocation, out: Output, ref: TableRef) -> Callable[[Iterable[str]], list[str]]:
    """Return what chooses the columns that examples of a table may show.

    Args:
        invocation: the invocation, for its project, whose schemas mark sensitive columns.
        out: the output of the command.
        ref: the table.
    """
    from cascade.declarations.sensitive import sensitive_columns

    workflow = invocation.workflow_named(ref.full_name)
    if workflow is not None:
        sensitive = sensitive_columns(workflow.declaration.validation_schema)
        return lambda names: [name for name in names if name not in sensitive]
    _, failures = invocation.loaded
    if not failures:
        return list
    out.warn("A module of the project does not load, so nobody knows which columns are sensitive: no values are shown.")
    return lambda names: []


def print_diff(out: Output, ref: TableRef, found: RowDiff, *, markdown: bool) -> None:
    """Print a difference.

    Args:
        out: the output of the command.
        ref: the table.
        found: the difference.
        markdown: print Markdown, for a comment on a change.
    """
    out.json(diff_document(ref, found))
    if markdown:
        click.echo("\n".join(_markdown(ref, found)))
        return
    out.say(_headline(ref, found))
    for sentence in found.schema_changes:
        out.say(sentence)
    if found.changed_columns:
        out.say()
        out.table(("column", "changed rows"), list(found.changed_columns.items()))
    columns, rows = _examples(found)
    if rows:
        out.say()
        out.table(columns, rows, fit=True)
        if len(rows) < found.added + found.removed + found.changed:
            out.say(f"These are {counted(len(rows), 'example')}. For more: --examples N")


def _headline(ref: TableRef, found: RowDiff) -> str:
    between = f"{ref.full_name}, from {found.before} to {found.after}"
    if not found:
        return f"{between}: no difference."
    parts = [f"{counted(found.added, 'row')} added", f"{found.removed} removed"]
    return f"{between}: {', '.join(parts + ([f'{found.changed} changed'] if found.unique_key else []))}."


def _examples(found: RowDiff) -> tuple[list[str], list[tuple[object, ...]]]:
    """Return the examples as rows of one table. A changed value is shown as `old -> new`."""
    changed: list[Mapping[str, Any]] = [
        {**row.key, **{name: f"{_text(row.before[name])} -> {_text(now)}" for name, now in row.after.items()}}
        for row in found.changed_rows
    ]
    kinds: Sequence[tuple[str, Sequence[Mapping[str, Any]]]] = (
        ("added", found.added_rows),
        ("removed", found.removed_rows),
        ("changed", changed),
    )
    names = list(dict.fromkeys(name for _, rows in kinds for row in rows for name in row))
    return ["row", *names], [(kind, *(row.get(name) for name in names)) for kind, rows in kinds for row in rows]


def _markdown(ref: TableRef, found: RowDiff) -> Iterator[str]:
    yield f"**{escaped(_headline(ref, found))}**"
    if found.schema_changes:
        yield ""
        yield from (f"- {escaped(sentence)}" for sentence in found.schema_changes)
    if found.changed_columns:
        yield ""
        yield from markdown_table(("column", "changed rows"), list(found.changed_columns.items()))
    columns, rows = _examples(found)
    if rows:
        yield ""
        yield from markdown_table(columns, rows)


def _text(value: object) -> str:
    return "null" if value is None else str(value)


def diff_document(ref: TableRef, found: RowDiff) -> dict[str, object]:
    """Return a difference as a JSON document.

    Args:
        ref: the table.
        found: the difference.
    """
    return {
        "table": ref.full_name,
        "from": found.before,
        "to": found.after,
        "unique_key": list(found.unique_key),
        "added": found.added,
        "removed": found.removed,
        "changed": found.changed,
        "changed_columns": dict(found.changed_columns),
        "schema_changes": list(found.schema_changes),
        "examples": {
            "added": list(found.added_rows),
            "removed": list(found.removed_rows),
            "changed": [
                {"key": dict(row.key), "before": dict(row.before), "after": dict(row.after)}
                for row in found.changed_rows
            ],
        },
    }
