"""Copies of the code that the workflows of a dlt script import: without what runs a pipeline."""

from __future__ import annotations

import ast
import importlib.util
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from cascade.migration.foreign.dlt_runs import is_run, pipeline_names
from cascade.migration.foreign.found import Remark
from cascade.migration.foreign.local_code import (
    Edit,
    LocalCode,
    edited,
    import_edits,
    removal,
    without_guard,
)
from cascade.migration.foreign.source_code import (
    Function,
    SourceCode,
    assignments,
    is_main_guard,
    loaded_names,
)


def copied_files(
    code: LocalCode, needed: Iterable[Path], script: SourceCode, sliced: Sequence[ast.stmt]
) -> tuple[dict[str, str | bytes], list[Remark]]:
    """Return copies of files, with all files of the project that they import.

    Args:
        code: the files of the project.
        needed: the files.
        script: the script that runs the pipeline.
        sliced: the statements of the script that became part of workflows.

    Returns:
        The content of each file by its path from the root of the project, and remarks.
    """
    copies: dict[str, str | bytes] = {}
    remarks: list[Remark] = []
    for path in code.closure(needed):
        name = path.relative_to(code.root).as_posix()
        if path.suffix != ".py":
            copies[name] = path.read_bytes()
            continue
        source = code.source(path)
        edits, of_imports = import_edits(code, source)
        remarks += of_imports
        removed = [*without_guard(source), *_running(source, sliced if source is script else ())]
        kept = [edit for edit in edits if not any(gone.start <= edit.start < gone.end for gone in removed)]
        copies[name] = edited(source, [*kept, *removed]).rstrip("\n") + "\n" if removed else edited(source, kept)
    return copies, remarks


def missing_packages(code: LocalCode, copies: Iterable[str]) -> Iterator[Remark]:
    """Yield a remark for each package that copied code imports and that is not installed here.

    Args:
        code: the files of the project.
        copies: the paths of the copied files, from the root of the project.
    """
    missing: dict[str, tuple[Path, int]] = {}
    for name in sorted(copies):
        if not name.endswith(".py"):
            continue
        source = code.source(code.root / name)
        for node in ast.walk(source.tree):
            for module in _imported_modules(node):
                top = module.partition(".")[0]
                if code.module_file(module, source.path) is None and not _is_installed(top):
                    missing.setdefault(top, (source.path, getattr(node, "lineno", 0)))
    for top, (path, line) in missing.items():
        yield Remark(
            path, line, f"The package with the module {top} is not installed. Add it to the project's dependencies."
        )


def _imported_modules(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module else []


def _is_installed(module: str) -> bool:
    if module in sys.stdlib_module_names:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def _running(source: SourceCode, sliced: Sequence[ast.stmt]) -> list[Edit]:
    """Return the changes that remove what runs a pipeline when the file is imported, and what uses its result."""
    running = _running_functions(source)
    pipelines = pipeline_names(source)
    at_top = {name for statement in source.tree.body for name, _ in assignments(statement)}
    tainted = pipelines & at_top
    used_inside = {
        name for node in source.tree.body if isinstance(node, (Function, ast.ClassDef)) for name in loaded_names(node)
    }
    edits = []
    for statement in source.tree.body:
        if isinstance(statement, (Function, ast.ClassDef, ast.Import, ast.ImportFrom)) or is_main_guard(statement):
            continue
        names = {name for name, _ in assignments(statement)}
        calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
        runs = any(is_run(source, call) for call in calls) or any(
            isinstance(call.func, ast.Name) and call.func.id in running for call in calls
        )
        is_pipeline = any(source.full_name(call.func) in ("dlt.pipeline", "dlt.attach") for call in calls)
        if runs or is_pipeline or loaded_names(statement) & tainted:
            tainted |= names
            edits.append(removal(source, statement))
        elif statement in sliced and not names & used_inside and calls:
            edits.append(removal(source, statement))
    return edits


def _running_functions(source: SourceCode) -> set[str]:
    """Return the functions of a file that run a pipeline, directly or through others."""
    found: set[str] = set()
    changed = True
    while changed:
        changed = False
        for name, function in source.functions.items():
            calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
            if name not in found and any(
                is_run(source, call) or (isinstance(call.func, ast.Name) and call.func.id in found) for call in calls
            ):
                found.add(name)
                changed = True
    return found
