"""A bounded cache of what manifest lists and manifests contain. Their files never change once they are written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence, Sized
from threading import Lock
from typing import Generic, TypeVar

from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestEntry, ManifestFile, read_manifest_list

# One entry holds the statistics of a data file, which take a few kilobytes.
_MOST_ENTRIES = 4_000
_MOST_MANIFESTS = 4_000

S = TypeVar("S", bound=Sized)


class BoundedCache(Generic[S]):
    """Sequences by path. The sequences that were not used for longest are dropped first.

    Args:
        most_items: number of items that all sequences together may have.
    """

    def __init__(self, most_items: int) -> None:
        self._most_items = most_items
        self._found: OrderedDict[str, S] = OrderedDict()
        self._items = 0
        self._lock = Lock()

    def get(self, path: str, read: Callable[[], S]) -> S:
        """Return the sequence of a path.

        Args:
            path: the path.
            read: reads the sequence if it is not here.
        """
        with self._lock:
            found = self._found.get(path)
            if found is not None:
                self._found.move_to_end(path)
                return found
        found = read()
        self.put(path, found)
        return found

    def put(self, path: str, items: S) -> None:
        """Add the sequence of a path, unless it alone exceeds the bound."""
        with self._lock:
            known = self._found.pop(path, None)
            self._items -= len(known) if known is not None else 0
            if len(items) > self._most_items:
                return
            self._found[path] = items
            self._items += len(items)
            while self._items > self._most_items:
                self._items -= len(self._found.popitem(last=False)[1])


_entries = BoundedCache[tuple[ManifestEntry, ...]](_MOST_ENTRIES)
_manifests = BoundedCache[tuple[ManifestFile, ...]](_MOST_MANIFESTS)


def manifests_in(io: FileIO, manifest_list: str) -> tuple[ManifestFile, ...]:
    """Return the manifests of a snapshot. They are shared, so they must not be changed.

    Args:
        io: reads the file.
        manifest_list: path of the manifest list.
    """
    return _manifests.get(manifest_list, lambda: tuple(read_manifest_list(io.new_input(manifest_list))))


def live_entries(io: FileIO, manifest: ManifestFile) -> tuple[ManifestEntry, ...]:
    """Return the entries of a manifest that are not deleted, with their sequence numbers. They must not be changed.

    Args:
        io: reads the file.
        manifest: the manifest.
    """
    return _entries.get(manifest.manifest_path, lambda: tuple(manifest.fetch_manifest_entry(io, discard_deleted=True)))


def remember_manifests(manifest_list: str, manifests: Sequence[ManifestFile]) -> None:
    """Add the manifests of a snapshot that has just landed."""
    _manifests.put(manifest_list, tuple(manifests))


def remember_entries(manifest: ManifestFile, entries: Sequence[ManifestEntry]) -> None:
    """Add the live entries of a manifest whose snapshot has just landed."""
    _entries.put(manifest.manifest_path, tuple(entries))
