"""What the code of a project takes from Dagster that the installed Dagster does not have."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator

from cascade.migration.foreign.found import Remark
from cascade.migration.foreign.source_code import SourceCode


def gone_from_dagster(source: SourceCode) -> Iterator[Remark]:
    """Yield a remark for each import from Dagster that fails here. Dagster is imported, the project is not.

    Args:
        source: a file of the project.
    """
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and _is_dagster(node.module):
            for alias in node.names:
                if alias.name != "*" and not _has(str(node.module), alias.name):
                    yield _remark(source, node.lineno, f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Attribute) and _is_gone(node, source):
            yield _remark(source, node.lineno, f"dagster.{node.attr}")


def _remark(source: SourceCode, line: int, name: str) -> Remark:
    import dagster

    text = f"Dagster {dagster.__version__} has no {name}. Replace it: the module does not load with it."
    return Remark(source.path, line, text)


def _is_gone(node: ast.Attribute, source: SourceCode) -> bool:
    return source.full_name(node.value) == "dagster" and not _has("dagster", node.attr)


def _is_dagster(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] == "dagster"


def _has(module: str, name: str) -> bool:
    try:
        if hasattr(importlib.import_module(module), name):
            return True
        importlib.import_module(f"{module}.{name}")
    except ImportError:
        return False
    return True
