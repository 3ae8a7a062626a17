"""`init --example` writes the files of this repository, which every way of building the wheel puts into it."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest
from docs.conftest import REPOSITORY
from docs.session import Session
from processes import run

from cascade.scaffold.example_projects import PARTS

SOURCES = REPOSITORY / "src"
# What only the repository needs.
OTHERS = {".sqlfluff", "BUILD", "test_graph.py"}
# What `init` renders.
RENDERED = {
    ".gitignore",
    "README.md",
    "pyproject.toml",
    "workflows/__init__.py",
    "workflows/defs/__init__.py",
    "workspace.yaml",
}


def test_the_project_has_the_files_of_the_repository_byte_for_byte(reader: Session) -> None:
    run(["cascade", "init", "--example", "nyc"], reader.directory, reader.environment).ok()
    project = reader.directory / "nyc"
    written = {path.relative_to(project).as_posix() for path in project.rglob("*") if path.is_file()}
    tracked = (
        run(["git", "ls-files", *(f"src/{part}" for part in PARTS["nyc"])], REPOSITORY, os.environ).ok().out.split()
    )
    copied = {path.removeprefix("src/") for path in tracked if Path(path).name not in OTHERS}
    assert written - RENDERED == copied
    assert [path for path in sorted(copied) if (project / path).read_bytes() != (SOURCES / path).read_bytes()] == []


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_pip_puts_every_part_into_what_it_builds(kind: str) -> None:
    settings = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
    included = {path.removeprefix("src/") for path in settings[kind]["only-include"] if path.startswith("src/")}
    assert included == {"cascade", *PARTS["nyc"]}


def test_pants_puts_every_part_into_the_wheel() -> None:
    (target,) = re.findall(r'files\(\n    name="example",.*?\n\)', (REPOSITORY / "BUILD").read_text(), re.S)
    globs = re.findall(r'"(src/[^"]+)"', target)
    assert {path.removeprefix("src/").removesuffix("/**/*") for path in globs} == {*PARTS["nyc"]}
