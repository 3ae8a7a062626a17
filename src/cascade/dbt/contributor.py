"""Contribute the problems that dbt's parser finds."""

from __future__ import annotations

from pathlib import Path

from cascade.contributor import Contributor, LoadedProject, Problem
from cascade.exceptions import SourceLocation


class DbtContributor(Contributor):
    """Contributes the problems of the project's dbt directory."""

    def problems(self, project: LoadedProject) -> tuple[Problem, ...]:
        """Let dbt parse its project. This takes about four seconds, and dbt stops at its first error.

        Args:
            project: the project; without a `dbt_directory`, nothing is parsed.

        Returns:
            Every problem, in the order of files and lines.

        Raises:
            UsageError: dbt is not installed; see `cascade.dbt.dbt_is_installed`.
        """
        from cascade.dbt.parse import parse_project

        if project.dbt_directory is None:
            return ()
        found = (
            Problem(problem.message, "DbtProblem", SourceLocation(str(problem.file), problem.line))
            for problem in parse_project(project.dbt_directory).problems
        )
        return tuple(sorted(found, key=lambda problem: problem.order))


def has_dbt_project(directory: Path) -> bool:
    """Return whether there is something for dbt to parse: a `dbt_project.yml`, or models that lack one.

    Args:
        directory: the directory in the project's settings.
    """
    return (directory / "dbt_project.yml").is_file() or any((directory / "models").rglob("*.sql"))
