"""The graph of a project as it is drawn, from its source: no code of a workflow runs, and dbt does not start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.drawing.describe import DbtProject, Declared, describe
from cascade.drawing.graph import Graph, Project
from cascade.reader.packages import declarations_in_package

if TYPE_CHECKING:
    from cascade.framework.since.affected import Affected


def drawn_graph(
    name: str, root: Path, files: Mapping[str, Path], dbt_directory: Path, affected: Affected | None = None
) -> Graph:
    """Make the graph of a project.

    Args:
        name: the name of the project.
        root: the directory that paths are shown from.
        files: the file of each module, by the module's name. Files that cannot be read are left out.
        dbt_directory: the directory of the dbt project. It need not exist.
        affected: what the changes since a commit affect, to highlight it.
    """
    contents, because = {}, {}
    for module, file in files.items():
        path = _relative(file, root)
        try:
            contents[path] = file.read_bytes()
        except OSError:
            continue
        because[path] = affected.modules.get(module, "") if affected is not None else ""
    declared = [
        Declared(declaration, path, os.path.dirname(path) or os.curdir, (name,), because[path])
        for path, declarations in declarations_in_package(contents).items()
        for declaration in declarations
    ]
    answer = _read_dbt(dbt_directory)
    dbt = DbtProject(
        [_located(node, root) for node in answer.get("nodes", ())],
        [_located(source, root) for source in answer.get("declared", ())],
        (name,),
        {_relative(file, root): reason for file, reason in affected.dbt_files.items()} if affected is not None else {},
    )
    if affected is None:
        return describe(name, declared, [dbt], [Project(name, name)])
    touched = "its code or its models are affected" if affected.modules or affected.dbt_files else ""
    return describe(name, declared, [dbt], [Project(name, name, touched)], affected.since).with_readers()


def _read_dbt(directory: Path) -> dict[str, Any]:
    from cascade.dbt_graph.answer import answer
    from cascade.dbt_graph.packages import PROJECT_FILE

    return answer({"directory": str(directory)}) if (directory / PROJECT_FILE).is_file() else {}


def _located(found: Mapping[str, Any], root: Path) -> dict[str, Any]:
    return {
        name: _relative(Path(value), root) if name in ("file", "folder") else value for name, value in found.items()
    }


def _relative(file: Path, root: Path) -> str:
    try:
        return file.relative_to(root).as_posix()
    except ValueError:
        return file.as_posix()
