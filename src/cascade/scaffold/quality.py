"""Render a quality check: a Dagster asset check of a table, and its test."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, count
from pathlib import PurePosixPath

from cascade.scaffold.environment import environment, import_block, in_words
from cascade.scaffold.names import domain_problems, package_problems
from cascade.scaffold.request import raise_if_any
from cascade.scaffold.table import DeclaredTable

_LONGEST = 47


@dataclass(frozen=True, kw_only=True)
class QualityRequest:
    """A quality check for a standalone project.

    Args:
        package: the dotted name of its package, such as `workflows.quality`.
        directory: the path of that package from the root of the project, such as `workflows/quality`.
        domain: the subject, which is also the name of the module.
        table: the table to check.
        taken: the names of the table's other checks. Dagster requires unique names.

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
        """The name of the check, which is that of its function."""
        column = self.table.optional_column
        name = "rows_are_present" if column is None else f"{column.name.lower()}_is_present"
        if len(name) > _LONGEST:
            # A call with a longer name, or one with a number, would not fit on one line.
            name = "values_are_present"
        names = chain((name,), (f"{name}_{number}" for number in count(2)))
        return next(free for free in names if free not in self.taken)


def render_quality(request: QualityRequest) -> dict[str, str]:
    """Render a check of a table's optional column, or of its number of rows if it has no optional column.

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
