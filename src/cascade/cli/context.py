"""The context of every command: the project, its settings, and the contents of its modules."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cascade.framework.project import program_name, require_project_root, standalone_project

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig
    from cascade.exceptions import CascadeError
    from cascade.framework.broken import BrokenAsset
    from cascade.framework.collect import Collected
    from cascade.framework.contents import Contents
    from cascade.framework.contributors import Contributed
    from cascade.framework.project import Project
    from cascade.ingestion import IngestionWorkflow


@dataclass
class Invocation:
    """One call of the command line.

    Args:
        given: the project of the manifest that started it; None for the project in the working directory.
        debug: whether to show tracebacks.
        with_dbt: whether the definitions contain the models of the dbt project, which take seconds to load.
    """

    given: Project | None = None
    debug: bool = False
    with_dbt: bool = True

    @cached_property
    def config(self) -> CascadeConfig:
        """The settings of the project."""
        from cascade.config import CascadeConfig

        return CascadeConfig.from_user_config()

    @cached_property
    def project(self) -> Project:
        """The project.

        Raises:
            UsageError: no manifest was given, and no project contains the working directory.
        """
        self.require_project()
        return self.given or standalone_project(self.config)

    @cached_property
    def module_names(self) -> tuple[str, ...]:
        """The modules of the project."""
        from cascade.framework.discovery import project_modules

        return project_modules(self.project.modules, self.config)

    def require_project(self) -> None:
        """Raise if there is no project, before a command reads or writes anything.

        Raises:
            UsageError: no manifest was given, and no project contains the working directory.
        """
        if self.given is None:
            require_project_root()

    @cached_property
    def contents(self) -> Contents:
        """The modules of the project, loaded."""
        from cascade.framework.contents import load_contents

        return load_contents(self.project.modules, self.config)

    @property
    def loaded(self) -> tuple[Collected, tuple[CascadeError, ...]]:
        """The contents of the modules, and the errors of those that did not load."""
        return self.contents.collected, self.contents.failures

    @cached_property
    def contributed(self) -> Contributed:
        """What Cascade's packages, the modules and the plugins contribute to the project."""
        from cascade.framework.assembly import contribute_what_loads

        project = self.contents.project(self.config, with_dbt=self.with_dbt)
        return contribute_what_loads(self.contents.collected, project)

    @property
    def failures(self) -> tuple[CascadeError, ...]:
        """The errors of everything that is missing from `definitions`."""
        return (*self.contents.failures, *self.contributed.failures, *self.contributed.plugin_failures)

    def definitions(self) -> dg.Definitions:
        """Build Dagster's definitions of everything that loaded."""
        from cascade.framework.assembly import assemble

        return assemble(self.contributed, self.config, self.failures)

    def workflow_named(self, name: str) -> IngestionWorkflow[..., object] | None:
        """Find a workflow by its table with its namespace, such as `raw.flights`, or by its asset key."""
        collected, _ = self.loaded
        for workflow in collected.workflows:
            declaration = workflow.declaration
            if name in ("/".join(declaration.asset_key), declaration.table):
                return workflow
        return None

    def broken_named(self, name: str) -> BrokenAsset | None:
        """Find an asset whose module did not load, by the same names."""
        return next((asset for asset in self.contents.broken if name in asset.names), None)

    @property
    def program(self) -> str:
        """The command that the user types, for hints."""
        return program_name(self.given)
