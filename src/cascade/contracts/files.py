"""The file of a contract: where it is, how it is written and how it is read."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pydantic
import yaml

from cascade.contracts.command import command
from cascade.contracts.model import Contract
from cascade.dbt_graph.documents import line_of, read_document
from cascade.dbt_graph.errors import DocumentError
from cascade.declarations import IngestionDeclaration
from cascade.exceptions import CascadeError, SourceLocation
from cascade.reader.contract_files import DIRECTORY, file_name

_HEADER = """\
# What the readers of this table rely on. Written by `cascade contracts`, or by `pants cascade-contracts`, from the
# workflow. Do not edit it: change the workflow, then type the command again. It says which readers the change breaks.
"""


class ContractError(CascadeError):
    """The file of a contract cannot be read."""


# YAML reads these as the end of a line, wherever they are not escaped.
_UNUSUAL_LINE_BREAKS = "\x85\u2028\u2029"


class _Dumper(yaml.SafeDumper):  # type: ignore[misc]
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        # Lists are indented below their names, as yamllint and most editors want it.
        super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else None
    if any(character in value for character in _UNUSUAL_LINE_BREAKS):
        style = '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _list(dumper: yaml.SafeDumper, value: list[Any]) -> yaml.SequenceNode:
    names = all(isinstance(item, str) and "\n" not in item for item in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=names)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def file_of(declaration: IngestionDeclaration) -> Path | None:
    """Return where the contract of a workflow's table is, whether or not it exists: beside the workflow.

    Args:
        declaration: the workflow's declaration.

    Returns:
        The path, or None for a workflow that does not come from a file.
    """
    # The function may come from a factory in another module.
    module = sys.modules.get(declaration.module or "")
    file = getattr(module, "__file__", None) or inspect.unwrap(declaration.function).__code__.co_filename
    if file.startswith("<"):
        return None
    return Path(file).parent / DIRECTORY / file_name(declaration.table)


def as_yaml(document: dict[str, Any]) -> str:
    """Return a document as YAML, with its fields in order.

    Args:
        document: what YAML can say.
    """
    return str(yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=float("inf")))


def contract_document(contract: Contract) -> dict[str, Any]:
    """Return a contract as a document, without what has its default, apart from the versions.

    Args:
        contract: the contract.
    """
    document = contract.model_dump(mode="json", exclude_defaults=True)
    return {"format": contract.format, "table": contract.table, "version": contract.version, **document}


def contract_text(contract: Contract) -> str:
    """Return the file of a contract. Equal contracts give equal files.

    Args:
        contract: the contract.
    """
    return _HEADER + as_yaml(contract_document(contract))


def read_contract(text: str, file: Path) -> Contract:
    """Read the file of a contract.

    Args:
        text: its text.
        file: its path, for errors.

    Raises:
        ContractError: the text is not a contract.
    """
    hint = f"To write it again from the workflow, delete it and type: {command()}"
    try:
        document = read_document(text)
    except DocumentError as error:
        location = SourceLocation(str(file), error.line)
        raise ContractError(f"The contract cannot be read: {error.message}.", location=location, hint=hint) from error
    try:
        return Contract.model_validate(document)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        location = SourceLocation(str(file), _line(document, first["loc"]))
        what = f'"{name}": {first["msg"]}' if name else first["msg"]
        raise ContractError(f"The contract cannot be read: {what}.", location=location, hint=hint) from error


def _line(document: Any, path: tuple[int | str, ...]) -> int:
    """Return the line of the innermost mapping on a path."""
    line = line_of(document)
    for part in path:
        try:
            document = document[part]
        except (KeyError, IndexError, TypeError):
            break
        line = max(line, line_of(document))
    return line
