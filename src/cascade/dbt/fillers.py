"""Which workflow fills each table. dbt shows a table without a run as an empty one, with the columns of its workflow.

A process of dbt cannot ask the project, so whoever starts it writes down where the workflows are. Their modules are
imported only if a table does not exist.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cascade.dbt.profile import dbt_state_directory
from cascade.dbt.state_files import write_state_file
from cascade.declarations import IngestionDeclaration
from cascade.program import typed

if TYPE_CHECKING:
    from pathlib import Path

    from pyiceberg.schema import Schema

    from cascade.config import CascadeConfig


@dataclass(frozen=True)
class Filler:
    """The workflow that fills a table.

    Args:
        table: the table with its namespace, such as `raw.flights`.
        asset: the key of the workflow's asset, as text.
        module: the module that contains the workflow.
    """

    table: str
    asset: str
    module: str

    def schema(self) -> Schema:
        """Return the schema that the first run would give to the table.

        Raises:
            LookupError: the workflow cannot be found. The message names the command that fills the table.
        """
        from cascade.schemas import to_iceberg_schema

        try:
            # What a module prints must not be among the rows that dbt shows.
            with contextlib.redirect_stdout(sys.stderr):
                module = import_module(self.module)
            declaration = next(found for found in _declarations(module) if found.table == self.table)
            return to_iceberg_schema(declaration.validation_schema, declaration.unique_key)
        except StopIteration:
            why = f"{self.module} has no workflow of this table at its top level."
        except Exception as error:
            why = f"{self.module} cannot be imported: {type(error).__name__}: {error}"
        raise LookupError(f"{why} To fill the table, type: {typed(f'materialize {self.asset}')}")


def _declarations(module: Any) -> Iterator[IngestionDeclaration]:
    found = (getattr(value, "declaration", None) for value in vars(module).values())
    return (declaration for declaration in found if isinstance(declaration, IngestionDeclaration))


def write_fillers(config: CascadeConfig, fillers: Iterable[Filler]) -> None:
    """Write down which workflow fills each table, for the processes of dbt.

    Args:
        config: the settings.
        fillers: the workflows.
    """
    text = json.dumps([asdict(filler) for filler in sorted(fillers, key=lambda filler: filler.table)], indent=1)
    write_state_file(_file(config), text)


def read_fillers(config: CascadeConfig) -> Mapping[tuple[str, str], Filler]:
    """Return the workflow that fills each table, by the namespace and the name of the table.

    Args:
        config: the settings.
    """
    try:
        listed = [Filler(**each) for each in json.loads(_file(config).read_bytes())]
    except (OSError, ValueError, TypeError):
        return {}
    places = (filler.table.rpartition(".") for filler in listed)
    return {(namespace, name): filler for (namespace, _, name), filler in zip(places, listed, strict=True)}


def _file(config: CascadeConfig) -> Path:
    return dbt_state_directory(config) / "workflows.json"
