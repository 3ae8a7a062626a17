"""A new `pyproject.toml` for a project that exists: the one of `cascade init`, with the places that the project has."""

from __future__ import annotations

from pathlib import PurePosixPath

from cascade.migration.pyproject import PYPROJECT, ProjectTable
from cascade.migration.third_party import third_party_modules
from cascade.migration.tree import Tree
from cascade.scaffold.environment import literal
from cascade.scaffold.project import ProjectRequest, render_project


def add_pyproject(tree: Tree, table: ProjectTable) -> None:
    """Add the file, and tell of modules whose packages its dependencies lack.

    Args:
        tree: the files of the project.
        table: its settings.
    """
    workflows = table.settings["workflows_path"]
    has_tests_beside = any(PurePosixPath(path).name.startswith("test_") for path in tree.paths(workflows))
    tree.write(PYPROJECT, _text(table, has_readme="README.md" in tree, has_tests_beside=has_tests_beside))
    found = third_party_modules(tree, [workflows, "tests"])
    if found:
        listed = "".join(f"\n{name} ({path})" for name, path in sorted(found.items()))
        tree.decide(f"Add the packages of these modules to its dependencies:{listed}", PYPROJECT)


def _text(table: ProjectTable, *, has_readme: bool, has_tests_beside: bool) -> str:
    import cascade

    workflows = table.settings["workflows_path"]
    top, name = table.import_root, PurePosixPath(workflows).name
    request = ProjectRequest(name=table.name, template="minimal", runtime_version=str(cascade.__version__))
    text = render_project(request)[PYPROJECT]
    settings = [f"{setting} = {literal(value)}" for setting, value in table.settings.items()]
    changes = {
        f"project_name = {literal(request.distribution)}": f"project_name = {literal(table.name)}",
        'workflows_path = "workflows"': "\n".join(settings),
        'include = ["workflows*"]': "\n".join(
            [*([f"where = [{literal(top)}]"] if top != "." else []), f"include = [{literal(f'{name}*')}]"]
        ),
        'testpaths = ["tests"]': f"testpaths = {literal(['tests', *([workflows] if has_tests_beside else [])])}",
        'pythonpath = ["."]': f"pythonpath = {literal([top])}",
        'known-first-party = ["workflows"]': f"known-first-party = {literal([name])}",
        'files = ["tests", "workflows"]': f"files = {literal(['tests', workflows])}",
        'mypy_path = "."': f"mypy_path = {literal(top)}",
    }
    if not has_readme:
        changes['readme = "README.md"\n'] = ""
    if "dbt_project_dir" in table.settings:
        runtime = request.requirement()
        changes[f"dependencies = [{literal(runtime)}]"] = f"dependencies = [{literal(request.requirement('dbt'))}]"
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after, 1)
    return text
