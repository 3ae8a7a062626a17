"""What every command knows: the project, its settings, and what its modules hold."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cascade.framework.project import program_name, require_project_root, standalone_project

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig
    from cascade.exceptions import CascadeError
    from cascade.framework.collect import Collected
    from cascade.framework.project import Project
    from cascade.ingestion import IngestionWorkflow


@dataclass
class Invocation:
    """One call of the command line.

    Args:
        given: the project of the manifest that called; None for the one in the working directory.
        debug: show tracebacks.
    """

    given: Project | None = None
    debug: bool = False

    @cached_property
    def config(self) -> CascadeConfig:
        """The settings of the project."""
        from cascade.config import CascadeConfig

        return CascadeConfig.from_user_config()

    @cached_property
    def project(self) -> Project:
        """The project.

        Raises:
            UsageError: none is given, and the working directory is in none.
        """
        self.require_project()
        return self.given or standalone_project(self.config)

    @cached_property
    def module_names(self) -> tuple[str, ...]:
        """The modules of the project."""
        from cascade.framework.discovery import project_modules

        return project_modules(self.project.modules, self.config)

    def require_project(self) -> None:
        """Makes sure that there is a project, before anything is looked for or made in a directory that is none.

        Raises:
            UsageError: none is given, and the working directory is in none.
        """
        if self.given is None:
            require_project_root()

    @cached_property
    def loaded(self) -> tuple[Collected, tuple[CascadeError, ...]]:
        """What the modules hold, and the errors of those that did not load."""
        from cascade.framework.contents import load_contents

        contents = load_contents(self.project.modules, self.config)
        return contents.collected, contents.failures

    def definitions(self) -> dg.Definitions:
        """Builds Dagster's definitions of what did load."""
        from cascade.framework.definitions import assemble

        collected, failures = self.loaded
        return assemble(collected, self.config, failures)

    def workflow_named(self, name: str) -> IngestionWorkflow[..., object] | None:
        """Finds a workflow by its table, with or without namespace, or by its asset key."""
        collected, _ = self.loaded
        for workflow in collected.workflows:
            declaration = workflow.declaration
            if name in ("/".join(declaration.asset_key), declaration.table):
                return workflow
        return None

    @property
    def program(self) -> str:
        """How the user called this command line, to be shown in what to type next."""
        return program_name(self.given)
