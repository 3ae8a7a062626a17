"""Render the checks of a table, and their test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import PurePosixPath
from typing import Any

from cascade.scaffold.environment import environment, import_block, in_words
from cascade.scaffold.names import domain_problems, package_problems
from cascade.scaffold.request import FLAVOURS, raise_if_any
from cascade.scaffold.table import DeclaredTable, TableColumn

_NAME = "plausible"
_MODULE = "checks"


@dataclass(frozen=True, kw_only=True)
class QualityRequest:
    """Checks of a table.

    Args:
        package: the dotted name of its package, such as `workflows.quality`.
        directory: the path of that package from the root of the project, such as `workflows/quality`.
        domain: the subject, which is also the name of the module.
        table: the table to check.
        flavour: one of `FLAVOURS`: the test is next to the checks, or in the project's directory of tests.
        runtime_is_first_party: whether the sources of `cascade` are in the same repository. This decides the position
            of its imports.
        resolve: the resolve in the BUILD file. Default: none, which means the repository's default resolve.
        taken: the names of the other functions that declare checks of the table. Dagster requires unique names.

    Raises:
        UsageError: an argument is wrong; the message lists every problem.
    """

    package: str
    directory: str
    domain: str
    table: DeclaredTable
    flavour: str = FLAVOURS[1]
    runtime_is_first_party: bool = False
    resolve: str | None = None
    taken: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        # Under Pants, the name of the module does not follow from the domain.
        domain = () if self.flavour == FLAVOURS[0] else tuple(domain_problems(self.domain))
        raise_if_any(domain + tuple(package_problems(self.package, self.directory)))

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> QualityRequest:
        """Read a request from the JSON that `python -m cascade.scaffold` receives.

        Args:
            document: a JSON object with `package`, `directory`, and the fields that `DeclaredTable.from_json` reads.

        Raises:
            UsageError: the document is not a request, or an argument in it is wrong.
        """
        table = DeclaredTable.from_json(document, "package", "directory")
        key = table.unique_key or ("id",)
        package: str = document["package"]
        return cls(
            package=package,
            directory=document["directory"],
            domain=package.rpartition(".")[2],
            table=replace(table, unique_key=key, columns=tuple(TableColumn(column, "number") for column in key)),
            flavour=FLAVOURS[0],
            runtime_is_first_party=bool(document.get("runtime_is_first_party")),
            resolve=document.get("resolve"),
        )

    @property
    def files(self) -> tuple[str, str]:
        """The paths of the checks and of their test."""
        if self.flavour == FLAVOURS[0]:
            return f"{self.directory}/{_MODULE}.py", f"{self.directory}/test_{_MODULE}.py"
        return f"{self.directory}/{self.domain}.py", f"tests/test_{self.domain}_quality.py"

    @property
    def module(self) -> str:
        """The dotted name of the module of the checks."""
        return f"{self.package}.{_MODULE if self.flavour == FLAVOURS[0] else self.domain}"

    @property
    def check(self) -> str:
        """The name of the function that declares the checks."""
        names = chain((_NAME,), (f"{_NAME}_{number}" for number in count(2)))
        return next(free for free in names if free not in self.taken)


def render_quality(request: QualityRequest) -> dict[str, str]:
    """Render checks of a table's number of rows, and of its optional column if it has one.

    Args:
        request: the check.

    Returns:
        The text of each file by its path from the root of the project, in display order.
    """
    table = request.table
    first_party = frozenset({request.package.split(".")[0], *(["cascade"] if request.runtime_is_first_party else [])})
    context = {
        "request": request,
        "table": table,
        "column": table.optional_column,
        "read_column": (table.optional_column or table.columns[0]).name,
        "words": in_words(request.domain),
        "check_module": request.module,
        "imports": lambda *lines: import_block(filter(None, lines), first_party=first_party),
    }
    templates = dict(zip(request.files, ("quality/check.py.jinja", "quality/test_check.py.jinja"), strict=True))
    return {path: environment().get_template(name).render(context) for path, name in templates.items()}


def quality_packages(request: QualityRequest) -> dict[str, str]:
    """List the packages that contain the check, to create in new directories only.

    Args:
        request: the check.

    Returns:
        The text of each `__init__.py` by its path.
    """
    parts = request.package.split(".")
    root = PurePosixPath(*PurePosixPath(request.directory).parts[: -len(parts)])
    return {f"{root.joinpath(*parts[: depth + 1])}/__init__.py": "" for depth in range(len(parts))}
