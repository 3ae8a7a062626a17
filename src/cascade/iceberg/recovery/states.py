"""The states that the metadata files of one directory describe, and which of them was the last.

A commit writes its metadata file before the catalog accepts it, so a file that lost a race looks like one that was
accepted. Three things tell them apart. Each file names the files before it, so one of the same table that a later file
does not name, and is as young as its log, was not accepted. The number in the name of a file grows by one with each
commit, so nothing that was not accepted has a number above that of the next commit. And a writer of Cascade that lost
has removed the files of its snapshot. Where two whole states remain, nobody can tell, and none is chosen.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cascade.iceberg.stored_files import StoredFile, canonical

if TYPE_CHECKING:
    from pyiceberg.io import FileIO
    from pyiceberg.table.metadata import TableMetadata

METADATA = (".metadata.json", ".metadata.json.gz", ".gz.metadata.json")

_NUMBER = re.compile(r"v?(\d+)")


@dataclass(frozen=True)
class State:
    """A metadata file that could be read.

    Args:
        file: the file.
        metadata: what it says.
        missing: files that readers of a branch or a tag need, and that do not exist.
    """

    file: StoredFile
    metadata: TableMetadata
    missing: tuple[str, ...] = ()

    @property
    def number(self) -> int:
        """The number of the commit, from the name of the file."""
        found = _NUMBER.match(self.file.name)
        return int(found[1]) if found else 0

    @property
    def before(self) -> list[str]:
        """The canonical locations of the files before this one, the newest first."""
        return [canonical(entry.metadata_file) for entry in reversed(self.metadata.metadata_log)]


@dataclass(frozen=True)
class States:
    """What the metadata files of one directory say.

    Args:
        last: the state to register; None if it is not known.
        rivals: the states of which any could have been the last one.
        passed: the states after the last one, which are not whole.
        earlier: the last states of other tables, which were in the same place before.
        unreadable: files that are damaged.
    """

    last: State | None
    rivals: tuple[State, ...] = ()
    passed: tuple[State, ...] = ()
    earlier: tuple[State, ...] = ()
    unreadable: tuple[StoredFile, ...] = ()


def states_of(store: FileIO, files: Iterable[StoredFile], present: Collection[str]) -> States | None:
    """Find the last state that the metadata files of one directory describe.

    Args:
        store: reads the files.
        files: the metadata files.
        present: the canonical locations of all files of the warehouse.

    Returns:
        What was found; None if no file is the metadata of a table.
    """
    by_name = {canonical(file.location): file for file in files}
    tips, unreadable = _tips(store, by_name)
    if not tips:
        return States(None, unreadable=unreadable) if unreadable else None
    tables: dict[object, list[State]] = {}
    for tip in tips:
        tables.setdefault(tip.metadata.table_uuid, []).append(tip)
    newest_first = sorted(tables.values(), key=lambda each: max(one.metadata.last_updated_ms for one in each))[::-1]
    found = _last(store, newest_first[0], by_name, present)
    earlier = [_last(store, each, by_name, present) for each in newest_first[1:]]
    return replace(
        found,
        earlier=tuple(one for each in earlier for one in (each.rivals or ([each.last] if each.last else []))),
        unreadable=unreadable,
    )


def read_state(store: FileIO, file: StoredFile) -> State | None:
    """Read a metadata file. Return None if it is damaged, or is not one of a table.

    Args:
        store: reads the file.
        file: the file.
    """
    from pyiceberg.serializers import FromInputFile

    try:
        return State(file, FromInputFile.table_metadata(store.new_input(file.location)))
    except Exception:
        return None


def checked(store: FileIO, state: State, present: Collection[str]) -> State:
    """Return a state with the files that its branches and tags lack.

    Args:
        store: reads manifests.
        state: the state.
        present: the canonical locations of all files of the warehouse.
    """
    heads = {ref.snapshot_id for ref in state.metadata.refs.values()}
    lists = [one.manifest_list for one in state.metadata.snapshots if one.snapshot_id in heads]
    seen: set[str] = set()
    missing = [path for manifest_list in lists for path in _missing(store, manifest_list, present, seen)]
    return replace(state, missing=tuple(dict.fromkeys(missing)))


def _tips(store: FileIO, by_name: dict[str, StoredFile]) -> tuple[list[State], tuple[StoredFile, ...]]:
    """Return the states that no later one names, and the files that cannot be read.

    A state names those before it, so few files are read.
    """
    waiting = sorted(by_name, key=lambda name: by_name[name].written)
    found: list[State] = []
    unreadable: list[StoredFile] = []
    named: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in named:
            continue
        state = read_state(store, by_name[name])
        if state is None:
            unreadable.append(by_name[name])
        else:
            found.append(state)
            named.update(state.before)
    return [one for one in found if canonical(one.file.location) not in named], tuple(unreadable)


def _last(store: FileIO, tips: list[State], by_name: dict[str, StoredFile], present: Collection[str]) -> States:
    """Find the last state of one table among those that no other names."""
    highest = max(tip.number for tip in tips)
    rivals = [checked(store, tip, present) for tip in tips if tip.number == highest]
    whole = [one for one in rivals if not one.missing]
    passed = [one for one in rivals if one.missing]
    if len(whole) == 1:
        return States(whole[0], passed=tuple(passed))
    if whole:
        return States(None, rivals=tuple(whole), passed=tuple(passed))
    # What none of the last ones says was accepted before them.
    for name in dict.fromkeys(name for one in rivals for name in one.before):
        state = read_state(store, by_name[name]) if name in by_name else None
        if state is None:
            continue
        state = checked(store, state, present)
        if not state.missing:
            return States(state, passed=tuple(passed))
        passed.append(state)
    return States(None, passed=tuple(passed))


def _missing(store: FileIO, manifest_list: str, present: Collection[str], seen: set[str]) -> list[str]:
    from pyiceberg.manifest import read_manifest_list

    def is_missing(path: str) -> bool:
        return canonical(path) not in present and not _exists(store, path)

    if is_missing(manifest_list):
        return [manifest_list]
    found = []
    try:
        for manifest in read_manifest_list(store.new_input(manifest_list)):
            if manifest.manifest_path in seen:
                continue
            seen.add(manifest.manifest_path)
            if is_missing(manifest.manifest_path):
                found.append(manifest.manifest_path)
                continue
            entries = manifest.fetch_manifest_entry(store, discard_deleted=True)
            found += [entry.data_file.file_path for entry in entries if is_missing(entry.data_file.file_path)]
    except Exception:
        # It is damaged.
        return [*found, manifest_list]
    return found


def _exists(store: FileIO, path: str) -> bool:
    """Return whether a file outside of the warehouse exists."""
    try:
        return bool(store.new_input(path).exists())
    except Exception:
        return False
