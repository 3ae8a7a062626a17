"""Compare the working tree with a commit, and report what the difference touches."""

from __future__ import annotations

from collections.abc import Iterator

from cascade_pants.affected.causes import Causes
from cascade_pants.affected.closure import Closure, reach
from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.find_causes import find_causes
from cascade_pants.affected.items import Items
from cascade_pants.affected.report import KINDS, Item, Report, Step
from cascade_pants.affected.repository_graph import RepositoryGraph

_UNOWNED = "no target owns it"


class Affected:
    """What differs from a commit, and what that touches.

    Args:
        since: what the user compares with.
        comparison: the commit and the working tree.
        graph: what Pants knows of the working tree.
    """

    def __init__(self, since: str, comparison: Comparison, graph: RepositoryGraph) -> None:
        self._since = since
        self._comparison = comparison
        self._graph = graph
        self._causes = find_causes(comparison, graph) if comparison.changes else Causes()

    def report(self) -> Report:
        """Return what the changes touch."""
        items = self._items(reach(self._causes.by_target, self._graph.dependents.mapping), self._causes)
        untouching = {
            change.path: self._causes.notes.get(change.path, _UNOWNED)
            for change in self._comparison.changes
            if change.path not in self._causes.counted
        }
        return Report(self._since, self._comparison.base, self._comparison.changes, untouching, items.all())

    def paths_to(self, name: str) -> list[tuple[Step, ...]] | None:
        """Return why something is affected, one path for each changed file that leads to it.

        Args:
            name: a table, an asset key, a model, or the address of a target.

        Returns:
            The paths, none if it is not affected; or None if the repository has nothing of that name.
        """
        found = [self._named(name, path) for path in sorted(self._causes.counted)]
        paths = [steps for steps in found if steps is not None]
        return paths if paths or name in self.names() else None

    def names(self) -> set[str]:
        """Return the names of everything that a change may touch."""
        return self._items(reach({}, {}), Causes()).names()

    def _named(self, name: str, path: str) -> tuple[Step, ...] | None:
        causes = self._causes.only(path)
        items = self._items(reach(causes.by_target, self._graph.dependents.mapping), causes)
        return next((item.steps for item in _all(items) if name in (item.name, *item.also)), None)

    def _items(self, closure: Closure, causes: Causes) -> Items:
        return Items(self._graph, causes, closure)


def _all(items: Items) -> Iterator[Item]:
    found = items.all()
    for kind in KINDS:
        yield from found[kind]
