"""The BUILD file of a workflow."""

from __future__ import annotations

from cascade.scaffold.build_files import workflow_build


def test_build_file_of_python_alone() -> None:
    assert workflow_build(["__init__.py", "observations.py"]) == "cascade_workflow()\n"
    assert workflow_build(["__init__.py"], sources=["*.py"]) == 'cascade_workflow(sources=["*.py"])\n'


def test_data_becomes_resources_that_the_workflow_depends_on() -> None:
    files = ["observations.py", "data/a.csv", "data/b.csv"]
    assert workflow_build(files, resolve="data-team") == (
        'cascade_workflow(dependencies=[":data"], resolve="data-team")\n\nresources(name="data", sources=["data/*"])\n'
    )
    assert 'sources=["*", "more/*"]' in workflow_build(["a.csv", "more/b.csv"])
