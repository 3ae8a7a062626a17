"""Finding the modules of a project without a manifest: the Python files under its `workflows_path`."""

from __future__ import annotations

import importlib
import importlib.util
import keyword
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from cascade.exceptions import DiscoveryError
from cascade.framework.defs_folder import find_defs_folder

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig


def find_modules(workflows_directory: Path, left_out: Path | None = None) -> tuple[str, ...]:
    """Lists the modules under a directory of workflows and makes them importable.

    Files and directories whose name begins with an underscore or a dot are skipped, `__init__.py` excepted, and so are
    tests. A directory needs no `__init__.py`. A symbolic link is followed, unless what it leads to is found anyway.

    Args:
        workflows_directory: for example `<project>/workflows`, whose modules are named `workflows.…`.
        left_out: a directory in it that is not looked into.

    Returns:
        Full names of modules, sorted, so that a package stands before what is in it.

    Raises:
        DiscoveryError: the directory is not there or cannot be read, cannot be imported by its name, is named like a
            standard module, or is hidden by another package.
    """
    # Not resolved: where it is a link, its modules have the name of the link.
    directory = Path(os.path.abspath(workflows_directory))
    if not directory.is_dir():
        raise DiscoveryError(
            f"There is no directory {workflows_directory} to look for workflows in.",
            hint="Create it, or set workflows_path under [tool.cascade] in pyproject.toml. "
            "From outside of the project, name its directory in CASCADE_PROJECT_ROOT.",
        )
    base = import_root(directory)
    _make_importable(base / directory.relative_to(base).parts[0])
    modules = []
    for path in _python_files(directory, left_out):
        relative = path.relative_to(base)
        parts = relative.parent.parts if path.name == "__init__.py" else relative.with_suffix("").parts
        modules.append(".".join(parts))
    return tuple(sorted(modules))


def import_root(workflows_directory: Path) -> Path:
    """Gives the directory that has to be on the import path for the modules of the workflows to be found."""
    top = workflows_directory.absolute()
    while (top.parent / "__init__.py").is_file():
        top = top.parent
    return top.parent


def _python_files(top: Path, left_out: Path | None) -> Iterator[Path]:
    real_top = top.resolve()
    followed: set[Path] = set()

    def is_entered(directory: Path) -> bool:
        if directory == left_out or directory.name.startswith(("_", ".")):
            return False
        if not directory.is_symlink():
            return True
        target = directory.resolve()
        if target in followed or target.is_relative_to(real_top) or real_top.is_relative_to(target):
            return False
        followed.add(target)
        return True

    for place, directories, files in os.walk(top, onerror=_refuse, followlinks=True):
        here = Path(place)
        directories[:] = sorted(name for name in directories if is_entered(here / name))
        yield from (here / name for name in files if _is_module(name))


def _is_module(name: str) -> bool:
    stem, suffix = os.path.splitext(name)
    is_test = stem.startswith("test_") or stem.endswith("_test") or stem == "conftest"
    return suffix == ".py" and (stem == "__init__" or not (is_test or stem.startswith(("_", "."))))


def _refuse(error: OSError) -> NoReturn:
    raise DiscoveryError(f"The directory {error.filename} cannot be read: {error.strerror}.") from error


def _make_importable(package: Path) -> None:
    name, parent = package.name, str(package.parent)
    if not name.isidentifier() or keyword.iskeyword(name):
        raise DiscoveryError(
            f"The directory {package} cannot be imported: {name!r} is no name of a Python package.",
            hint="Give workflows_path a directory whose name has letters, digits and underscores only.",
        )
    if name in sys.stdlib_module_names:
        raise DiscoveryError(
            f"The directory {package} is named like the standard module {name!r}, and hides it or is hidden by it.",
            hint=f"Rename it, for example to {name}_workflows, and set `workflows_path`.",
        )
    if parent not in sys.path:
        sys.path.insert(_after_the_standard_library(), parent)
    # A directory that was made within the last moments is not in the caches of the import system.
    importlib.invalidate_caches()
    places = _places_of(name)
    if places and not any(place and Path(place).resolve() == package.resolve() for place in places):
        raise DiscoveryError(
            f"The directory {package} is hidden by another package named {name!r}, at {places[0]}.",
            hint="Rename one of the two, or take the other off the Python path.",
        )


def _after_the_standard_library() -> int:
    """The place in the import path where a project hides no standard module, and no installed package hides it."""
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    standard |= {os.path.join(path, "lib-dynload") for path in standard}
    return max((number for number, path in enumerate(sys.path, start=1) if path in standard), default=0)


def _places_of(package: str) -> list[str | None]:
    module = sys.modules.get(package)
    if module is not None:
        return [*getattr(module, "__path__", [module.__file__])]
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return []
    if spec is None:
        return []
    return [*(spec.submodule_search_locations or ())] or [spec.origin]


def project_modules(modules: Iterable[str] | None, config: CascadeConfig) -> tuple[str, ...]:
    """Gives the names of a project's modules: those of its manifest, else those under `workflows_path`.

    Args:
        modules: the modules of the manifest, None where there is none.
        config: the settings.

    Raises:
        DiscoveryError: as `find_modules` does.
    """
    if modules is not None:
        return tuple(modules)
    folder = find_defs_folder(config)
    return find_modules(config.workflows_directory, left_out=folder.directory if folder else None)


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
    if workflows_path is None:
        return build_definitions(None, config)
    return build_definitions(find_modules(config.project_root / workflows_path), config)
