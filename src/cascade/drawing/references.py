"""Find the workflow that another module refers to by a name."""

from __future__ import annotations

from collections import defaultdict
from pathlib import PurePosixPath


class References:
    """The functions of workflows, by their names and modules."""

    def __init__(self) -> None:
        self._by_name: defaultdict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)

    def add(self, path: str, name: str, id: str) -> None:
        """Record a function.

        Args:
            path: the file of its module.
            name: its name.
            id: what it stands for.
        """
        self._by_name[name].append((_module(path), id))

    def find(self, origin: str, path: str) -> list[str]:
        """Return what a name stands for.

        Args:
            origin: the name with its module, as `Reference.origin` has it.
            path: the file that refers to it.

        Returns:
            Nothing if the source does not show it. A package that re-exports the name is followed, if no other module
            below it has the name.
        """
        name = origin.lstrip(".")
        level = len(origin) - len(name)
        *module, last = name.split(".")
        found = self._by_name.get(last, [])
        if level or not module:
            own = _module(path)
            directory = PurePosixPath(path).parent.parts
            wanted = (*directory[: len(directory) - level + 1], *module) if level else own
            return _one(
                [id for parts, id in found if parts == wanted], [id for parts, id in found if _below(parts, wanted)]
            )
        exact = [id for parts, id in found if parts[-len(module) :] == tuple(module)]
        return _one(exact, [id for parts, id in found if _contains(parts, tuple(module))])


def _one(exact: list[str], near: list[str]) -> list[str]:
    return exact or (near if len(near) == 1 else [])


def _below(parts: tuple[str, ...], package: tuple[str, ...]) -> bool:
    return parts[: len(package)] == package


def _contains(parts: tuple[str, ...], module: tuple[str, ...]) -> bool:
    return any(parts[start : start + len(module)] == module for start in range(len(parts)))


def _module(path: str) -> tuple[str, ...]:
    """Return the parts of a module's name, including those above its source root, which is not known."""
    without = PurePosixPath(path).with_suffix("")
    return without.parent.parts if without.name == "__init__" else without.parts
