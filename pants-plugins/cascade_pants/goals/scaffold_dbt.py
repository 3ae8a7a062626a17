"""What `pants cascade-scaffold --type=dbt` writes: a model of a table, in a dbt project that may exist."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import yaml  # pants: no-infer-dep
from pants.backend.python.subsystems.setup import PythonSetup
from pants.backend.python.target_types import PythonResolveField
from pants.base.glob_match_error_behavior import GlobMatchErrorBehavior
from pants.engine.fs import PathGlobs
from pants.engine.target import Target
from pants.util.docutil import bin_name

from cascade_pants import engine
from cascade_pants.goals.scaffold_arguments import WrongUseError
from cascade_pants.reader.fingerprint import TEST_DATA
from cascade_pants.target_types import CascadeProjectTarget
from cascade_pants.target_types.dbt import CascadeDbtProjectTarget, CascadeDbtSourceField
from cascade_pants.target_types.project import CascadeProjectDbtField
from cascade_pants.util_rules.dbt_graph import (
    PROJECT_FILE,
    DbtFileFieldSet,
    DbtGraphRequest,
    dbt_graph,
    spec_of,
)
from cascade_pants.util_rules.table_map import LocatedDeclaration

DBT = "dbt"
"""The type that stands for a model of a table."""


@dataclass(frozen=True)
class NewModel:
    """A model of a table.

    Args:
        arguments: what the templates need to know.
        project: the directory of the dbt project.
        exists: whether the dbt project exists.
        files: the files of the dbt project that have something to build.
        rows: the file for the rows that the table has in tests.
    """

    arguments: Mapping[str, object]
    project: str
    exists: bool
    rows: str
    files: tuple[str, ...] = ()


async def new_model(
    directory: str, filler: LocatedDeclaration, key: Any, targets: Iterable[Target], python_setup: PythonSetup
) -> NewModel:
    """Find out where a model of a table belongs.

    Args:
        directory: the directory that the command line names: that of a new dbt project, or one inside of a dbt project.
            Its name is that of the domain.
        filler: the declaration of the workflow that fills the table.
        key: the key of the table, if the source shows it.
        targets: all targets of the repository.
        python_setup: the options of `[python]`.

    Raises:
        WrongUseError: the dbt project has no target.
    """
    targets = tuple(targets)
    table = str(filler.declaration.table)
    rows = os.path.join(os.path.dirname(filler.path), TEST_DATA, f"{table.rpartition('.')[2]}.jsonl")
    project = await _project_around(directory)
    arguments = {"kind": DBT, "directory": directory, "dbt_directory": directory, "table": table, "unique_key": key}
    if project is None:
        return NewModel({**arguments, "resolve": _resolve_of(filler, targets, python_setup)}, directory, False, rows)
    file = os.path.join(project, PROJECT_FILE)
    owner = next((one for one in targets if _is_of(one, project)), None)
    if owner is None:
        raise WrongUseError(
            f"{file} has no {CascadeDbtProjectTarget.alias}. Add the target first: {bin_name()} tailor {project}::"
        )
    contents = await engine.path_globs_contents(_files([file]))
    graph = await dbt_graph(DbtGraphRequest.of(DbtFileFieldSet.create(owner), python_setup))
    settings = _settings(contents[0].content if contents else b"")
    there = {
        "dbt_directory": project,
        "model_directory": _first(settings, "model-paths", "models"),
        "test_directory": _first(settings, "test-paths", "tests"),
        "source": next((one.name for one in graph.declared if one.table == table), None),
    }
    return NewModel({**arguments, **there}, project, True, rows, graph.tested)


def clashing_model(files: Iterable[str], model: NewModel) -> str | None:
    """Return the file of the dbt project that already has the name of a new model, if there is one.

    Args:
        files: the new files.
        model: the model.
    """
    new = {PurePath(file).stem: file for file in files if file.endswith(".sql")}
    return next((file for file in model.files if new.get(PurePath(file).stem, file) != file), None)


def model_report(files: Iterable[str], model: NewModel, projects: Iterable[Target], root: str) -> str:
    """List what was written and the commands to type next.

    Args:
        files: the paths.
        model: the model.
        projects: the Cascade projects at the root of the repository.
        root: the root of the repository.
    """
    pants, files, projects = bin_name(), tuple(files), tuple(projects)
    using = next((one for one in projects if _uses(one, model.project)), None)
    name = f":{(using or projects[0]).address.target_name}" if projects else "PROJECT"
    tested = next((file for file in files if model.exists and file.endswith(".sql")), f"{model.project}::")
    lines = [
        *(f"Wrote {path}" for path in files),
        "",
        "Next:",
        f"  {pants} test {tested}",
        f"  {pants} check {model.project}::",
    ]
    if using is None:
        lines += ["", f'Then set dbt_project="{model.project}" of the {CascadeProjectTarget.alias} {name}, and type:']
    lines.append(f"  {pants} run {name} -- dbt build")
    if not os.path.isfile(os.path.join(root, model.rows)):
        lines += ["", f"In tests, the table is empty. Give it rows in {model.rows}, one JSON object on a line."]
    return "\n".join(lines)


async def _project_around(directory: str) -> str | None:
    """Return the directory of the dbt project that a directory is in."""
    path = PurePath(directory)
    above = [str(one) for one in (path, *path.parents)]
    files = [os.path.normpath(os.path.join(one, PROJECT_FILE)) for one in above]
    there = (await engine.path_globs_paths(_files(files))).files
    return next((os.path.dirname(file) for file in files if file in there), None)


def _files(paths: Iterable[str]) -> PathGlobs:
    return PathGlobs(map(glob.escape, paths), glob_match_error_behavior=GlobMatchErrorBehavior.ignore)


def _is_of(target: Target, project: str) -> bool:
    return target.has_field(CascadeDbtSourceField) and target.address.spec_path == project


def _resolve_of(filler: LocatedDeclaration, targets: Iterable[Target], python_setup: PythonSetup) -> str | None:
    """Return the resolve of a workflow, unless it is the default one."""
    owner = next((one for one in targets if one.address == filler.address), None)
    if owner is None or not python_setup.enable_resolves:
        return None
    resolve = owner[PythonResolveField].normalized_value(python_setup)
    return resolve if resolve != python_setup.default_resolve else None


def _settings(content: bytes) -> dict[str, Any]:
    try:
        found = yaml.safe_load(content)
    except yaml.YAMLError:
        # `pants check` reports it.
        return {}
    return found if isinstance(found, dict) else {}


def _first(settings: dict[str, Any], key: str, default: str) -> str:
    listed = settings.get(key)
    return str(listed[0]) if isinstance(listed, list) and listed else default


def _uses(target: Target, project: str) -> bool:
    value = target[CascadeProjectDbtField].value if target.has_field(CascadeProjectDbtField) else None
    return any(spec_of(one, target.address.spec_path).partition(":")[0] == (project or "//") for one in value or ())
