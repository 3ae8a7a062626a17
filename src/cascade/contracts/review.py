"""Compare the contracts of a project with what its workflows declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from shlex import quote

from cascade.contracts.declared import declared_contract
from cascade.contracts.differences import Difference, Effect, differences, next_version
from cascade.contracts.files import ContractError, contract_text, file_of, read_contract
from cascade.contracts.model import ALL_COLUMNS, Contract, Reader
from cascade.contracts.readers import Readers
from cascade.declarations import IngestionDeclaration
from cascade.exceptions import CascadeError
from cascade.reader.contract_files import DIRECTORY, contract_table


class State(StrEnum):
    """The state of a contract."""

    NONE = "none"
    """There is no file."""
    CURRENT = "current"
    """The file is what Cascade would write."""
    OUTDATED = "outdated"
    """The workflow differs from the file, in a way that breaks no reader."""
    BROKEN = "broken"
    """The workflow differs from the file, in a way that breaks readers."""
    UNREADABLE = "unreadable"
    """The file, or the schema of the workflow, cannot be read."""
    UNFILLED = "unfilled"
    """No workflow fills the table, or one in another directory does."""


@dataclass(frozen=True)
class Review:
    """What was found about one contract.

    Args:
        table: the full name of the table.
        file: the file of the contract.
        state: its state.
        differences: how the workflow differs from it.
        recorded: the contract in the file.
        declared: the contract that the workflow declares, with the version that it would have.
        readers: who reads the table, also those columns that the workflow no longer declares.
        error: why the contract cannot be judged.
    """

    table: str
    file: Path
    state: State
    differences: tuple[Difference, ...] = ()
    recorded: Contract | None = None
    declared: Contract | None = None
    readers: tuple[Reader, ...] = ()
    error: CascadeError | None = None

    @property
    def breaking(self) -> tuple[Difference, ...]:
        """The differences that break readers."""
        return tuple(one for one in self.differences if one.is_breaking)

    def readers_of(self, column: str | None) -> tuple[Reader, ...]:
        """Return who may read a column: those that name it or take all, and those of which it is not known.

        Args:
            column: the name of the column; None for all readers of the table.
        """
        if column is None:
            return self.readers
        return tuple(one for one in self.readers if not one.columns or {column, ALL_COLUMNS} & {*one.columns})

    @property
    def text(self) -> str:
        """The file as Cascade would write it now."""
        assert self.declared is not None
        return contract_text(self.declared)


def review_contract(declaration: IngestionDeclaration, readers: Readers | None = None) -> Review | None:
    """Compare the contract of one workflow's table with its declaration.

    Args:
        declaration: the workflow's declaration.
        readers: who reads which table; None to take what the file says.

    Returns:
        None if the workflow does not come from a file, so that there is no place for a contract.
    """
    file = file_of(declaration)
    if file is None:
        return None
    table = declaration.table
    try:
        text = _read(file)
        recorded = None if text is None else _recorded(text, file, table)
        declared = declared_contract(declaration)
    except CascadeError as error:
        return Review(table, file, State.UNREADABLE, error=error)
    names = [column.name for column in (*(recorded.columns if recorded is not None else ()), *declared.columns)]
    if readers is not None:
        found = readers.of(table, list(dict.fromkeys(names)))
    else:
        found = recorded.read_by if recorded is not None else ()
    declared = declared.model_copy(update={"read_by": _of_columns(found, declared)})
    if recorded is None:
        return Review(table, file, State.NONE, declared=declared, readers=found)
    found_differences = differences(recorded, declared)
    declared = declared.model_copy(update={"version": next_version(recorded.version, found_differences)})
    state = State.CURRENT
    if any(one.is_breaking for one in found_differences):
        state = State.BROKEN
    elif found_differences or text != contract_text(declared):
        state = State.OUTDATED
        found_differences = found_differences or (Difference("the file was changed by hand", Effect.NOTE),)
    return Review(table, file, state, found_differences, recorded, declared, found)


def _of_columns(readers: Iterable[Reader], contract: Contract) -> tuple[Reader, ...]:
    """Return readers with the columns that a contract has, in its order."""
    names = [ALL_COLUMNS, *(column.name for column in contract.columns)]
    return tuple(
        reader.model_copy(update={"columns": tuple(one for one in names if one in reader.columns)})
        for reader in readers
    )


def unfilled_contracts(declarations: Iterable[IngestionDeclaration], directories: Iterable[Path]) -> list[Review]:
    """Find contracts beside modules whose table no workflow there fills.

    Args:
        declarations: the declarations of all workflows.
        directories: the directories of the modules.
    """
    places: dict[Path, str] = {}
    homes: dict[str, Path] = {}
    for declaration in declarations:
        file = file_of(declaration)
        if file is not None:
            places[file.resolve()] = declaration.table
            homes[declaration.table] = file
    found = []
    for directory in sorted({directory.resolve() for directory in directories}):
        for file in sorted((directory / DIRECTORY).glob("*.yml")):
            table = contract_table(file.as_posix())
            if table is not None and file not in places:
                found.append(Review(table, file, State.UNFILLED, error=_unfilled(table, file, homes)))
    return found


def _unfilled(table: str, file: Path, homes: Mapping[str, Path]) -> ContractError:
    home = homes.get(table)
    if home is not None:
        return ContractError(
            f"The contract of {table} is not beside the workflow that fills it.",
            hint=f"Move it: git mv {quote(str(file))} {quote(str(home))}",
        )
    return ContractError(
        f"No workflow fills {table} any more, but its contract is there.",
        hint=f"Bring the workflow back. If no reader needs the table, delete the contract: git rm {quote(str(file))}",
    )


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"The contract {file} cannot be read: {error}") from error


def _recorded(text: str, file: Path, table: str) -> Contract:
    recorded = read_contract(text, file)
    if recorded.table != table:
        raise ContractError(f'The contract {file} is that of "{recorded.table}", not of "{table}".')
    return recorded
