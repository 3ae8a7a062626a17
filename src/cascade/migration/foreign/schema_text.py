"""Write the pydantic models of tables that were found in a project of another tool."""

from __future__ import annotations

import keyword
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from cascade.migration.foreign.found import Column, Table
from cascade.scaffold.environment import WIDTH, docstring, import_block, literal
from cascade.scaffold.names import key_problems, suggest

FILL_IN = "fill_in_the_columns"
"""The required field of a schema whose columns are not known. No row has it, so no run can land half of a table."""

_ANNOTATIONS = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "bytes": "bytes",
    "date": "dt.date",
    "time": "dt.time",
    "instant": "AwareDatetime",
    "naive": "NaiveDatetime",
    "decimal": "Decimal",
    "uuid": "UUID",
}
_IMPORTS = {
    "date": "import datetime as dt",
    "time": "import datetime as dt",
    "decimal": "from decimal import Decimal",
    "uuid": "from uuid import UUID",
}
_PYDANTIC = {"instant": "AwareDatetime", "naive": "NaiveDatetime"}
_DECIMAL = (38, 9)
"""The digits of a decimal whose size is not declared, and those after its point: the default of dlt."""


@dataclass(frozen=True)
class SchemaField:
    """A field of a schema.

    Args:
        name: its name.
        column: the column that it stands for.
        required: whether every row must have a value.
    """

    name: str
    column: Column
    required: bool


def schema_fields(table: Table) -> tuple[SchemaField, ...]:
    """Return the fields of a table's schema: those of its key first, then the others in their order.

    Args:
        table: the table. A key without a known column gets one by its name.
    """
    known = {column.field or column.name: column for column in table.columns}
    known |= {column.name: column for column in table.columns}
    wanted = dict.fromkeys([*table.key, *([table.cursor] if table.cursor else [])])
    key = [known.get(name) or guessed_column(name) for name in table.key]
    columns = [known.get(name) or guessed_column(name) for name in wanted]
    exact = {id(column): replace(column, kind="decimal") for column in key if column.kind == "float"}
    columns += [column for column in table.columns if column not in columns]
    taken: set[str] = set()
    fields = []
    for column in columns:
        name = column.field or _field_name(column.name, taken)
        taken.add(name.lower())
        # A key cannot be a floating point number.
        fields.append(SchemaField(name, exact.get(id(column), column), column.required or column in key))
    return tuple(fields)


def key_fields(table: Table, fields: Sequence[SchemaField]) -> tuple[str, ...]:
    """Return the fields of a table's key.

    Args:
        table: the table.
        fields: its `schema_fields`, which begin with those of the key.
    """
    return tuple(field.name for field in fields[: len(dict.fromkeys(table.key))])


def guessed_column(name: str) -> Column:
    """Return a column whose kind follows from its name, as `create-workflow` guesses it.

    Args:
        name: the name of the column in the source.
    """
    lowered = suggest(name, prefix="column")
    if lowered == "id":
        kind = "int"
    elif lowered.endswith(("_at", "timestamp")) or lowered in ("at", "datetime", "updated", "created"):
        kind = "instant"
    elif lowered.endswith(("_on", "date")):
        kind = "date"
    else:
        kind = "str"
    return Column(name, kind, guessed=True)


def schema_name(table: str) -> str:
    """Return the name of the class for the rows of a table: `OrderItemsRow` for `order_items`."""
    words = "".join(word.capitalize() for word in table.split("_") if word) or "Table"
    return f"{words}Row" if not words[0].isdigit() else f"Table{words}Row"


def render_schemas(domain: str, tables: Sequence[Table]) -> str:
    """Write the module with the schemas of a domain.

    Args:
        domain: the subject of the workflows.
        tables: the tables whose schemas it defines.
    """
    fields = {table.name: schema_fields(table) for table in tables}
    kinds = {_item(field.column.kind) for group in fields.values() for field in group}
    classes = [_class(table, fields[table.name]) for table in tables]
    needs_field = any(" = Field(" in text or "Annotated" in text for text in classes)
    pydantic = sorted({"BaseModel", *(_PYDANTIC[kind] for kind in kinds if kind in _PYDANTIC)})
    lines = {
        "from __future__ import annotations",
        f"from pydantic import {', '.join([*pydantic, *(['Field'] if needs_field else [])])}",
        *(_IMPORTS[kind] for kind in kinds if kind in _IMPORTS),
    }
    parts = [docstring(f"The schemas of {domain}."), import_block(lines, first_party=frozenset()) + "\n"]
    return "\n".join(parts) + "".join(f"\n\n{text}" for text in classes)


def fill_in_line(text: str, table: str) -> int:
    """Return the line of the schema of a table that a person must complete.

    Args:
        text: the module with the schemas.
        table: the name of the table.
    """
    lines = text.splitlines()
    start = lines.index(f"class {schema_name(table)}(BaseModel):") if lines else 0
    return next((n for n, line in enumerate(lines[start:], start + 1) if line.startswith(f"    {FILL_IN}")), start + 1)


def _class(table: Table, fields: Iterable[SchemaField]) -> str:
    body = [line for field in fields for line in _field(field)]
    if not table.complete:
        why = "Replace this field with the columns of the rows."
        body += _wrapped(FILL_IN, "str", [f"description={literal(why)}"])
    text = f'class {schema_name(table.name)}(BaseModel):\n    """A row of {table.name}."""\n\n'
    return text + "".join(f"    {line}\n" for line in body)


def _field(field: SchemaField) -> Iterator[str]:
    column = field.column
    annotation = _annotation(column.kind) + ("" if field.required else " | None")
    options = [] if field.required else ["default=None"]
    if field.name != column.name:
        options.append(f"alias={literal(column.name)}")
    if _item(column.kind) == "decimal" and column.kind.partition("(")[0] == "decimal":
        digits, places = _size(column.kind)
        options += [f"max_digits={digits}", f"decimal_places={places}"]
    if column.description:
        options.append(f"description={literal(' '.join(column.description.split()))}")
    if column.guessed:
        yield f"# The type of {' '.join(column.name.split())} is a guess."
    if options in ([], ["default=None"]):
        yield f"{field.name}: {annotation}" + (" = None" if options else "")
    else:
        yield from _wrapped(field.name, annotation, options)


def _wrapped(name: str, annotation: str, options: Sequence[str]) -> list[str]:
    line = f"{name}: {annotation} = Field({', '.join(options)})"
    if len(line) + 4 <= WIDTH:
        return [line]
    return [f"{name}: {annotation} = Field(", *(f"    {option}," for option in options), ")"]


def _annotation(kind: str) -> str:
    if kind.startswith("list["):
        return f"list[{_annotation(kind[5:-1])}]"
    return _ANNOTATIONS[kind.partition("(")[0]]


def _item(kind: str) -> str:
    return _item(kind[5:-1]) if kind.startswith("list[") else kind.partition("(")[0]


def _size(kind: str) -> tuple[int, int]:
    if "(" not in kind:
        return _DECIMAL
    digits, _, places = kind.partition("(")[2].rstrip(")").partition(",")
    return int(digits), int(places)


def _field_name(name: str, taken: set[str]) -> str:
    good = suggest(name, prefix="column")
    if name.isidentifier() and name.isascii() and not name.startswith("_") and not keyword.iskeyword(name):
        # A name that Python accepts stays as it is.
        good = name if name.lower() == name else good
    if good != "id" and any(True for _ in key_problems((good,))):
        good = f"row_{good}"
    number, free = 2, good
    while free.lower() in taken:
        free, number = f"{good}_{number}", number + 1
    return free
