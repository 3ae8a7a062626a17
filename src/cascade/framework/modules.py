"""The names of a project's modules: those of its manifest, or the Python files under its `workflows_path`."""

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

from cascade.exceptions import DiscoveryError, UsageError
from cascade.framework.defs_folder import find_defs_folder
from cascade.legacy.layout import is_legacy_package

if TYPE_CHECKING:
    from cascade.framework.project import ProjectPaths


def find_modules(workflows_directory: Path, left_out: Path | None = None) -> tuple[str, ...]:
    """List the modules under a directory of workflows and make them importable.

    Tests are skipped, and so are files and directories whose name begins with an underscore or a dot, except
    `__init__.py`. A directory needs no `__init__.py`. A symbolic link is followed unless its target is found anyway.

    Args:
        workflows_directory: for example `<project>/workflows`, whose modules are named `workflows.…`.
        left_out: a directory inside it to skip.

    Returns:
        Full names of modules, sorted, so that a package comes before its modules.

    Raises:
        DiscoveryError: the directory does not exist, cannot be read, has a name that cannot be imported or the name of
            a standard module, or is hidden by another package.
    """
    # Not resolved: the modules of a symbolic link are named after the link.
    directory = Path(os.path.abspath(workflows_directory))
    if not directory.is_dir():
        raise DiscoveryError(
            f"The workflows directory {workflows_directory} does not exist.",
            hint="Create it, or set workflows_path under [tool.cascade] in pyproject.toml. "
            "To run from outside the project, set CASCADE_PROJECT_ROOT to its directory.",
        )
    if is_legacy_package(directory):
        return _legacy_modules(directory)
    base = import_root(directory)
    _make_importable(base / directory.relative_to(base).parts[0])
    modules = []
    for path in _python_files(directory, left_out):
        relative = path.relative_to(base)
        parts = relative.parent.parts if path.name == "__init__.py" else relative.with_suffix("").parts
        modules.append(".".join(parts))
    return tuple(sorted(modules))


def _legacy_modules(package: Path) -> tuple[str, ...]:
    """List the user's modules of a project in the layout from before version 1.0."""
    from cascade.legacy.finder import activate
    from cascade.legacy.layout import read_layout

    activate(package)
    layout = read_layout(package.parent.parent)
    assert layout is not None
    # Cascade has this package too. Its names are looked up in the user's `__init__.py` when somebody takes them.
    hidden = package / "schemas" / "__init__.py"
    return tuple(layout.module_name(file) for file in layout.user_modules if _is_module(file.name) and file != hidden)


def has_only_dbt(config: ProjectPaths) -> bool:
    """Return whether a project has a dbt project, and no directory of workflows.

    Args:
        config: the settings.
    """
    return not config.workflows_directory.is_dir() and (config.dbt_project_directory / "dbt_project.yml").is_file()


def import_root(workflows_directory: Path) -> Path:
    """Return the directory that must be on the import path, so that the modules of the workflows can be imported."""
    top = workflows_directory.absolute()
    if is_legacy_package(top):
        # It must not be on the import path, where it would hide the installed package `cascade`.
        return top.parent
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
        # Sorted first: of two links to one directory, every machine must follow the same.
        directories[:] = [name for name in sorted(directories) if is_entered(here / name)]
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
            f"The directory {package} cannot be imported: {name!r} is not a valid name for a Python package.",
            hint="Set workflows_path to a directory whose name has only letters, digits and underscores.",
        )
    if name in sys.stdlib_module_names:
        raise DiscoveryError(
            f"The directory {package} has the name of the standard module {name!r}: one hides the other.",
            hint=f"Rename it, for example to {name}_workflows, and set workflows_path to the new name.",
        )
    if parent not in sys.path:
        sys.path.insert(_after_the_standard_library(), parent)
    # The caches of the import system may not know a directory that was created moments ago.
    importlib.invalidate_caches()
    places = _places_of(name)
    if places and not any(place and Path(place).resolve() == package.resolve() for place in places):
        raise DiscoveryError(
            f"The directory {package} is hidden by another package named {name!r}, at {places[0]}.",
            hint="Rename one of the two, or remove the other from the Python path.",
        )


def _after_the_standard_library() -> int:
    """Return the index in `sys.path` at which a project neither hides standard modules nor is hidden by packages."""
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


def project_modules(modules: Iterable[str] | None, config: ProjectPaths) -> tuple[str, ...]:
    """Return the names of a project's modules: those of its manifest, else those under `workflows_path`.

    Args:
        modules: the modules of the manifest, None without a manifest.
        config: the settings.

    Raises:
        DiscoveryError: as for `find_modules`.
        UsageError: `modules` is not a list of names.
    """
    if modules is not None:
        names = tuple(modules) if isinstance(modules, Iterable) and not isinstance(modules, str) else (None,)
        if not all(isinstance(name, str) for name in names):
            raise UsageError(
                f"build_definitions takes the names of modules, or a manifest, not {modules!r}.",
                hint='For example: build_definitions(["workflows.weather.observations"])',
            )
        return names  # type: ignore[return-value]
    if has_only_dbt(config):
        return ()
    folder = find_defs_folder(config)
    return find_modules(config.workflows_directory, left_out=folder.directory if folder else None)
