"""A new `pyproject.toml` for a project that exists: the one of `cascade init`, with the places that the project has."""

from __future__ import annotations

from pathlib import PurePosixPath

from cascade.migration.pyproject import PYPROJECT, ProjectTable
from cascade.scaffold.environment import literal
from cascade.scaffold.project import ProjectRequest, render_project


def new_pyproject(table: ProjectTable, *, has_tests_beside: bool) -> str:
    """Write the file.

    Args:
        table: the settings of the project.
        has_tests_beside: whether tests stand beside the workflows.

    Returns:
        Its text.
    """
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
    if "dbt_project_dir" in table.settings:
        runtime = request.requirement()
        changes[f"dependencies = [{literal(runtime)}]"] = f"dependencies = [{literal(request.requirement('dbt'))}]"
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after, 1)
    return text
