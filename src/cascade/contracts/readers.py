"""Who reads each table: workflows and Dagster assets that depend on it, models of dbt, and marts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from cascade.contracts.dbt_readers import DbtReaders
from cascade.contracts.model import Reader
from cascade.dbt_graph.errors import DocumentError
from cascade.dbt_graph.graph import read_graph
from cascade.dbt_graph.packages import PROJECT_FILE
from cascade.declarations import IngestionDeclaration
from cascade.declarations.asset_keys import dependencies


@dataclass
class Readers:
    """Who reads each table.

    Args:
        by_table: workflows, assets and others by the full name of a table.
        graphs: dbt projects, each with the projects that contain it.
        unread: why a dbt project could not be read, one line each.
    """

    by_table: dict[str, list[Reader]] = field(default_factory=lambda: defaultdict(list))
    graphs: list[tuple[DbtReaders, tuple[str, ...]]] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    def of(self, table: str, columns: Sequence[str]) -> tuple[Reader, ...]:
        """Return the readers of a table, each once, in order.

        Args:
            table: its full name.
            columns: the columns that it has or had.
        """
        found = set(self.by_table.get(table, ()))
        for graph, projects in self.graphs:
            found.update(one.model_copy(update={"projects": projects}) for one in graph.of(table, columns))
        # Pants knows the projects of what is also found here.
        known = {(one.kind, one.name) for one in found if one.projects}
        kept = (one for one in found if one.projects or (one.kind, one.name) not in known)
        return tuple(sorted(kept, key=lambda one: (one.kind, one.name, one.projects)))

    def add_assets(self, declarations: Iterable[IngestionDeclaration], assets: Iterable[Any] = ()) -> None:
        """Add the workflows and the plain Dagster assets of a project. Which columns they read is not known.

        Args:
            declarations: the declarations of its workflows.
            assets: its other assets, as Dagster defines them.
        """
        declarations = list(declarations)
        tables = {declaration.asset_key: declaration.table for declaration in declarations}
        for declaration in declarations:
            keys = [key for dep in dependencies(declaration.deps) for key in _keys_of(dep)]
            self._add(tables, keys, "workflow", "/".join(declaration.asset_key))
        for asset in assets:
            for key, needed in _dependencies_of(asset):
                if key not in tables:
                    self._add(tables, needed, "asset", "/".join(key))

    def _add(
        self,
        tables: Mapping[tuple[str, ...], str],
        keys: Iterable[tuple[str, ...]],
        kind: Literal["workflow", "asset"],
        name: str,
    ) -> None:
        for table in {tables[key] for key in keys if key in tables}:
            self.by_table[table].append(Reader(kind=kind, name=name))

    def add_dbt(self, directory: Path, projects: tuple[str, ...] = ()) -> None:
        """Add the models, snapshots and marts of a dbt project. It is read without dbt.

        Args:
            directory: the directory of the dbt project. Without a `dbt_project.yml`, nothing is added.
            projects: the projects that contain it.
        """
        if not (directory / PROJECT_FILE).is_file():
            return
        try:
            self.graphs.append((DbtReaders(read_graph(str(directory))), projects))
        except DocumentError as error:
            self.unread.append(f"{directory / PROJECT_FILE}:{error.line}: {error.message}")


def _keys_of(dep: Any) -> list[tuple[str, ...]]:
    """Return the keys of a dependency: a key, or something of Dagster that has one or several."""
    if hasattr(dep, "path"):
        keys = [dep]
    elif hasattr(dep, "keys"):
        keys = list(dep.keys)
    else:
        keys = [getattr(dep, "asset_key", None) or dep.key]
    return [tuple(key.path) for key in keys]


def _dependencies_of(asset: Any) -> Iterator[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Yield the key of each asset of a definition, and the keys that it depends on."""
    for spec in getattr(asset, "specs", None) or ([asset] if hasattr(asset, "deps") else []):
        yield tuple(spec.key.path), [key for dep in spec.deps for key in _keys_of(dep)]
