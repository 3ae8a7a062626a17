"""The new place of each file of a project in the layout that Cascade had before version 1.0."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from cascade.exceptions import UsageError
from cascade.legacy.layout import LegacyLayout
from cascade.migration.names import NewNames
from cascade.migration.tree import Tree

WORKFLOWS = "workflows"
DBT_PROJECT = "transforms/dbt"
_SHARED = "shared"
_KEPT = ("cascade.config", "cascade.defs.", "cascade.schemas.")
"""The modules of the old framework that a project may keep as its own. All others have a successor, or need others."""


@dataclass
class Places:
    """The new paths of the files of a project in the old layout, by their old ones.

    Args:
        tree: the files of the project.
        layout: what they are.

    Attributes:
        new: the new path of each file that moves, from the root of the project.
        dropped: the files that are removed, since the installed package replaces them.
    """

    tree: Tree
    layout: LegacyLayout
    new: dict[str, str] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    _taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        layout = self.layout
        self._refuse_links()
        self.dropped = {self.relative(file) for file in layout.framework} & {*self.tree.paths()}
        for file in (*layout.workflows, *layout.schemas, *layout.definitions, *layout.helpers, *layout.others):
            self._move(file)
        if layout.dbt_project is not None and self.relative(layout.dbt_project) != DBT_PROJECT:
            before = self.relative(layout.dbt_project)
            for path in self.tree.paths(before):
                self.new[path] = DBT_PROJECT + path.removeprefix(before)

    def relative(self, path: Path) -> str:
        """Return a path from the root of the project, with forward slashes."""
        return path.relative_to(self.layout.root).as_posix()

    def keep(self, module: str) -> bool:
        """Keep a file of the old framework, because something of the user imports what it has.

        Args:
            module: its old name.

        Returns:
            Whether the project has such a file.
        """
        if not module.startswith(_KEPT):
            return False
        base = self.layout.source.joinpath(*module.split("."))
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            path = self.relative(file)
            if path in self.dropped:
                self.dropped.remove(path)
                self._move(file)
                return True
        return False

    def names(self) -> NewNames:
        """Return the new names of the modules that move."""
        moved = {}
        for old, new in self.new.items():
            if old.endswith(".py") and (self.layout.root / old).is_relative_to(self.layout.package):
                moved[self.layout.module_name(self.layout.root / old)] = module_name(new)
        return NewNames(moved, dict(_packages(moved)))

    def apply(self) -> None:
        """Move and remove the files in the tree.

        Raises:
            UsageError: a file is where another one would move. The message lists each pair.
        """
        taken = [f"{new} exists, and {old} would move there." for old, new in self.new.items() if new in self.tree]
        if taken:
            raise UsageError("\n".join(taken), hint="Nothing was changed. Move or rename one file of each pair.")
        for path in self.dropped:
            self.tree.remove(path)
        for old, new in self.new.items():
            self.tree.move(old, new)

    def _move(self, file: Path) -> None:
        old = self.relative(file)
        if old not in self.tree:
            # A symbolic link stays, and `_refuse_links` tells of it.
            return
        parts = file.relative_to(self.layout.package).parts
        rest = parts[1:] if parts[0] == "defs" else parts
        new = PurePosixPath(WORKFLOWS, *rest)
        while str(new) in self._taken:
            # Such as `schemas/rain.py` and `defs/schemas/rain.py`.
            rest = (_SHARED, *rest)
            new = PurePosixPath(WORKFLOWS, *rest)
        self._taken.add(str(new))
        self.new[old] = str(new)

    def _refuse_links(self) -> None:
        """Refuse a package that is a link, and tell of the links in it, which stay."""
        root, package = self.layout.root, self.layout.package
        for place in (package, *package.parents):
            if place == root:
                break
            if place.is_symlink():
                raise UsageError(
                    f"{place} is a symbolic link to {place.resolve()}. A migration changes only files inside the "
                    "project.",
                    hint="Nothing was changed. Migrate the project that it leads to, or put a copy in its place.",
                )
        inside = root.resolve()
        for path, target in self.tree.links.items():
            place = root / path
            if not place.is_relative_to(package):
                leads_to = place.resolve()
                if any(each in (leads_to, *leads_to.parents) for each in (package.resolve(), package.parent.resolve())):
                    self.tree.decide(f"It is a symbolic link to {target}, whose files move. Change it.", path)
                continue
            if not place.resolve().is_relative_to(inside):
                raise UsageError(
                    f"{place} is a symbolic link to {target}, which is outside of the project.",
                    hint="Nothing was changed. Put a copy in its place, or remove it.",
                )
            self.tree.decide(f"It is a symbolic link to {target}, and stays. Move it yourself.", path)


def module_name(path: str) -> str:
    """Return the name of a module by its path from the import root, such as `workflows/ingestion/weather.py`."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _packages(moved: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the old and new names of the packages above modules, as far as both end with the same words."""
    for old, new in moved.items():
        while old.rpartition(".")[2] == new.rpartition(".")[2] and "." in new:
            old, new = old.rpartition(".")[0], new.rpartition(".")[0]
            if old.count(".") >= 1:
                yield old, new
