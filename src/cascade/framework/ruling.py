"""What Dagster's `Definitions` decide about the modules of their package.

Existing Dagster code lists its assets in `Definitions`, often under other keys than those in the modules. What such a
`Definitions` holds is not collected from its own module again. One that lists objects of other modules of its package
decides for the whole package, as it does for Dagster: what it does not list stays out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.contributor import Contribution
from cascade.framework.collect import Collected, named_definitions
from cascade.reader.modules import loads_folder

if TYPE_CHECKING:
    import dagster as dg

_KINDS = ("assets", "asset_checks", "jobs", "schedules", "sensors")


@dataclass(frozen=True)
class LeftOut:
    """A definition that a module has, and that the `Definitions` of its package does not list.

    Args:
        name: its name or asset key.
        module: the module that has it.
        ruler: the module of the `Definitions`.
    """

    name: str
    module: str
    ruler: str

    def __str__(self) -> str:
        return f"{self.name} in {self.module} is left out, because the Definitions in {self.ruler} does not list it."


def apply_rulers(collected: Collected) -> tuple[Collected, tuple[LeftOut, ...]]:
    """Leave out what the `Definitions` of a package hold already, or do not list.

    Args:
        collected: what was gathered, without functions of `@definitions`.

    Returns:
        The rest, and what is left out because it is not listed.
    """
    rulers = _outermost([_Ruler.of(each, collected.home(each) or "") for each in collected.definitions])
    listed = {id(ruler): _Listed(ruler, collected) for ruler in rulers}
    kept: dict[str, Any] = {"definitions": tuple(ruler.definitions for ruler in rulers)}
    left_out: list[LeftOut] = []
    for kind in _KINDS:
        rest = []
        for value in getattr(collected, kind):
            home = collected.home(value) or ""
            if any(ruler.holds(kind, value, home) for ruler in rulers):
                continue
            decider = next((ruler for ruler in reversed(rulers) if listed[id(ruler)].decides(kind, home)), None)
            if decider is None:
                rest.append(value)
            else:
                left_out.extend(LeftOut(name, home, decider.module) for name in _names(kind, value))
        kept[kind] = tuple(rest)
    return replace(collected, **kept), tuple(left_out)


class _Listed:
    """The modules whose objects a `Definitions` lists, by kind."""

    def __init__(self, ruler: _Ruler, collected: Collected) -> None:
        self._ruler = ruler
        self._modules: dict[str, set[str]] = {}
        for kind in _KINDS:
            homes = ((value, collected.home(value) or "") for value in getattr(collected, kind))
            self._modules[kind] = {home for value, home in homes if ruler.holds(kind, value, home)}
        others = {home for modules in self._modules.values() for home in modules} - {ruler.module}
        self._is_index = any(map(ruler.covers, others))

    def decides(self, kind: str, module: str) -> bool:
        """Return whether an object of a module that is not listed stays out."""
        return self._ruler.covers(module) and (self._is_index or module in self._modules[kind])


def loads_folder_of(module: str, others: Iterable[str]) -> bool:
    """Return whether one of some modules lets Dagster's loader load the folder of another module.

    Args:
        module: the name of the module that may be in the folder.
        others: the names of modules with `Definitions`. Only those of packages above the folder count.
    """
    return any(
        other != module and _covers(_package(other), module) and loads_folder(_source(other)) for other in others
    )


def _source(module: str) -> bytes:
    try:
        return Path(str(getattr(sys.modules.get(module), "__file__", ""))).read_bytes()
    except OSError:
        return b""


def _package(module: str) -> str:
    is_package = hasattr(sys.modules.get(module), "__path__")
    return module if is_package else module.rpartition(".")[0]


def _covers(package: str, module: str) -> bool:
    return module.startswith(f"{package}.") or module == package if package else "." not in module


@dataclass(frozen=True)
class _Ruler:
    """A `Definitions`, and what it holds.

    Args:
        definitions: the `Definitions`.
        module: its module.
        nodes: what identifies the computations of its assets and checks.
        keys: the paths of its asset keys.
        names: the kind and name of everything in it.
    """

    definitions: dg.Definitions
    module: str
    nodes: frozenset[object] = frozenset()
    keys: frozenset[tuple[str, ...]] = frozenset()
    names: frozenset[tuple[str, str]] = frozenset()
    identities: frozenset[int] = field(default=frozenset(), repr=False)

    @classmethod
    def of(cls, definitions: dg.Definitions, module: str) -> _Ruler:
        values = [(kind, value) for kind in _KINDS for value in getattr(definitions, kind) or ()]
        return cls(
            definitions,
            module,
            frozenset(node for _, value in values for node in _nodes(value)),
            # Every end of a key, because `key_prefix` adds parts in front of it.
            frozenset(
                path[start:]
                for kind, value in values
                if kind == "assets"
                for path in _paths(value)
                for start in range(len(path))
            ),
            frozenset((kind, name) for kind, value in values for name in _names(kind, value)),
            frozenset(id(value) for _, value in values),
        )

    @property
    def package(self) -> str:
        """The package whose modules it may decide about; empty for modules outside of packages."""
        return _package(self.module)

    def covers(self, module: str) -> bool:
        return _covers(self.package, module)

    def holds(self, kind: str, value: Any, home: str) -> bool:
        nodes = _nodes(value)
        if id(value) in self.identities or any(node in self.nodes for node in nodes):
            return True
        if not self.covers(home):
            return False
        if kind in ("assets", "asset_checks"):
            # Two assets with a key and different code are a conflict, which is reported.
            paths = set(_paths(value))
            return kind == "assets" and not nodes and bool(paths) and paths <= self.keys
        return all((kind, name) in self.names for name in _names(kind, value))

    def includes(self, other: _Ruler) -> bool:
        """Return whether it holds everything of another `Definitions` in its package, as after a merge."""
        held = all(
            self.holds(kind, value, other.module) or {(kind, name) for name in _names(kind, value)} <= self.names
            for kind in _KINDS
            for value in getattr(other.definitions, kind) or ()
        )
        return held and self.covers(other.module) and {*(other.definitions.resources or ())} <= self.resources

    @property
    def resources(self) -> set[str]:
        return {*(self.definitions.resources or ())}


def _outermost(rulers: list[_Ruler]) -> list[_Ruler]:
    """Leave out each `Definitions` that another one includes. Those of packages come before those inside of them."""
    kept: list[_Ruler] = []
    for ruler in sorted(rulers, key=lambda one: (len(one.package.split(".")), -len(one.names), -len(one.resources))):
        if not any(other.includes(ruler) for other in kept):
            kept.append(ruler)
    return kept


def _nodes(value: Any) -> list[object]:
    """Return what identifies a computation. Dagster copies assets to change their keys, but not their computation."""
    if not getattr(value, "is_executable", True):
        return []
    node = getattr(value, "node_def", None)
    if node is None:
        return []
    function = getattr(getattr(node, "compute_fn", None), "decorated_fn", None)
    code = getattr(function, "__code__", None)
    # A function of `@definitions` makes its assets anew at every call.
    return [id(node), *([(code, node.name)] if code is not None else [])]


def _paths(value: Any) -> Iterator[tuple[str, ...]]:
    for key in value.keys if hasattr(value, "keys") else [value.key] if hasattr(value, "key") else []:
        yield tuple(key.path)


def _names(kind: str, value: Any) -> list[str]:
    if kind == "assets" and not hasattr(value, "keys") and not hasattr(value, "key"):
        return []
    only: dict[str, Any] = {kind: (value,)}
    return [name for _, name, _ in named_definitions(Contribution(**only))]
