"""The folder of Dagster's own definitions, which `dg scaffold defs` fills: the `defs_module` of `[tool.dg.project]`.

By default it is `defs` in the root module, such as `workflows/defs`. Dagster's loader reads it, including components
and their YAML. The search for workflows skips it, so that nothing is loaded twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError, DiscoveryError, asks_for_the_end
from cascade.framework.frames import location_of_error

if TYPE_CHECKING:
    import dagster as dg

    from cascade.framework.project import ProjectPaths

_CODE = frozenset({".py", ".yaml", ".yml"})


@dataclass(frozen=True)
class DefsFolder:
    """A folder of Dagster's own definitions.

    Args:
        module: its name, such as `workflows.defs`.
        directory: its path.
    """

    module: str
    directory: Path

    @property
    def is_empty(self) -> bool:
        """Whether it has nothing to load, as after `cascade init`. Dagster's loader is then not needed."""
        own = self.directory / "__init__.py"
        return not any(path.suffix in _CODE and path != own for path in self.directory.rglob("*"))


def find_defs_folder(config: ProjectPaths) -> DefsFolder | None:
    """Find the folder that `[tool.dg.project]` configures.

    Args:
        config: the settings of a project without a manifest.

    Returns:
        The folder. None if `dg` is not configured, if the folder does not exist, or if it contains the workflows
        themselves, because Cascade finds the Dagster definitions there too.
    """
    settings = _dg_project(config.project_root)
    root_module = settings.get("root_module")
    module = settings.get("defs_module") or (f"{root_module}.defs" if root_module else None)
    if not isinstance(module, str):
        return None
    sources = config.project_root / "src"
    directory = (sources if sources.is_dir() else config.project_root).joinpath(*module.split("."))
    if not directory.is_dir() or config.workflows_directory.is_relative_to(directory):
        return None
    return DefsFolder(module, directory)


def _dg_project(root: Path) -> Mapping[str, Any]:
    import tomllib

    # As in `dg`, a dg.toml replaces the table in pyproject.toml.
    for name, tables in (("dg.toml", ("project",)), ("pyproject.toml", ("tool", "dg", "project"))):
        try:
            found: Any = tomllib.loads((root / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            # The error is reported when the settings are read.
            return {}
        for table in tables:
            found = found.get(table, {}) if isinstance(found, dict) else {}
        return found if isinstance(found, dict) else {}
    return {}


def load_defs_folder(folder: DefsFolder) -> dg.Definitions:
    """Let Dagster load a folder.

    Args:
        folder: the folder.

    Returns:
        Everything in it.

    Raises:
        DiscoveryError: something in it does not load.
    """
    import dagster as dg

    try:
        return dg.load_from_defs_folder(path_within_project=folder.directory)
    except BaseException as error:
        if asks_for_the_end(error):
            raise
        raise _failure(folder, error) from error


def _failure(folder: DefsFolder, error: BaseException) -> CascadeError:
    # Dagster wraps the error of a user's file in one with a drawing of the whole folder.
    innermost = error
    while innermost.__cause__ is not None:
        innermost = innermost.__cause__
    if isinstance(innermost, CascadeError):
        return innermost
    return DiscoveryError(
        f"Nothing in {folder.module} was loaded: Dagster's loader raised {type(innermost).__name__}: {innermost}",
        location=location_of_error(innermost, (folder.module.partition(".")[0],)),
        hint="See more: dg check defs --verbose",
    )
