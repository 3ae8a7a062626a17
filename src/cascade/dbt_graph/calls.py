"""What a template calls, and what a project offers to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes

from cascade.dbt_graph.values import Values


@dataclass(frozen=True, order=True)
class Place:
    """A line of a file, relative to the working directory."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Ref:
    """The arguments of `ref`."""

    name: str
    package: str | None = None
    version: str | None = None

    def __str__(self) -> str:
        package = f"'{self.package}', " if self.package else ""
        version = f", version={self.version}" if self.version else ""
        return f"ref({package}'{self.name}'{version})"


@dataclass(frozen=True)
class Macro:
    """A macro of a package, or one that a template defines for itself."""

    package: str
    name: str
    node: nodes.Macro = field(repr=False, hash=False, compare=False)
    file: str = ""


@dataclass
class Calls:
    """What a template calls, directly or through macros.

    Args:
        refs: each `ref` and where it is first.
        sources: each `source`, by the names of the source and its table.
        docs: the names of documentation blocks.
        computed: where the arguments of a `ref` or `source` cannot be read.
        macro_files: the files of the macros that were followed.
        config: the arguments of `config`.
    """

    refs: dict[Ref, Place] = field(default_factory=dict)
    sources: dict[tuple[str, str], Place] = field(default_factory=dict)
    docs: set[str] = field(default_factory=set)
    computed: dict[Place, str] = field(default_factory=dict)
    macro_files: set[str] = field(default_factory=set)
    config: dict[str, Values] = field(default_factory=dict)


@dataclass(frozen=True)
class Macros:
    """The macros of a project and its packages.

    Args:
        root: the name of the project.
        by_package: macros by package and name.
    """

    root: str
    by_package: Mapping[str, Mapping[str, Macro]]

    def find(self, name: str, package: str) -> Macro | None:
        """Find the macro that a plain name means.

        Args:
            name: the name.
            package: the package of the template that calls it.
        """
        for one in (package, self.root, "dbt"):
            macro = self.by_package.get(one, {}).get(name)
            if macro is not None:
                return macro
        return None

    def dispatched(self, name: str, package: str) -> Iterator[Macro]:
        """Find the macros among which an adapter chooses.

        Args:
            name: the name without the adapter.
            package: the package that offers them. The project may override each.
        """
        found: dict[str, Macro] = {}
        for one in (self.root, package):
            for full, macro in self.by_package.get(one, {}).items():
                if full.partition("__")[2] == name:
                    found.setdefault(full, macro)
        yield from found.values()


@dataclass(frozen=True)
class Surroundings:
    """What a project offers to its templates.

    Args:
        macros: its macros.
        variables: the variables of each package.
        target: the name of the target.
    """

    macros: Macros
    variables: Mapping[str, Mapping[str, Any]]
    target: str
