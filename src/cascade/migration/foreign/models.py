"""pydantic models of a project, and whether each can be the schema of a workflow."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from cascade.migration.foreign.found import Column, Model, Remark
from cascade.migration.foreign.local_code import LocalCode
from cascade.migration.foreign.source_code import SourceCode, arguments_of

_KINDS = {
    "int": "int",
    "float": "float",
    "str": "str",
    "bool": "bool",
    "bytes": "bytes",
    "date": "date",
    "datetime.date": "date",
    "time": "time",
    "datetime.time": "time",
    "datetime": "instant",
    "datetime.datetime": "instant",
    "AwareDatetime": "instant",
    "NaiveDatetime": "naive",
    "UUID": "uuid",
    "uuid.UUID": "uuid",
    "EmailStr": "str",
    "HttpUrl": "str",
    "AnyUrl": "str",
}
_OPTIONAL = re.compile(r"(?:Optional|typing\.Optional)\[(.*)\]")
_LIST = re.compile(r"(?:list|List|typing\.List|Sequence)\[(.*)\]")


@dataclass(frozen=True)
class ReadModel:
    """A pydantic model, read from its source.

    Args:
        columns: the fields that are columns.
        model: the model itself, if all of its fields are columns.
        complete: whether `columns` are all of its fields.
        remarks: the fields that are left out.
    """

    columns: tuple[Column, ...]
    model: Model | None
    complete: bool
    remarks: tuple[Remark, ...] = ()


def model_of(code: LocalCode, source: SourceCode, node: ast.ClassDef) -> ReadModel | None:
    """Read a pydantic model.

    Args:
        code: the files of the project.
        source: the file of the class.
        node: the class.

    Returns:
        The model, or None if the class is not one, as far as its source shows.
    """
    fields = _fields(code, source, node, depth=0)
    if fields is None:
        return None
    columns, remarks = [], []
    for statement, place in fields:
        column = _column(statement, place)
        if column is not None:
            columns.append(column)
            continue
        assert isinstance(statement.target, ast.Name)
        text = (
            f"The field {statement.target.id} of {node.name} has the type {ast.unparse(statement.annotation)}, which a "
            "column cannot have, or not as it is declared. The schema leaves it out: add it with a column's type."
        )
        remarks.append(Remark(place.path, statement.lineno, text))
    whole = not remarks and bool(columns)
    return ReadModel(tuple(columns), Model(node.name, source.path) if whole else None, True, tuple(remarks))


def _fields(
    code: LocalCode, source: SourceCode, node: ast.ClassDef, depth: int
) -> list[tuple[ast.AnnAssign, SourceCode]] | None:
    fields: list[tuple[ast.AnnAssign, SourceCode]] = []
    is_model = False
    for base in node.bases:
        name = source.full_name(base)
        if name in ("pydantic.BaseModel", "dlt.common.libs.pydantic.BaseModel"):
            is_model = True
            continue
        found = code.defining(source, base.id) if isinstance(base, ast.Name) else None
        if found is None or found[1] not in found[0].classes or depth > 5:
            return None
        inherited = _fields(code, found[0], found[0].classes[found[1]], depth + 1)
        if inherited is None:
            return None
        is_model = True
        fields += inherited
    own = [
        (statement, source)
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and not statement.target.id.startswith("_")
        and not ast.unparse(statement.annotation).startswith(("ClassVar", "typing.ClassVar"))
        and statement.target.id not in ("model_config", "dlt_config")
    ]
    return [*fields, *own] if is_model else None


def _column(statement: ast.AnnAssign, source: SourceCode) -> Column | None:
    assert isinstance(statement.target, ast.Name)
    kind, optional = _kind(ast.unparse(statement.annotation).strip("'\""), source)
    if kind is None:
        return None
    name, required = statement.target.id, statement.value is None
    if isinstance(statement.value, ast.Call):
        given = arguments_of(statement.value, "default")
        required = "default_factory" not in given and _is_required(given.get("default"))
        alias = source.constant(given.get("validation_alias") or given.get("alias"))
        name = alias if isinstance(alias, str) else name
    return Column(name, kind, required and not optional, field=statement.target.id)


def _kind(annotation: str, source: SourceCode) -> tuple[str | None, bool]:
    optional = False
    if match := _OPTIONAL.fullmatch(annotation):
        annotation, optional = match[1], True
    parts = [part.strip() for part in annotation.split("|")]
    if "None" in parts and "[" not in annotation.replace("list[", "").replace("List[", ""):
        optional = True
        parts.remove("None")
        annotation = " | ".join(parts)
    if match := _LIST.fullmatch(annotation):
        inner, _ = _kind(match[1], source)
        return (f"list[{inner}]" if inner is not None else None), optional
    # `import datetime as dt` and `import datetime` are the same here.
    top, dot, rest = annotation.partition(".")
    imported = source.imports.get(top)
    full = f"{imported.full_name}{dot}{rest}" if imported is not None else annotation
    full = full.removeprefix("pydantic.").removeprefix("typing.")
    return _KINDS.get(full), optional


def _is_required(default: ast.expr | None) -> bool:
    return default is None or (isinstance(default, ast.Constant) and default.value is Ellipsis)
