"""What every command knows: the project, its settings, and what its modules hold."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError, UsageError

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig
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
        from cascade.framework.project import standalone_project

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


def program_name(project: Project | None) -> str:
    """Gives the words that start this command line: `cascade`, `./dev.pex` or `pants run :dev --`."""
    if project is not None and project.generated:
        pex = os.environ.get("PEX")
        if pex and _is_packaged(project.module):
            return _as_typed(Path(pex))
        if project.address:
            launcher = "./pants" if Path("pants").is_file() else "pants"
            return f"{launcher} run {project.address} --"
    if Path(sys.argv[0]).name in ("__main__.py", "-m"):
        return "python -m cascade"
    return "cascade"


def _is_packaged(manifest: str) -> bool:
    # `pants run` has a PEX of the requirements as well, and the manifest beside it in a directory of its own.
    module = sys.modules.get(manifest) or sys.modules["__main__"]
    return str(getattr(module, "__file__", "")).startswith(sys.prefix + os.sep)


def _as_typed(path: Path) -> str:
    try:
        relative = path.resolve().relative_to(Path.cwd())
    except ValueError:
        return str(path)
    return str(relative) if len(relative.parts) > 1 else f"./{relative}"


def require_project_root() -> Path:
    """Finds the root of the project that the working directory is in.

    Returns:
        An absolute path.

    Raises:
        UsageError: it is in none, and `CASCADE_PROJECT_ROOT` names none.
    """
    from cascade.config.root import ROOT_VARIABLE, find_project_root, has_cascade_table

    root = find_project_root()
    if os.environ.get(ROOT_VARIABLE) or has_cascade_table(root / "pyproject.toml"):
        return root
    hint = "Make one: cascade init my-project\nOr go to one: cd my-project"
    if any((directory / "pants.toml").is_file() for directory in (root, *root.parents)):
        hint += "\nIn a Pants repository a project is called by its address: pants run //:dev -- list"
    raise UsageError(
        f"There is no Cascade project here: neither {root} nor a directory above it has a pyproject.toml with "
        "[tool.cascade].",
        hint=hint,
    )


def unknown_name(what: str, name: str, known: list[str], failures: tuple[CascadeError, ...], see: str) -> UsageError:
    """Makes the error for a name that nothing has.

    Args:
        what: "asset" or "table".
        name: what was typed.
        known: the names there are.
        failures: the modules that did not load, where the name may be.
        see: the command that lists them.
    """
    import difflib

    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    message = f"There is no {what} {name!r}."
    if close:
        message += f" Did you mean {close[0]}?"
    if failures:
        message += f" It may be in a module that could not be loaded:\n{failures[0]}"
    return UsageError(message, hint=f"See what there is: {see}")
