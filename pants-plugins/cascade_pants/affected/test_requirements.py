"""What a change of requirements touches."""

from __future__ import annotations

import pytest

from cascade_pants.affected.testing import Place, names, place, reason
from cascade_pants.testing import RUNTIME, ingestion, set_options, workflow

LOCK = "\n".join(
    [
        "shared==1.0\n    # via\n    #   dlt\n    #   polars",
        "dlt==1.0\n    # via -r requirements.txt",
        "polars==1.0\n    # via -r requirements.txt",
        "rest==1.0\n    # via dlt",
        "unused==1.0\n    # via -r requirements.txt\n",
    ]
)
FILES = {
    **RUNTIME,
    **workflow("weather", "weather"),
    **workflow("rivers", "rivers"),
    "BUILD": (
        "cascade_project(name='weather', workflows=['src/workflows/weather'])\n"
        "cascade_project(name='rivers', workflows=['src/workflows/rivers'])\n"
    ),
    "src/workflows/weather/schema.py": "import dlt\n\nclass Row: ...\n",
    "src/workflows/rivers/schema.py": "import polars\n\nclass Row: ...\n",
    "3rdparty/BUILD": "python_requirements()",
    "3rdparty/requirements.txt": "dlt>=1\npolars>=1\nunused\n",
    "3rdparty/all.lock": LOCK,
    "3rdparty/tools.lock": "ruff==1.0\n",
}


@pytest.fixture(scope="module")
def shared() -> Place:
    made = place(FILES)
    set_options(
        made.runner,
        PYTHON_ENABLE_RESOLVES="true",
        PYTHON_RESOLVES="{'all': '3rdparty/all.lock', 'tools': '3rdparty/tools.lock'}",
        PYTHON_DEFAULT_RESOLVE="all",
    )
    return made


@pytest.mark.parametrize(
    ("pin", "projects"),
    [
        ("shared", ["//:rivers", "//:weather"]),
        ("rest", ["//:weather"]),
        ("dlt", ["//:weather"]),
        ("polars", ["//:rivers"]),
        ("unused", []),
    ],
)
def test_a_pin_touches_who_uses_it(repository: Place, pin: str, projects: list[str]) -> None:
    found = repository.change({"3rdparty/all.lock": LOCK.replace(f"{pin}==1.0", f"{pin}==1.1")})
    assert names(found, "projects") == projects
    if pin == "rest":
        assert reason(found, "projects", "//:weather").startswith(
            "3rdparty/all.lock [modified] > 3rdparty#dlt [locks rest otherwise, which it needs]"
        )


def test_without_annotations_a_pin_touches_the_resolve(repository: Place) -> None:
    found = repository.change({"3rdparty/all.lock": LOCK.replace("rest==1.0\n    # via dlt", "rest==1.1")})
    assert names(found, "projects") == ["//:rivers", "//:weather"]
    assert "does not say what requires what" in reason(found, "projects", "//:rivers")


def test_the_resolve_of_tools_touches_tests(repository: Place) -> None:
    found = repository.change({"3rdparty/tools.lock": "ruff==1.1\n"})
    assert len(names(found, "tests")) == 2
    assert not names(found, "projects")


@pytest.mark.parametrize(
    ("old", "new", "projects"),
    [
        ("polars>=1", "polars>=2", ["//:rivers"]),
        ("polars>=1", "polars>=1  # fast\nnew", []),
        # Whatever imported its module has lost a dependency.
        ("unused\n", "", ["//:rivers", "//:weather"]),
    ],
)
def test_a_requirement_touches_who_uses_it(repository: Place, old: str, new: str, projects: list[str]) -> None:
    text = FILES["3rdparty/requirements.txt"]
    assert names(repository.change({"3rdparty/requirements.txt": text.replace(old, new)}), "projects") == projects


def test_another_mapping_of_modules_touches_everything(repository: Place) -> None:
    found = repository.change({"3rdparty/BUILD": "python_requirements(module_mapping={'unused': ['x']})"})
    assert names(found, "projects") == ["//:rivers", "//:weather"]


def test_code_that_needs_another_requirement(repository: Place) -> None:
    changed = {"src/workflows/weather/observations.py": ingestion("weather", imports="import polars")}
    assert names(repository.change(changed), "projects") == ["//:weather"]
