"""Which test files are those of a workflow. Read from the source: nothing of the user's is imported."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cascade.framework.declared_names import DeclaredName, declared_names

_ROLES = frozenset({"ingestion", "schemas", "quality", "transforms"})
_NOT_SOURCES = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages"})


def domain_of(module: str) -> str:
    """Names the domain of a workflow: the directory of its module, or the module where it lies in none of its own.

    Args:
        module: such as `workflows.ingestion.weather.observations`, whose domain is `weather`.
    """
    *directories, name = module.split(".")
    return directories[-1] if len(directories) > 1 and directories[-1] not in _ROLES else name


def workflow_names(names: Iterable[DeclaredName]) -> list[str]:
    """Lists what a workflow can be chosen by: its domain and its table."""
    tables = [name for name in names if name.table]
    return sorted({domain_of(name.module) for name in tables} | {name.asset for name in tables})


def modules_of(workflow: str, files: Mapping[str, Path]) -> set[str]:
    """Finds the modules and packages that a workflow is made of.

    Args:
        workflow: its table, with or without the namespace, its asset key, or its domain: any directory or module
            under the workflows.
        files: the files of the project's modules, by their names.

    Returns:
        Names of modules and packages. Empty where nothing has the name.
    """
    declaring = {name.module for name in declared_names(files) if workflow in (name.asset, name.table)}
    parts = [module.split(".") for module in files]
    named = {".".join(words[: words.index(workflow, 1) + 1]) for words in parts if workflow in words[1:]}
    return declaring | named


def find_test_files(root: Path) -> list[Path]:
    """Lists the files that pytest takes for tests by their names, `test_*.py` and `*_test.py`, without environments.

    Args:
        root: where to look, as a rule the project's root.
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
    """Lists what the workflows can be chosen by that some modules have nothing of.

    Args:
        modules: what `modules_of` gives for a workflow.
        names: what all modules declare.
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
    """Chooses the test files of a workflow.

    Args:
        workflow: the name it was asked for by.
        modules: what `modules_of` gives for it.
        test_files: the files to choose from.
        root: the project's root.
        base: the directory from which modules are imported.
        others: the names of other workflows. `test_nyc_weather.py` is not of `nyc` where there is a `nyc_weather`.

    Returns:
        Those named after the workflow (`test_<name>.py`, `test_<name>_*.py`, `<name>_test.py`), those in a directory
        of its name, and those that import one of its modules.
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
    """Whether a test file has the name of the workflow, and not the longer one of another."""
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
        # pytest will say what is wrong with it when it is asked for.
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
