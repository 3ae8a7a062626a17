"""Which targets an edit of a BUILD file concerns."""

from __future__ import annotations

import pytest

from cascade_pants.affected.build_edits import BuildEdit, compare

BASE = "cascade_project(name='dev')\npython_sources(resolve='a')\n"


def edit(before: str | None, after: str | None) -> BuildEdit:
    return compare(*(None if text is None else text.encode() for text in (before, after)))


def test_comments_and_layout_concern_nothing() -> None:
    assert edit(BASE, "# Ours.\npython_sources(resolve='a')\n\ncascade_project(\n    name='dev',\n)\n").concerns_nothing


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (BASE.replace("'dev'", "'dev', layout='loose'"), {"dev"}),
        (BASE.replace("'a'", "'b'"), {None}),
        (BASE + "files(name='x', sources=['y'])", {"x"}),
        ("python_sources(resolve='a')", {"dev"}),
        (BASE.replace("'dev'", "'prod'"), {"dev", "prod"}),
    ],
)
def test_only_targets_that_are_defined_otherwise(after: str, names: set[str | None]) -> None:
    found = edit(BASE, after)
    assert (found.names, found.everything, found.below) == (frozenset(names), False, False)


@pytest.mark.parametrize(
    "after", [f"X = 1\n{BASE}", f"{BASE}\nmacro('x')", f"{BASE}\nmacro(**X)", f"{BASE}\nfiles(name=X)"]
)
def test_what_a_statement_defines_is_not_known(after: str) -> None:
    found = edit(BASE, after)
    assert found.everything
    assert not found.below


@pytest.mark.parametrize("after", [f"__defaults__(all=dict(tags=['x']))\n{BASE}", "not python ("])
def test_directories_below_are_concerned(after: str) -> None:
    assert edit(BASE, after).below


@pytest.mark.parametrize(
    ("before", "after", "narrowed"),
    [
        ("python_sources()", None, {"python_sources"}),
        ("python_sources()", "python_sources(sources=['a.py'])", {"python_sources"}),
        ("python_sources()", "python_sources(skip_mypy=True)", set()),
        ("python_sources()", "python_sources()\nfiles(name='x')", set()),
        ("python_requirement(requirements=['a'])", "python_requirement(requirements=['a>1'])", set()),
        (
            "python_requirements(module_mapping={'a': ['b']})",
            "python_requirements(module_mapping={'a': ['c']})",
            {"python_requirements"},
        ),
    ],
)
def test_what_may_provide_less_than_before(before: str, after: str | None, narrowed: set[str]) -> None:
    assert edit(before, after).narrowed == narrowed
