"""Where the files of new workflows go in a project, and which names are free there."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from cascade.authoring.new_files import new_packages, with_build_files, workflows_place
from cascade.exceptions import UsageError
from cascade.framework.declared_names import declared_names, module_files
from cascade.migration.foreign.found import Remark, Table
from cascade.scaffold.names import asset_problems, good_domain, suggest
from cascade.table_ref import DEFAULT_NAMESPACE

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


@dataclass
class Place:
    """The project that workflows are written into.

    Args:
        config: its settings.
    """

    config: CascadeConfig
    _declared: dict[str, str] | None = field(default=None, repr=False)
    _claimed: set[str] = field(default_factory=set, repr=False)
    _domains: dict[str, Path] = field(default_factory=dict, repr=False)

    @property
    def package(self) -> str:
        """The package of the workflows, such as `workflows`."""
        return workflows_place(self.config)[0]

    @property
    def directory(self) -> str:
        """The directory of the workflows, from the root of the project."""
        return workflows_place(self.config)[1]

    def require_outside(self, path: Path) -> None:
        """Refuse to read code that is already among the workflows.

        Raises:
            UsageError: the path is in the directory of the workflows, or contains the project.
        """
        workflows, real = self.config.workflows_directory.resolve(), path.resolve()
        if real.is_relative_to(workflows):
            raise UsageError(
                f"{path} is in the directory of the workflows, {workflows}, so Cascade loads it already.",
                hint="Name the project of the other tool.",
            )

    def domain(self, name: str, path: Path) -> str:
        """Return a domain for the workflows of a file: its name as an identifier, and a number if that is taken.

        Args:
            name: the preferred name.
            path: the file.
        """
        good = good_domain(name)
        number, free = 2, good
        while self._domains.setdefault(free, path) != path:
            free, number = f"{good}_{number}", number + 1
        return free

    def table_name(self, table: Table, domain: str) -> tuple[str, Remark | None]:
        """Return a free name for a table.

        Args:
            table: the table, with its name in the other tool.
            domain: the domain of its workflow.

        Returns:
            The name, and a remark if another table has the usual one.
        """
        if self._declared is None:
            self._declared = dict(self._declared_tables())
        usual = suggest(table.name, prefix="table")
        names = itertools.chain(
            (usual, f"{domain}_{usual}"), (f"{domain}_{usual}_{number}" for number in itertools.count(2))
        )
        free = next(name for name in names if self._is_free(name, domain))
        self._claimed.update((free, self.workflow_file(free, domain)))
        if free == usual:
            return free, None
        text = (
            f"Another workflow fills the table {usual}, so the rows of {table.name} go to {free}. Rename it, if needed."
        )
        return free, Remark(table.path, table.line, text)

    def claim_table(self, table: str, file: str) -> bool:
        """Take a name for the table of a workflow; return whether it was free.

        Args:
            table: the name.
            file: the path of the workflow's module, from the root of the project.
        """
        if self._declared is None:
            self._declared = dict(self._declared_tables())
        if table in self._claimed or self._declared.get(table, file) != file:
            return False
        self._claimed.add(table)
        return True

    def workflow_file(self, table: str, domain: str) -> str:
        """Return the path of the module of a table's workflow, from the root of the project."""
        return f"{self.directory}/ingestion/{domain}/{good_domain(table)}.py"

    def function_name(self, table: str, used: set[str]) -> str:
        """Return the name of a workflow's function.

        Args:
            table: the name of its table.
            used: the names that the module uses.
        """
        taken = table in used or any("itself" in each or "keyword" in each for each in asset_problems(table))
        name = f"load_{table}" if taken else suggest(table, prefix="rows_of")
        return name if name not in used else f"{name}_rows"

    def complete(self, files: dict[str, str]) -> dict[str, str]:
        """Add the packages and BUILD files that new modules need.

        Args:
            files: the text of each new file by its path from the root of the project.
        """
        packages = {
            str(parent / "__init__.py"): ""
            for path in files
            if path.endswith(".py")
            for parent in PurePosixPath(path).parents
            if parent.is_relative_to(self.directory)
        }
        return with_build_files(self.config.project_root, new_packages(self.config.project_root, {**packages, **files}))

    def shown(self, path: Path) -> str:
        """Return a path as messages show it: from the root of the project if it is inside, else from here."""
        root = self.config.project_root
        if path.is_relative_to(root):
            return path.relative_to(root).as_posix()
        relative = os.path.relpath(path)
        return path.as_posix() if relative.startswith("../../..") else Path(relative).as_posix()

    def _is_free(self, table: str, domain: str) -> bool:
        assert self._declared is not None
        file = self.workflow_file(table, domain)
        return self._claimed.isdisjoint((table, file)) and self._declared.get(table, file) == file

    def _declared_tables(self) -> Iterator[tuple[str, str]]:
        root, workflows = self.config.project_root, self.config.workflows_directory
        if not workflows.is_dir():
            return
        files = module_files(workflows)
        for declared in declared_names(files):
            namespace, _, table = (declared.table or "").partition(".")
            if namespace == DEFAULT_NAMESPACE:
                path = files.get(declared.module)
                yield table, path.relative_to(root).as_posix() if path and path.is_relative_to(root) else ""
