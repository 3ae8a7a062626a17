"""A project: the modules of one Dagster code location, where they are, and how the user starts them."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from cascade.exceptions import CascadeError, UsageError
from cascade.program import typed

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


class ProjectPaths(Protocol):
    """Where the workflows of a project are. `CascadeConfig` knows, and so does `PlainSettings`."""

    @property
    def project_root(self) -> Path:
        """The project's directory."""
        ...

    @property
    def workflows_directory(self) -> Path:
        """The directory of the workflows, as an absolute path."""
        ...

    @property
    def dbt_project_directory(self) -> Path:
        """The directory of the dbt project, as an absolute path."""
        ...


STANDALONE_MODULE = "cascade.framework.definitions"
"""The module that a workspace refers to for a project without a manifest."""


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
        """Whether Pants generated the list of modules, so that only Pants can change it."""
        return self.module != STANDALONE_MODULE


def standalone_project(config: CascadeConfig) -> Project:
    """Return the project of a directory without Pants, named after its settings."""
    return Project(name=config.project_name, modules=None)


def require_project_root() -> Path:
    """Find the root of the project that contains the working directory.

    Returns:
        An absolute path.

    Raises:
        UsageError: no project contains it, and `CASCADE_PROJECT_ROOT` is not set.
    """
    from cascade.config.root import ROOT_VARIABLE, find_project_root, is_project_root, legacy_package

    root = find_project_root()
    if legacy_package(root) is not None:
        from cascade.legacy.project import warn_once

        warn_once(root)
        return root
    if os.environ.get(ROOT_VARIABLE) or is_project_root(root):
        return root
    hint = f"Create one: {typed('init my-project')}\nOr change to one: cd my-project"
    if any((directory / "pants.toml").is_file() for directory in (root, *root.parents)):
        hint += "\nIn a Pants repository, run a project by its address: pants run //:dev -- list"
    raise UsageError(
        f"There is no Cascade project here: neither {root} nor a directory above it has a pyproject.toml with "
        "[tool.cascade].",
        hint=hint,
    )


def program_name(project: Project | None) -> str:
    """Return how the user starts this command line: `cascade`, `./dev.pex` or `pants run :dev --`.

    Args:
        project: the project of the manifest that started it, None without a manifest.
    """
    if project is not None and project.generated:
        if _is_packaged(project.module):
            pex = os.environ.get("PEX")
            # Without a PEX, the project is in an image, whose only command has the name of Cascade.
            return _as_typed(Path(pex)) if pex else "cascade"
        if project.address:
            launcher = "./pants" if Path("pants").is_file() else "pants"
            return f"{launcher} run {project.address} --"
    if Path(sys.argv[0]).name in ("__main__.py", "-m"):
        return "python -m cascade"
    return "cascade"


def _is_packaged(manifest: str) -> bool:
    # `pants run` also sets PEX, for the requirements, but keeps the manifest in a separate directory.
    module = sys.modules.get(manifest) or sys.modules["__main__"]
    return str(getattr(module, "__file__", "")).startswith(sys.prefix + os.sep)


def _as_typed(path: Path) -> str:
    try:
        relative = path.resolve().relative_to(Path.cwd())
    except ValueError:
        return shlex.quote(str(path))
    return shlex.quote(str(relative) if len(relative.parts) > 1 else f"./{relative}")


def unknown_name(what: str, name: str, known: Iterable[str], failures: Sequence[CascadeError], see: str) -> UsageError:
    """Build the error for a name that the project does not have.

    Args:
        what: the kind of thing, such as "asset" or "table".
        name: the name that was typed.
        known: the names that exist.
        failures: the errors of modules that did not load, one of which may define the name.
        see: the command that lists the names.
    """
    from cascade.spelling import did_you_mean

    message = f'There is no {what} "{name}".{did_you_mean(name, known)}'
    if failures:
        message += f" It may be in a module that could not be loaded:\n{failures[0]}"
    return UsageError(message, hint=f"See the list: {see}")
