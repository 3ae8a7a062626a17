"""The option `--since`, and what the changes since a commit affect in a project without Pants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from cascade.cli.context import Invocation
from cascade.exceptions import UsageError

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.framework.since.affected import Affected

R = TypeVar("R")


def since_option(command: Callable[..., R]) -> Callable[..., R]:
    """Add the option `--since` to a command."""
    option = click.option(
        "--since",
        metavar="COMMIT",
        help="A commit, a tag or a branch to compare with, such as origin/main. What the changes since then affect "
        "counts, by imports, data files, locked requirements and the files of the dbt project.",
    )
    return option(command)


def find_affected(
    invocation: Invocation, since: str, root: Path, modules: Mapping[str, Path], dbt_directory: Path
) -> Affected:
    """Find out what the changes since a commit affect.

    Args:
        invocation: the command line.
        since: the commit.
        root: the directory of the project.
        modules: the file of each module.
        dbt_directory: the directory of the dbt project.

    Raises:
        UsageError: Pants built the project, or git cannot tell.
    """
    from cascade.framework.since.affected import affected_since

    if _is_of_pants(invocation):
        raise UsageError(
            "--since is for projects without Pants, which knows more about dependencies.",
            hint=f"Use the goals of Pants: pants cascade-ci --since={since}, and cascade-graph and cascade-affected.",
        )
    return affected_since(root, since, modules, dbt_directory)


def find_affected_in(invocation: Invocation, since: str, config: CascadeConfig) -> Affected:
    """Find out what the changes since a commit affect in the project of some settings.

    Args:
        invocation: the command line.
        since: the commit.
        config: the settings.

    Raises:
        UsageError: Pants built the project, or git cannot tell.
    """
    from cascade.framework.declared_names import project_module_files

    files = {} if _is_of_pants(invocation) else project_module_files()
    return find_affected(invocation, since, config.project_root, files, config.dbt_project_directory)


def _is_of_pants(invocation: Invocation) -> bool:
    return invocation.given is not None and invocation.given.generated
