"""Which requirements a change of a requirements file concerns."""

from __future__ import annotations

import pytest

from cascade_pants.affected.requirement_files import RequirementsChange, compare

LIST = "# Ours.\nPyYAML>=6 ; python_version > '3'\nrequests[socks]==2 \\\n    --hash=sha256:aa\n"
PROJECT = """\
[project]
dependencies = ["dagster>=1", "dlt"]
[project.optional-dependencies]
dbt = ["dbt-core<2"]
[tool.poetry.group.dev.dependencies]
pytest = "^7"
[tool.ruff]
line-length = 120
"""


@pytest.mark.parametrize(
    ("path", "text", "old", "new", "changed", "removed"),
    [
        ("r.txt", LIST, ">=6", ">=7", {"pyyaml"}, set()),
        ("r.txt", LIST, "sha256:aa", "sha256:bb", {"requests"}, set()),
        ("r.txt", LIST, "# Ours.", "# Theirs.", set(), set()),
        ("r.txt", LIST, "PyYAML", "ruamel.yaml", {"ruamel-yaml"}, {"pyyaml"}),
        ("pyproject.toml", PROJECT, "dagster>=1", "dagster>=2", {"dagster"}, set()),
        ("pyproject.toml", PROJECT, "dbt-core<2", "dbt-core<3", {"dbt-core"}, set()),
        ("pyproject.toml", PROJECT, '"^7"', '"^8"', {"pytest"}, set()),
        ("pyproject.toml", PROJECT, ', "dlt"', "", set(), {"dlt"}),
        ("pyproject.toml", PROJECT, "120", "100", set(), set()),
    ],
)
def test_only_requirements_that_are_written_otherwise(
    path: str, text: str, old: str, new: str, changed: set[str], removed: set[str]
) -> None:
    assert old in text
    assert compare(path, text.encode(), text.replace(old, new).encode()) == RequirementsChange(
        frozenset(changed), frozenset(removed)
    )


@pytest.mark.parametrize(
    ("path", "after"),
    [("r.txt", "--extra-index-url=x\n" + LIST), ("pyproject.toml", "not toml ["), ("pyproject.toml", "project = 1")],
)
def test_what_cannot_be_compared(path: str, after: str) -> None:
    before = LIST if path == "r.txt" else PROJECT
    assert compare(path, before.encode(), after.encode()).changed is None
