"""Loading the modules of a project, and what they hold.

Modules are loaded by the standard import system. One that fails is reported with the user's file and line, and does
not keep the others from loading.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError, DiscoveryError, SourceLocation
from cascade.framework.frames import location_of_error

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig


@dataclass(frozen=True)
class LoadedModules:
    """The outcome of loading.

    Args:
        modules: the modules that loaded, by name, in the order asked for.
        failures: one error for each that did not.
    """

    modules: Mapping[str, ModuleType] = field(default_factory=dict)
    failures: tuple[CascadeError, ...] = ()


def load_modules(names: Iterable[str]) -> LoadedModules:
    """Imports modules by name.

    Args:
        names: full names, such as `workflows.weather.observations`.

    Returns:
        What loaded and what failed. Nothing is raised for a module that fails.
    """
    modules: dict[str, ModuleType] = {}
    failures: list[CascadeError] = []
    names = tuple(names)
    packages = tuple(dict.fromkeys(name.partition(".")[0] for name in names))
    for name in names:
        try:
            modules[name] = importlib.import_module(name)
        except CascadeError as error:
            failures.append(error)
        except (Exception, SystemExit) as error:
            failures.append(_import_failure(name, error, packages))
    return LoadedModules(modules, tuple(failures))


def _import_failure(name: str, error: BaseException, packages: tuple[str, ...]) -> DiscoveryError:
    location = location_of_error(error, packages)
    if isinstance(error, ModuleNotFoundError) and error.name and location is None:
        # No line of the user's was reached: it is the module itself, or a package above it, that is not there.
        failure = DiscoveryError(
            f"There is no module {error.name}" + (f", which {name} needs." if error.name != name else "."),
            hint="A renamed or deleted file needs a restart, because the list of modules is made at the start.",
        )
    else:
        reason = error.msg if isinstance(error, SyntaxError) else f"{error}"
        failure = DiscoveryError(
            f"The module {name} does not import: {type(error).__name__}: {reason}", location=location
        )
    failure.__cause__ = error
    return failure


def find_modules(workflows_directory: Path) -> tuple[str, ...]:
    """Lists the modules under a directory of workflows and makes them importable.

    Files and directories whose name begins with an underscore or a dot are skipped, `__init__.py` excepted, and so are
    tests. A directory needs no `__init__.py`.

    Args:
        workflows_directory: for example `<project>/workflows`, whose modules are named `workflows.…`.

    Returns:
        Full names of modules, sorted.

    Raises:
        DiscoveryError: the directory is not there, is named like a standard module, or is hidden by another package.
    """
    if not workflows_directory.is_dir():
        raise DiscoveryError(
            f"There is no directory {workflows_directory} to look for workflows in.",
            hint="Create it, or set workflows_path under [tool.cascade] in pyproject.toml.",
        )
    top = workflows_directory.resolve()
    while (top.parent / "__init__.py").is_file():
        top = top.parent
    _make_importable(top)
    modules = []
    for path in sorted(workflows_directory.resolve().rglob("*.py")):
        relative = path.relative_to(top.parent)
        if _is_skipped(relative):
            continue
        parts = relative.parent.parts if path.name == "__init__.py" else relative.with_suffix("").parts
        modules.append(".".join(parts))
    return tuple(sorted(modules))


def _is_skipped(path: Path) -> bool:
    if any(part.startswith(("_", ".")) for part in path.parts[:-1]):
        return True
    name = path.name
    is_test = name.startswith("test_") or name.endswith("_test.py") or name == "conftest.py"
    return is_test or (name.startswith(("_", ".")) and name != "__init__.py")


def _make_importable(package: Path) -> None:
    name, parent = package.name, str(package.parent)
    if name in sys.stdlib_module_names:
        raise DiscoveryError(
            f"The directory {package} is named like the standard module {name!r}, and hides it or is hidden by it.",
            hint=f"Rename it, for example to {name}_workflows, and set `workflows_path`.",
        )
    if parent not in sys.path:
        sys.path.insert(0, parent)
        importlib.invalidate_caches()
    module = sys.modules.get(name)
    places: list[str | None]
    if module is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return
        places = list(spec.submodule_search_locations or ()) or [spec.origin] if spec else []
    else:
        places = [*getattr(module, "__path__", [module.__file__])]
    if places and not any(place and Path(place).resolve() == package for place in places):
        raise DiscoveryError(
            f"The directory {package} is hidden by another package named {name!r}, at {places[0]}.",
            hint="Rename one of the two, or take the other off the Python path.",
        )


def project_modules(modules: Iterable[str] | None, config: CascadeConfig) -> tuple[str, ...]:
    """Gives the names of a project's modules: those of its manifest, else those under `workflows_path`."""
    return tuple(modules) if modules is not None else find_modules(config.workflows_directory)


def discover_user_workflows(workflows_path: Path | str | None = None) -> dg.Definitions:
    """Builds the Dagster definitions of everything under a directory of workflows.

    Args:
        workflows_path: the directory, relative to the project root; the configured one if absent.

    Returns:
        The same as `build_definitions` for these modules.

    Raises:
        DiscoveryError: a module does not import.
    """
    from cascade.config import CascadeConfig
    from cascade.framework.definitions import build_definitions

    config = CascadeConfig.from_user_config()
    directory = config.project_root / workflows_path if workflows_path is not None else config.workflows_directory
    return build_definitions(find_modules(directory), config)


def module_location(module: ModuleType) -> SourceLocation | None:
    """Gives the first line of a module's file."""
    file = getattr(module, "__file__", None)
    return SourceLocation(str(file), 1) if file else None
