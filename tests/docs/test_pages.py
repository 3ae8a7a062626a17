"""Every command of the pages does what the page says, with an installed Cascade and nothing else."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from docs.conftest import PAGES, REPOSITORY
from docs.console import Command, Written, commands_of, read_page
from docs.session import Session

# The reader's environment is there already: `installed_cascade` has it.
_INSTALLATION = re.compile(r"^(python3? -m venv|\. \.venv/|pip install|uv (venv|pip|sync)) ?")
_REQUIREMENT = re.compile(r"cascade-workflows(\[(?P<extras>[\w,]+)\])?$")
_MONOREPO = re.compile(r"^\S*(\./pants|\.pex|scripts/\w+) ?")

DOCUMENTS = [*sorted(PAGES.rglob("*.md")), REPOSITORY / "README.md"]


def named(document: Path) -> str:
    """How a document is called in the list of tests."""
    return str(document.relative_to(REPOSITORY))


def is_for_a_monorepo(document: Path) -> bool:
    """Whether a page's commands belong into this repository."""
    return any(_MONOREPO.search(command.text) for command in commands_of(document.read_text(encoding="utf-8")))


STANDALONE = [
    document
    for document in DOCUMENTS
    if commands_of(document.read_text(encoding="utf-8")) and not is_for_a_monorepo(document)
]


def without_installation(steps: list[Command | Written]) -> list[Command | Written]:
    """The steps of a page without those that install."""
    return [step for step in steps if isinstance(step, Written) or not _INSTALLATION.match(step.text)]


@pytest.mark.parametrize("document", STANDALONE, ids=named)
def test_a_reader_who_follows_the_page_sees_what_it_shows(document: Path, reader: Session) -> None:
    reader.follow(without_installation(read_page(document.read_text(encoding="utf-8"))))


def test_what_is_installed_is_what_the_wheel_is_called() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    known = {*project["optional-dependencies"]}
    assert project["name"] == "cascade-workflows"
    installed = 0
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for words in re.findall(r"pip install ([^\n`]*)", text):
            for word in re.findall(r"[^\s'\"]+", words):
                if word.startswith("cascade"):
                    found = _REQUIREMENT.match(word.rstrip(".,;:"))
                    assert found, f"{named(document)}: {word}"
                    extras = set(filter(None, (found["extras"] or "").split(",")))
                    assert extras <= known, f"{named(document)}: {word}"
                    installed += 1
    assert installed
