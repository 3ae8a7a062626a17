"""Give a repository that Pants does not build the BUILD files that Cascade needs, to replay its commits.

A Dagster code location is a directory with a `pyproject.toml` below which modules declare assets and make
`Definitions`: it becomes a `cascade_workflow` with a `cascade_project`. Each directory with a `dbt_project.yml` becomes
a `cascade_dbt_project`, which belongs to the locations whose files name its directory. All other Python files get
`python_sources` and `python_tests`. The part of the runtime that reads dbt projects is copied, with stubs of what a
project needs. Requirements are left out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from cascade.reader.packages import declarations_in_package

REPOSITORY = Path(__file__).resolve().parent.parent.parent
RUNTIME = "cascade_runtime"

PANTS_TOML = f"""\
[GLOBAL]
pants_version = "2.17.1"
backend_packages = ["pants.backend.python", "cascade_pants"]
build_patterns = ["CASCADE_BUILD"]

[anonymous-telemetry]
enabled = false

[source]
root_patterns = ["/", "src", "/{RUNTIME}"]
marker_filenames = ["pyproject.toml"]

[python]
interpreter_constraints = ["CPython>=3.11,<3.15"]
pip_version = "23.1.2"

[python-infer]
use_rust_parser = true
unowned_dependency_behavior = "ignore"
ambiguity_resolution = "by_source_root"
"""
STUBS = {
    "cascade/cli/__init__.py": "",
    "cascade/cli/main.py": "def run_project(manifest): ...\n",
    "cascade/framework/__init__.py": "",
    "cascade/framework/definitions.py": "def build_definitions(modules): ...\n",
    "CASCADE_BUILD": (
        "python_sources(sources=['**/*.py'])\n"
        "python_requirement(name='jinja2', requirements=['jinja2'])\n"
        "python_requirement(name='yaml', requirements=['pyyaml'], modules=['yaml'])\n"
    ),
}
BUILD = "CASCADE_BUILD"


def add_targets(root: Path, files: Iterable[str]) -> None:
    """Write BUILD files, settings of Pants and the part of the runtime into a working tree.

    Args:
        root: the working tree.
        files: its tracked files.
    """
    listed = sorted(files)
    builds: dict[str, list[str]] = {}
    locations = list(_locations(root, listed))
    for directory in _outermost(_parents(listed, "dbt_project.yml")):
        builds.setdefault(directory, []).append("cascade_dbt_project()")
    dbt_directories = list(builds)
    for location in locations:
        builds.setdefault(location, []).append("cascade_workflow()")
        named = [one for one in dbt_directories if _names(root, listed, location, os.path.basename(one))]
        dbt = f", dbt_project={named[0]!r}" if named else ""
        name = location.replace("/", "_")
        builds.setdefault("", []).append(f"cascade_project(name={name!r}, workflows=[{location!r}]{dbt})")
    for directory in sorted({os.path.dirname(path) for path in listed if path.endswith(".py")}):
        if not any(_is_in(directory, one) for one in (*locations, *dbt_directories)):
            names = {os.path.basename(path) for path in listed if os.path.dirname(path) == directory}
            tests = {name for name in names if name.startswith("test_") or name.endswith("_test.py")}
            code = {name for name in names if name.endswith(".py")} - tests
            kinds = {"python_sources": code, "python_tests": {name for name in tests if name.endswith(".py")}}
            lines = [f"{kind}(name={kind!r}, sources={sorted(found)!r})" for kind, found in kinds.items() if found]
            builds.setdefault(directory, []).extend(lines)
    for directory, lines in builds.items():
        (root / directory / BUILD).write_text("\n".join([*lines, ""]), encoding="utf-8")
    (root / "pants.toml").write_text(PANTS_TOML, encoding="utf-8")
    _add_runtime(root / RUNTIME)


def _add_runtime(directory: Path) -> None:
    source = REPOSITORY / "src/cascade"
    ignored = shutil.ignore_patterns("test_*.py", "conftest.py", "BUILD", "__pycache__")
    shutil.copytree(source / "dbt_graph", directory / "cascade/dbt_graph", ignore=ignored, dirs_exist_ok=True)
    shutil.copy(source / "spelling.py", directory / "cascade/spelling.py")
    (directory / "cascade/__init__.py").write_text("", encoding="utf-8")
    for path, text in STUBS.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_text(text, encoding="utf-8")


def _locations(root: Path, files: list[str]) -> Iterator[str]:
    """Yield the directories with a `pyproject.toml` below which something is declared."""
    for directory in _outermost([one for one in _parents(files, "pyproject.toml") if one]):
        below = [path for path in files if path.endswith(".py") and path.startswith(f"{directory}/")]
        sources = {path: (root / path).read_bytes() for path in below if "test" not in path and (root / path).is_file()}
        if any(b"Definitions(" in content for content in sources.values()) and declarations_in_package(sources):
            yield directory


def _parents(files: list[str], name: str) -> list[str]:
    return [os.path.dirname(path) for path in files if os.path.basename(path) == name]


def _outermost(directories: list[str]) -> list[str]:
    return [one for one in directories if not any(_is_in(one, other) for other in directories if other != one)]


def _is_in(directory: str, other: str) -> bool:
    return f"{directory}/".startswith(f"{other}/") if other else True


def _names(root: Path, files: list[str], location: str, word: str) -> bool:
    texts = [path for path in files if path.startswith(f"{location}/") and path.endswith((".py", ".toml", ".yaml"))]
    return any(word.encode() in (root / path).read_bytes() for path in texts if (root / path).is_file())
