"""The text of the BUILD file of a workflow, and of a dbt project."""

from __future__ import annotations

from collections.abc import Iterable

from cascade.scaffold.environment import literal


def workflow_build(*, sources: Iterable[str] = (), resolve: str | None = None) -> str:
    """Write the BUILD file of a workflow. Its target owns the data files in its directory, too.

    Args:
        sources: globs of the files that the workflow owns. Default: every Python file in its directory and below.
        resolve: the resolve of the workflow. Default: none, which means the repository's default resolve.

    Returns:
        The text of the BUILD file.
    """
    return _target("cascade_workflow", sources=list(sources), resolve=resolve)


def dbt_project_build(*, resolve: str | None = None) -> str:
    """Write the BUILD file of a dbt project.

    Args:
        resolve: the resolve of the dbt project. Default: none, which means the repository's default resolve.
    """
    return _target("cascade_dbt_project", resolve=resolve)


def _target(name: str, **arguments: object) -> str:
    written = ", ".join(f"{argument}={literal(value)}" for argument, value in arguments.items() if value)
    return f"{name}({written})\n"
