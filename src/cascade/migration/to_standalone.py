"""Make a standalone project of a directory that Pants builds: a `pyproject.toml` in place of BUILD files."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from cascade.exceptions import UsageError
from cascade.migration.new_pyproject import add_pyproject
from cascade.migration.pyproject import PYPROJECT, ProjectTable, migrate_pyproject, read_pyproject
from cascade.migration.tree import Tree
from cascade.scaffold.project_pants import BUILD_NAMES, PANTS_TOML, find_repository, new_pants_toml

_PROJECT = "cascade_project"
_WORKFLOW = "cascade_workflow"
_REPLACED = frozenset(
    {
        *(_PROJECT, _WORKFLOW, "cascade_dbt_project", "python_source", "python_sources", "python_test", "python_tests"),
        *("python_test_utils", "python_requirements", "python_requirement", "resource", "resources", "file", "files"),
    }
)
"""The targets that a standalone project does not need, because Python and pytest find the files by themselves."""

_CARRIED = frozenset({"name", "workflows", "dbt_project"})


def remove_pants(tree: Tree) -> None:
    """Replace the BUILD files of a project.

    Args:
        tree: the files of the directory with its `cascade_project`.

    Raises:
        UsageError: the directory has no `cascade_project`, and is not a standalone project either.
    """
    build = next((name for name in BUILD_NAMES if name in tree), None)
    project = next((call for call in _calls(tree, build) if _name(call) == _PROJECT), None) if build else None
    if project is None or build is None:
        if "cascade" in read_pyproject(tree).get("tool", {}):
            return
        raise UsageError(
            f"{tree.root} has neither a BUILD file with a {_PROJECT} nor a pyproject.toml with [tool.cascade].",
            hint="Change to the directory of a project.",
        )
    fields = _fields(tree, build, project)
    repository = find_repository(tree.root) or tree.root
    workflows = _workflows(tree, repository, fields.get("workflows"))
    table = ProjectTable(str(fields.get("name", tree.root.name)), dict(_settings(tree, repository, workflows, fields)))
    if PYPROJECT in tree:
        migrate_pyproject(tree, table)
    else:
        add_pyproject(tree, table)
    _remove_build_files(tree)
    if PANTS_TOML in tree:
        _remove_pants_toml(tree)


def _statements(tree: Tree, build: str) -> list[ast.stmt]:
    """Return the statements of a BUILD file, which is Python to the eye."""
    try:
        return ast.parse(tree.read(build)).body
    except (SyntaxError, ValueError) as error:
        raise UsageError(f"{tree.root / build} cannot be read: {error}.", hint="Nothing was changed.") from error


def _calls(tree: Tree, build: str) -> list[ast.Call]:
    """Return the calls at the top level of a BUILD file."""
    return [
        each.value
        for each in _statements(tree, build)
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call)
    ]


def _is_more(statement: ast.stmt) -> bool:
    """Return whether a statement is neither a call nor a text: a loop over targets, or a value that targets share."""
    return not (isinstance(statement, ast.Expr) and isinstance(statement.value, (ast.Call, ast.Constant)))


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""


def _fields(tree: Tree, build: str, project: ast.Call) -> dict[str, object]:
    fields: dict[str, object] = {}
    for keyword in project.keywords:
        try:
            fields[str(keyword.arg)] = ast.literal_eval(keyword.value)
        except ValueError:
            fields[str(keyword.arg)] = None
        if keyword.arg not in _CARRIED:
            tree.decide(
                f"Its {_PROJECT} had {keyword.arg}={ast.unparse(keyword.value)}, which means nothing outside of Pants.",
                PYPROJECT,
            )
        elif fields[str(keyword.arg)] is None:
            del fields[str(keyword.arg)]
            tree.decide(f"Its {_PROJECT} had a {keyword.arg} that only Pants can tell.", PYPROJECT)
    return fields


def _workflows(tree: Tree, repository: Path, given: object) -> str:
    """Return the directory of the workflows, from the root of the project."""
    specs = [str(each) for each in given] if isinstance(given, (list, tuple)) else []
    inside = []
    for spec in specs:
        path = repository / spec.lstrip("!-").partition(":")[0]
        if spec.startswith(("!", "-")):
            tree.decide(
                f"Its {_PROJECT} left out {spec[1:]}. A standalone project has all workflows below one place.",
                PYPROJECT,
            )
        elif path.is_relative_to(tree.root):
            inside.append(path.relative_to(tree.root).as_posix())
        else:
            tree.decide(
                f"Its {_PROJECT} had the workflows of {spec}, which are outside. Copy them to the others.", PYPROJECT
            )
    if not inside:
        inside = [str(PurePosixPath(path).parent) for path in _build_files(tree) if _has_workflow(tree, path)]
    common = os.path.commonpath(inside) if inside else ""
    if common in ("", "."):
        tree.decide(
            "The workflows have no directory in common below the root. Move them to one, and set workflows_path.",
            PYPROJECT,
        )
        return "workflows"
    # A single workflow may be below others that are to come.
    names = PurePosixPath(common).parts
    return "/".join(names[: names.index("workflows") + 1]) if "workflows" in names else common


def _settings(tree: Tree, repository: Path, workflows: str, fields: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    yield "workflows_path", workflows
    given = fields.get("dbt_project")
    if given is None:
        return
    path = repository / str(given).removeprefix("//").partition(":")[0]
    if path.is_relative_to(tree.root):
        yield "dbt_project_dir", path.relative_to(tree.root).as_posix()
    else:
        tree.decide(f"Its dbt project {given} is outside. Copy it to transforms/dbt.", PYPROJECT)


def _has_workflow(tree: Tree, build: str) -> bool:
    return any(_name(call) == _WORKFLOW for call in _calls(tree, build))


def _build_files(tree: Tree) -> list[str]:
    return [path for path in tree.paths() if PurePosixPath(path).name in BUILD_NAMES]


def _remove_build_files(tree: Tree) -> None:
    for path in _build_files(tree):
        others = sorted({_name(call) or ast.unparse(call.func) for call in _calls(tree, path)} - _REPLACED)
        others += [f"`{ast.unparse(each).partition(chr(10))[0]}`" for each in _statements(tree, path) if _is_more(each)]
        if others:
            tree.write(path, _without_cascade(tree, path))
            tree.decide(f"It has {', '.join(others)}, so it stays. Remove it if nothing needs that.", path)
        else:
            tree.remove(path)


def _without_cascade(tree: Tree, path: str) -> bytes:
    """Return a BUILD file without the targets of Cascade."""
    lines = tree.read(path).splitlines(keepends=True)
    statements = _statements(tree, path)
    for call in reversed(_calls(tree, path)):
        if not _name(call).startswith("cascade_"):
            continue
        first, last = call.lineno, call.end_lineno or call.lineno
        if sum(each.lineno <= last and (each.end_lineno or 0) >= first for each in statements) > 1:
            tree.decide(f"Line {first} has several statements. Remove {_name(call)} from it.", path)
        else:
            del lines[first - 1 : last]
    return b"".join(lines)


def _remove_pants_toml(tree: Tree) -> None:
    if _build_files(tree):
        return
    if tree.text(PANTS_TOML) == new_pants_toml():
        tree.remove(PANTS_TOML)
    else:
        tree.decide(
            "No BUILD file is left. Remove it and the lockfiles that it names if nothing else needs Pants.", PANTS_TOML
        )
