"""The BUILD files of a workflow and of a dbt project."""

from __future__ import annotations

from cascade.scaffold.build_files import dbt_project_build, workflow_build


def test_a_build_file_has_the_arguments_that_differ_from_the_defaults() -> None:
    assert workflow_build() == "cascade_workflow()\n"
    assert workflow_build(sources=["*.py"]) == 'cascade_workflow(sources=["*.py"])\n'
    assert workflow_build(resolve="data-team") == 'cascade_workflow(resolve="data-team")\n'
    assert dbt_project_build() == "cascade_dbt_project()\n"
    assert dbt_project_build(resolve="data-team") == 'cascade_dbt_project(resolve="data-team")\n'
