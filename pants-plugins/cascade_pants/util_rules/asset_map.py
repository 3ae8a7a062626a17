"""Which assets the repository declares, and what each of them needs.

Like `TableMap`, `AssetMap` is one node of the engine for the whole repository: only checks may ask for it.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pants.engine.rules import collect_rules, rule
from pants.util.frozendict import FrozenDict
from pants.util.logging import LogLevel

from cascade_pants.reader.names import CHECKS
from cascade_pants.reader.values import Key, Reference, Value
from cascade_pants.util_rules.table_map import AllDeclarations, LocatedDeclaration

AssetKey = tuple[str, ...]
"""The parts of an asset key."""


@dataclass(frozen=True)
class Need:
    """An asset that another one depends on.

    Args:
        key: its key.
        line: the line of `deps`.
    """

    key: AssetKey
    line: int


@dataclass(frozen=True)
class AssetMap:
    """The assets that workflows declare.

    Args:
        by_key: declarations by the key of their asset, sorted.
        unread: the files that may declare assets whose keys the source does not show, sorted.
        folders: the directories whose files Dagster loads, sorted.
    """

    by_key: FrozenDict[AssetKey, tuple[LocatedDeclaration, ...]]
    unread: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()

    @classmethod
    def of(cls, declarations: Iterable[LocatedDeclaration], loaders: Iterable[str] = ()) -> AssetMap:
        """Map keys to declarations.

        Args:
            declarations: what the workflows of the repository declare.
            loaders: the paths of files that let Dagster load the folder that they are in.
        """
        found = defaultdict(list)
        unread = set()
        for one in declarations:
            key = one.declaration.asset_key
            if key is not None:
                found[key].append(one)
            elif one.declaration.call not in CHECKS:
                unread.add(one.path)
        return cls(
            FrozenDict({key: tuple(places) for key, places in sorted(found.items())}),
            tuple(sorted(unread)),
            tuple(sorted({os.path.dirname(path) for path in loaders})),
        )

    @property
    def names(self) -> list[str]:
        """The keys as Dagster writes them."""
        return ["/".join(key) for key in self.by_key]

    def needs(self, one: LocatedDeclaration) -> list[Need]:
        """Return what a declaration names in `deps`, as far as the source shows it.

        Args:
            one: the declaration. That it needs earlier partitions of its own asset is left out.
        """
        deps = one.declaration.argument("deps")
        if deps is None or not isinstance(deps.value, tuple):
            return []
        keys = dict.fromkeys(key for value in deps.value if (key := self._key(value, one)))
        return [Need(key, deps.line) for key in keys if key != one.declaration.asset_key]

    def _key(self, value: Value, one: LocatedDeclaration) -> AssetKey | None:
        if isinstance(value, str):
            return tuple(value.split("/"))
        if isinstance(value, Key):
            return value.parts
        if isinstance(value, tuple):
            parts = tuple(part for part in value if isinstance(part, str))
            return parts if len(parts) == len(value) else None
        if isinstance(value, Reference):
            found = [other for other in self._named(value.origin, one.path)]
            return found[0].declaration.asset_key if found else None
        return None

    def _named(self, origin: str, path: str) -> Iterator[LocatedDeclaration]:
        """Find the declarations that a name of a module stands for."""
        for suffix in (".asset", ".key"):
            origin = origin[: -len(suffix)] if origin.endswith(suffix) else origin
        module, _, name = origin.rpartition(".")
        for other in self._by_name.get(name, ()):
            if _is_module(other.path, module, path):
                yield other

    @cached_property
    def _by_name(self) -> dict[str, list[LocatedDeclaration]]:
        found = defaultdict(list)
        for places in self.by_key.values():
            for one in places:
                if one.declaration.name:
                    found[one.declaration.name].append(one)
        return dict(found)


def _is_module(path: str, module: str, importer: str) -> bool:
    """Return whether a file is a module that another file names, which may be relative to that file."""
    if not module:
        return path == importer
    stem = path[: -len(".py")]
    stem = stem[: -len("/__init__")] if stem.endswith("/__init__") else stem
    name = module.lstrip(".")
    dots = len(module) - len(name)
    below = name.replace(".", "/")
    if not dots:
        return f"/{stem}".endswith(f"/{below}")
    directory = os.path.dirname(importer)
    for _ in range(dots - 1):
        directory = os.path.dirname(directory)
    return stem == os.path.normpath(os.path.join(directory, below))


@rule(desc="Map assets to Cascade workflows", level=LogLevel.DEBUG)
def map_assets(declarations: AllDeclarations) -> AssetMap:
    return AssetMap.of(declarations.located, declarations.folder_loaders)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
