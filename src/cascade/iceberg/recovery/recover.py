"""Register the tables of a warehouse that the catalog does not have."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from cascade.exceptions import CascadeError, UsageError
from cascade.iceberg.commit_outcomes import described
from cascade.iceberg.overview import table_identifiers
from cascade.iceberg.recovery.states import METADATA, State, States, checked, read_state, states_of
from cascade.iceberg.row_count import live_rows
from cascade.iceberg.stored_files import StoredFile, canonical, files_under
from cascade.iceberg.tables import create_namespace
from cascade.iceberg.trino.hidden_tables import is_hidden
from cascade.table_ref import TableRef

if TYPE_CHECKING:
    from pyiceberg.io import FileIO

    from cascade.iceberg.catalog import Lakehouse

Outcome = Literal["registered", "kept", "not registered"]

# Trino adds an id to the directory of a table.
_UNIQUE = re.compile(r"-[0-9a-f]{32}$")


@dataclass(frozen=True)
class Recovered:
    """What was done about the metadata files of one directory, or would be.

    Args:
        name: full name of the table, from its directory.
        location: the directory of the table.
        outcome: whether the table was registered, or the catalog has it, or neither.
        state: the state that was registered; None if none was.
        why: why the table was not registered, or what else there is to know; None for nothing.
        candidates: the states among which the user can choose.
        passed: the states after the registered one, which lack files.
    """

    name: str
    location: str
    outcome: Outcome
    state: State | None = None
    why: str | None = None
    candidates: tuple[State, ...] = ()
    passed: tuple[State, ...] = ()

    @property
    def rows(self) -> int | None:
        """Number of rows on `main`; None if it is not known."""
        return rows_of(self.state) if self.state else None

    @property
    def written_at(self) -> datetime | None:
        """When the state was written, in UTC; None if there is none."""
        return written_at(self.state) if self.state else None


def rows_of(state: State) -> int | None:
    """Return the number of rows on `main` of a state; None if its snapshot does not say."""
    return live_rows(state.metadata.current_snapshot())


def written_at(state: State) -> datetime:
    """Return when a state was written, in UTC."""
    return datetime.fromtimestamp(state.metadata.last_updated_ms / 1000, UTC)


def recover(
    lakehouse: Lakehouse,
    *,
    warehouse: str | None = None,
    choices: Collection[str] = (),
    dry_run: bool = False,
    begin: Callable[[str], None] = lambda name: None,
) -> list[Recovered]:
    """Register the tables whose files are in the warehouse, and that the catalog does not have.

    Args:
        lakehouse: the lakehouse. What its catalog has stays as it is.
        warehouse: where to look; the warehouse of the lakehouse if absent.
        choices: metadata files that decide which state of their tables is registered.
        dry_run: whether to find out only what would be registered.
        begin: called with the name of each directory before its files are read.

    Returns:
        What was found, in the order of the names.

    Raises:
        UsageError: it is not known where the warehouse is, or a choice is not a metadata file there.
        CascadeError: the warehouse cannot be listed.
    """
    place = warehouse or lakehouse.warehouse
    store = _store(lakehouse, place)
    try:
        files = files_under(store, place)
    except OSError as error:
        raise CascadeError(f"The warehouse {place} cannot be listed: {error}") from error
    search = _Search(
        lakehouse, store, canonical(place.rstrip("/")), frozenset(canonical(one.location) for one in files)
    )
    directories: dict[str, list[StoredFile]] = defaultdict(list)
    for file in files:
        directory = canonical(file.location).rpartition("/")[0]
        # What a killed merge by Trino has left refers to the files of a table that is found as well.
        if file.name.endswith(METADATA) and not is_hidden(directory.removesuffix("/metadata").rpartition("/")[2]):
            directories[directory].append(file)
    chosen = _chosen(choices, directories)
    found = []
    for directory in sorted(directories):
        begin(directory)
        one = search.look_at(directory, directories[directory], chosen.get(directory))
        if one is not None:
            found.append(one if dry_run or one.outcome != "registered" else search.register(one))
    return [*found, *search.unreadable()]


@dataclass
class _Search:
    lakehouse: Lakehouse
    store: FileIO
    warehouse: str
    present: frozenset[str]
    known: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    ids: dict[object, str] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for identifier in table_identifiers(self.lakehouse.catalog):
            name = ".".join(identifier)
            self.known[name] = name
            try:
                table = self.lakehouse.catalog.load_table(identifier)
            except Exception as error:
                self.damaged[name] = described(error)
                continue
            self.places[canonical(table.location().rstrip("/"))] = name
            self.ids[table.metadata.table_uuid] = name

    def look_at(self, directory: str, files: list[StoredFile], choice: StoredFile | None) -> Recovered | None:
        """Decide what becomes of the metadata files of a directory. Return None if they are not of a table."""
        states = states_of(self.store, files, self.present)
        if states is None:
            return None
        chosen = self._chosen(choice)
        state = chosen or states.last
        candidates = tuple(one for one in (*states.rivals, *states.earlier) if chosen is None)
        location = directory.removesuffix("/metadata")
        example = state or next(iter((*states.rivals, *states.passed)), None)
        if example is not None:
            location = canonical(example.metadata.location.rstrip("/"))
        name = self._name(location)
        found = Recovered(
            name, location, "not registered", state, None, candidates, states.passed if not chosen else ()
        )
        return self._decided(found, directory, states)

    def _chosen(self, choice: StoredFile | None) -> State | None:
        if choice is None:
            return None
        state = read_state(self.store, choice)
        if state is None:
            raise UsageError(f"{choice.location} cannot be read as the metadata of a table.")
        return checked(self.store, state, self.present)

    def _decided(self, found: Recovered, directory: str, states: States) -> Recovered:
        state = found.state
        if found.location in self.places:
            name = self.places[found.location]
            known = [one for one in (state, *found.candidates) if one and one.metadata.table_uuid not in self.ids]
            why = (
                "the catalog has a later table there, and the files of an earlier one are still there"
                if known
                else None
            )
            return replace(found, name=name, outcome="kept", state=None, why=why, candidates=tuple(known))
        if state is not None and state.metadata.table_uuid in self.ids:
            return replace(found, name=self.ids[state.metadata.table_uuid], outcome="kept", state=None, candidates=())
        if found.name in self.damaged:
            return replace(
                found, why=f"the catalog has it, and it cannot be read there: {self.damaged.pop(found.name)}"
            )
        if found.name in self.known:
            return replace(found, why="the catalog has a table of this name in another place")
        if not directory.startswith(f"{found.location}/") and directory != found.location:
            return replace(found, why=f"its files were moved: they call their place {found.location}")
        if not found.name:
            return replace(found, name=found.location, why="its directory does not tell its namespace and name")
        if state is None and states.rivals:
            return replace(found, why=f"{len(states.rivals)} states could be the last one, and only one of them was")
        if state is None:
            lacking = next(iter(states.passed), None)
            example = f", such as {lacking.missing[0]}" if lacking else ""
            return replace(found, why=f"every state that is left lacks files{example}")
        if state.missing:
            return replace(found, why=f"the state that you chose lacks files, such as {state.missing[0]}")
        return replace(found, outcome="registered")

    def register(self, found: Recovered) -> Recovered:
        """Let the catalog have a table."""
        from pyiceberg.exceptions import TableAlreadyExistsError

        ref = TableRef.parse(found.name)
        assert found.state is not None
        try:
            create_namespace(self.lakehouse, ref.namespace)
            self.lakehouse.catalog.register_table(ref.identifier, found.state.file.location)
        except TableAlreadyExistsError:
            return replace(found, outcome="kept", why="the catalog has got a table of this name meanwhile")
        except Exception as error:
            return replace(found, outcome="not registered", why=f"the catalog refused it: {described(error)}")
        self.known[found.name] = found.name
        self.places[found.location] = found.name
        return found

    def unreadable(self) -> Iterator[Recovered]:
        """Yield the tables of the catalog that it cannot load, and of which the warehouse has nothing."""
        for name, why in self.damaged.items():
            yield Recovered(name, "", "not registered", why=f"the catalog has it, and it cannot be read there: {why}")

    def _name(self, location: str) -> str:
        """Return the full name of a table from its directory; empty if that does not tell it."""
        if not location.startswith(f"{self.warehouse}/"):
            return ""
        *spaces, name = location.removeprefix(f"{self.warehouse}/").split("/")
        return ".".join([*(space.removesuffix(".db") for space in spaces), _UNIQUE.sub("", name)]) if spaces else ""


def _store(lakehouse: Lakehouse, place: str) -> FileIO:
    from pyiceberg.io import load_file_io

    rest = lakehouse.uri.startswith(("http://", "https://"))
    if not place or (rest and "://" not in place and not place.startswith("/")):
        raise UsageError(
            f"The catalog at {lakehouse.uri} calls its warehouse {place!r}, which does not tell where the files are.",
            hint="Give its location, such as s3://bucket/path: add --warehouse LOCATION.",
        )
    return load_file_io(lakehouse.catalog.properties, place)


def _chosen(choices: Collection[str], directories: Mapping[str, list[StoredFile]]) -> dict[str, StoredFile]:
    """Return the chosen metadata files by their directories."""
    known = {canonical(file.location): file for files in directories.values() for file in files}
    found: dict[str, StoredFile] = {}
    for choice in choices:
        file = known.get(canonical(choice))
        if file is None:
            raise UsageError(
                f"{choice} is not a metadata file of the warehouse.", hint="Copy its location from the list of states."
            )
        directory = canonical(choice).rpartition("/")[0]
        if directory in found:
            raise UsageError(f"{choice} and {found[directory].location} are states of the same table. Choose one.")
        found[directory] = file
    return found
