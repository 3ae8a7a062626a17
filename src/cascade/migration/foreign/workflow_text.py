"""Write the module of a workflow whose rows come from the code of another tool."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from cascade.migration.foreign.found import Table
from cascade.migration.foreign.schema_text import SchemaField, key_fields
from cascade.scaffold.environment import import_block, in_words, literal, wrapped


@dataclass(frozen=True)
class WorkflowText:
    """What a workflow's module is written from.

    Args:
        table: the table that it fills, with its name here.
        tool: the tool that filled it before, such as `dlt`.
        origin: where it was declared, such as `pipeline.py:12`.
        schema: the name of its schema.
        fields: the fields of the schema.
        imports: lines of imports, one module each.
        statements: the source of the statements of the function, without indentation.
        returned: the source of the expression that it returns.
        cron: its schedule, or None.
        function: the name of the function.
        package: the package of the project's workflows.
    """

    table: Table
    tool: str
    origin: str
    schema: str
    fields: tuple[SchemaField, ...]
    imports: tuple[str, ...]
    statements: tuple[str, ...]
    returned: str
    function: str
    package: str
    cron: str | None = None


def render_workflow(parts: WorkflowText) -> str:
    """Write a module with one workflow.

    Args:
        parts: what it consists of.
    """
    lines = ["from __future__ import annotations", "from cascade import cascade_ingestion", *parts.imports]
    words = in_words(parts.table.name)
    described = _sentence(parts.table.description) or f"The rows of {parts.table.name}."
    body = [*(line for text in parts.statements for line in text.splitlines()), *_returned(parts.returned)]
    return "\n".join(
        [
            f'"""The {words}, which {parts.tool} loaded before: {_plain(parts.origin)}."""',
            "",
            _blocks(lines, parts.package),
            "",
            "",
            *_decorator(parts),
            f"def {parts.function}() -> object:",
            f'    """{described}"""',
            *(f"    {line}" if line.strip() else "" for line in body),
            "",
        ]
    )


def _blocks(lines: Sequence[str], package: str) -> str:
    relative = sorted({line for line in lines if line.startswith("from .")})
    absolute = {line for line in lines if not line.startswith("from .")}
    block = import_block(absolute, first_party=frozenset({package.partition(".")[0]}))
    return block + ("\n\n" + "\n".join(relative) if relative else "")


def _decorator(parts: WorkflowText) -> list[str]:
    table = parts.table
    arguments: list[tuple[str, object]] = [("table_name", table.name)]
    key = key_fields(table, parts.fields)
    if key and table.disposition != "append":
        arguments.append(("unique_key", key[0] if len(key) == 1 else key))
    rest: list[tuple[str, object]] = []
    if table.disposition != "merge":
        rest.append(("write_disposition", table.disposition))
    if parts.cron is not None:
        rest.append(("cron", parts.cron))
    rest.append(("partitions", None))
    return [
        "@cascade_ingestion(",
        *(f"    {name}={wrapped(value, 4, len(name) + 2)}," for name, value in arguments),
        f"    validation_schema={parts.schema},",
        *(f"    {name}={literal(value)}," for name, value in rest),
        ")",
    ]


def _returned(text: str) -> list[str]:
    first, *others = text.splitlines()
    lines = [f"return {first}", *textwrap.dedent("\n".join(others)).splitlines()]
    try:
        ast.parse("def function():\n" + textwrap.indent("\n".join(lines), "    "))
    except SyntaxError:
        # The lines were inside the parentheses of a call.
        return ["return (", *(f"    {line}" for line in (first, *lines[1:])), ")"]
    return lines


def _sentence(text: str) -> str:
    plain = _plain(" ".join(text.split())).strip()
    if not plain or len(plain) > 160:
        return ""
    return plain if plain.endswith((".", "!", "?")) else f"{plain}."


def _plain(text: str) -> str:
    return text.replace("\\", "/").replace('"', "'")
