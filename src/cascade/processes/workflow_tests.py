"""Find the test files of a workflow, without importing user code."""

from __future__ import annotations

import ast
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError, UsageError
from cascade.framework.declared_names import DeclaredName, declared_names, module_files
from cascade.framework.modules import import_root
from cascade.framework.project import unknown_name

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_ROLES = frozenset({"ingestion", "schemas", "quality", "transforms"})
_NOT_SOURCES = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages"})


def choose_test_files(
    workflows: Sequence[str], config: CascadeConfig, program: str, declared_at_run_time: Callable[[str], set[str]]
) -> list[Path]:
    """Return the test files of workflows.

    Args:
        workflows: the domain, table or asset key of each workflow.
        config: the settings of the project.
        program: the command that the user types, for hints.
        declared_at_run_time: returns the modules of a workflow whose declaration the source does not show.

    Raises:
        UsageError: a name belongs to no workflow.
        CascadeError: a workflow has no tests.
    """
    root, base = config.project_root, import_root(config.workflows_directory)
    files = module_files(config.workflows_directory)
    declared, test_files = declared_names(files), find_test_files(root)
    chosen: dict[Path, None] = {}
    for workflow in workflows:
        modules = modules_of(workflow, files) or declared_at_run_time(workflow)
        if not modules:
            known = workflow_names(declared)
            message = unknown_name("workflow", workflow, known, (), "").message
            raise UsageError(message, hint=f"The workflows are: {', '.join(known)}." if known else None)
        others = names_of_others(modules, declared)
        found = select_tests(workflow, modules, test_files, root, base, others=others)
        if not found:
            raise CascadeError(
                f"The workflow {workflow} has no tests: no file is named test_{workflow}.py, is in a directory "
                f"{workflow} or imports {', '.join(sorted(modules))}.",
                hint=f"Write tests/test_{workflow}.py, or run all tests: {program} test",
            )
        chosen |= dict.fromkeys(found)
    return list(chosen)


def domain_of(module: str) -> str:
    """Return the domain of a workflow: the directory of its module, or the module itself if it shares its directory.

    Args:
        module: the module, such as `workflows.ingestion.weather.observations`, whose domain is `weather`.
    """
    *directories, name = module.split(".")
    return directories[-1] if len(directories) > 1 and directories[-1] not in _ROLES else name


def workflow_names(names: Iterable[DeclaredName]) -> list[str]:
    """Return the names by which workflows can be chosen: their domains and their asset keys."""
    tables = [name for name in names if name.table]
    return sorted({domain_of(name.module) for name in tables} | {name.asset for name in tables})


def modules_of(workflow: str, files: Mapping[str, Path]) -> set[str]:
    """Return the modules and packages of a workflow.

    Args:
        workflow: its table with or without the namespace, its asset key, or its domain: any directory or module of
            workflows.
        files: the file of each module of the project.

    Returns:
        The names of modules and packages. Empty if no workflow has the name.
    """
    declaring = {name.module for name in declared_names(files) if workflow in (name.asset, name.table)}
    parts = [module.split(".") for module in files]
    named = {".".join(words[: words.index(workflow, 1) + 1]) for words in parts if workflow in words[1:]}
    return declaring | named


def find_test_files(root: Path) -> list[Path]:
    """Return the files named `test_*.py` or `*_test.py`, except those in environments and builds.

    Args:
        root: the directory to search, usually the project's root.
    """
    found = []
    for place, directories, files in os.walk(root):
        here = Path(place)
        directories[:] = [
            name
            for name in sorted(directories)
            if not name.startswith(".") and name not in _NOT_SOURCES and not (here / name / "pyvenv.cfg").is_file()
        ]
        names = [name for name in sorted(files) if name.endswith(".py")]
        found += [here / name for name in names if name.startswith("test_") or name.endswith("_test.py")]
    return found


def names_of_others(modules: Iterable[str], names: Iterable[DeclaredName]) -> list[str]:
    """Return the names of the workflows outside some modules.

    Args:
        modules: the result of `modules_of` for a workflow.
        names: the declarations of all modules.
    """
    own = tuple(modules)
    return workflow_names(name for name in names if not any(_is_within(name.module, module) for module in own))


def select_tests(
    workflow: str,
    modules: Iterable[str],
    test_files: Iterable[Path],
    root: Path,
    base: Path,
    *,
    others: Iterable[str] = (),
) -> list[Path]:
    """Return the test files of one workflow.

    Args:
        workflow: the name of the workflow, as the user typed it.
        modules: the result of `modules_of` for it.
        test_files: the files to choose from.
        root: the project's root.
        base: the directory from which modules are imported.
        others: the names of other workflows. With a workflow `nyc_weather`, `test_nyc_weather.py` does not belong to
            `nyc`.

    Returns:
        The files named after the workflow (`test_<name>.py`, `test_<name>_*.py`, `<name>_test.py`), the files in a
        directory of its name, and the files that import one of its modules.
    """
    wanted = tuple(modules)
    longer = tuple(name for name in others if name.startswith(f"{workflow}_"))
    return [
        path
        for path in test_files
        if _is_named_after(workflow, path.relative_to(root), longer)
        or any(_is_within(name, module) for name in _imports(path, base) for module in wanted)
    ]


def _is_named_after(workflow: str, path: Path, longer: Iterable[str]) -> bool:
    """Return whether a test file is named after the workflow, and not after another one with a longer name."""
    subject = path.stem.removeprefix("test_") if path.stem.startswith("test_") else path.stem.removesuffix("_test")
    named = _begins_with(subject, workflow) and not any(_begins_with(subject, name) for name in longer)
    return named or workflow in path.parts[:-1]


def _begins_with(subject: str, name: str) -> bool:
    return subject == name or subject.startswith(f"{name}_")


def _is_within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _imports(path: Path, base: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError):
        # pytest reports the error when it runs the file.
        return
    package = path.parent.relative_to(base).parts if path.is_relative_to(base) else ()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            source = ".".join([*above, *([node.module] if node.module else [])])
            yield source
            yield from (f"{source}.{alias.name}" for alias in node.names)
