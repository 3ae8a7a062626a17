"""Every command of the pages does what the page says, with only Cascade installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from docs.conftest import PAGES, REPOSITORY
from docs.console import Command, Written, read_page
from docs.session import Session

# The fixture `installed_cascade` replaces these steps.
_INSTALLATION = re.compile(r"^(python3? -m venv|\. \.venv/|pip install|uv (venv|pip|sync)) ?")
_REQUIREMENT = re.compile(r"cascade-workflows(\[(?P<extras>[\w,]+)\])?$")
_MONOREPO = re.compile(r"^([A-Z_]+=\S+ )?(\./pants|\S+\.pex) ")

README = REPOSITORY / "README.md"
# Each command of these starts anew, as for a reader.
FIRST = (README, PAGES / "quickstart.md")
DOCUMENTS = [*sorted(PAGES.rglob("*.md")), README]


def named(document: Path) -> str:
    """Return the name of a document in the list of tests."""
    return str(document.relative_to(REPOSITORY))


def steps_for(document: Path, *, monorepo: bool) -> list[Command | Written]:
    """Return the steps of a page for a monorepo or for a standalone project, except for installation.

    Each page covers one of the two. Only the README shows both, with different commands.
    """
    steps = read_page(document.read_text(encoding="utf-8"))
    steps = [step for step in steps if isinstance(step, Written) or not _INSTALLATION.match(step.text)]
    matching = [step for step in steps if isinstance(step, Command) and _MONOREPO.match(step.text)]
    if document == README:
        return [step for step in steps if (step in matching) is monorepo]
    return steps if bool(matching) is monorepo else []


def documents_for(*, monorepo: bool) -> list[Path]:
    """Return the documents that have steps for a monorepo, or for a standalone project."""
    return [document for document in DOCUMENTS if steps_for(document, monorepo=monorepo)]


@pytest.mark.parametrize("document", documents_for(monorepo=False), ids=named)
def test_a_reader_who_follows_the_page_sees_what_it_shows(document: Path, request: pytest.FixtureRequest) -> None:
    reader: Session = request.getfixturevalue("reader" if document in FIRST else "warm_reader")
    reader.follow(steps_for(document, monorepo=False))


def test_pages_install_the_wheel_by_its_name() -> None:
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
