"""Render the checks of a table, and their test."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from pathlib import PurePosixPath

from cascade.scaffold.environment import environment, import_block, in_words
from cascade.scaffold.names import domain_problems, package_problems
from cascade.scaffold.request import raise_if_any
from cascade.scaffold.table import DeclaredTable

_NAME = "plausible"


@dataclass(frozen=True, kw_only=True)
class QualityRequest:
    """A quality check for a standalone project.

    Args:
        package: the dotted name of its package, such as `workflows.quality`.
        directory: the path of that package from the root of the project, such as `workflows/quality`.
        domain: the subject, which is also the name of the module.
        table: the table to check.
        taken: the names of the other functions that declare checks of the table. Dagster requires unique names.

    Raises:
        UsageError: an argument is wrong; the message lists every problem.
    """

    package: str
    directory: str
    domain: str
    table: DeclaredTable
    taken: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        raise_if_any(tuple(domain_problems(self.domain)) + tuple(package_problems(self.package, self.directory)))

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
    first_party = frozenset({request.package.split(".")[0]})
    context = {
        "request": request,
        "table": table,
        "column": table.optional_column,
        "read_column": (table.optional_column or table.columns[0]).name,
        "words": in_words(request.domain),
        "check_module": f"{request.package}.{request.domain}",
        "imports": lambda *lines: import_block(filter(None, lines), first_party=first_party),
    }
    templates = {
        f"{request.directory}/{request.domain}.py": "quality/check.py.jinja",
        f"tests/test_{request.domain}_quality.py": "quality/test_check.py.jinja",
    }
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
