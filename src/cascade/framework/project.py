"""What is deployed together: the modules of one Dagster code location."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

STANDALONE_MODULE = "cascade.framework.definitions"
"""The module that a workspace names for a project without a manifest."""


@dataclass(frozen=True)
class Project:
    """A project, as the command line and the code server see it.

    Args:
        name: the name of the code location.
        modules: the modules to load; None to look for them under the configured `workflows_path`.
        address: the Pants address of the `cascade_project`, None without Pants.
        module: the module whose `defs` are the project's definitions.
    """

    name: str
    modules: tuple[str, ...] | None
    address: str | None = None
    module: str = STANDALONE_MODULE

    @property
    def generated(self) -> bool:
        """Whether the modules come from a manifest that Pants made, and so need a new one to change."""
        return self.module != STANDALONE_MODULE


def standalone_project(config: CascadeConfig) -> Project:
    """Gives the project of a directory without Pants, named by its settings."""
    return Project(name=config.project_name, modules=None)
