"""Every command of the pages for a monorepo does what the page says, in a copy of this repository."""

from __future__ import annotations

import re
import shutil
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from docs.conftest import PAGES
from docs.session import Session
from docs.test_pages import documents_for, named, steps_for
from e2e import test_wheels

if TYPE_CHECKING:
    from e2e.conftest import Repository

# They take minutes. .ci/run runs the first, which includes the second; other tests package each target of the third.
ELSEWHERE = ("./pants test ::", "./pants test src/workflows::", "./pants package ::")


@pytest.mark.parametrize("document", documents_for(monorepo=True), ids=named)
def test_a_reader_who_follows_the_page_sees_what_it_shows(
    document: Path, repository: Repository, tmp_path: Path
) -> None:
    # The reader starts with no state.
    shutil.rmtree(repository.root / ".cascade", ignore_errors=True)
    shutil.rmtree(repository.root / "dist", ignore_errors=True)
    reader = Session(tmp_path, repository.root, repository.environment)
    reader.follow([step for step in steps_for(document, monorepo=True) if step.text not in ELSEWHERE])


def test_the_settings_of_the_page_match_a_tested_repository() -> None:
    page = (PAGES / "quickstart-monorepo.md").read_text()
    (shown,) = re.findall(r"^```toml\n(.*?)^```$", page, re.M | re.S)
    tested = tomllib.loads(test_wheels.PANTS_TOML)
    for section, options in tomllib.loads(shown).items():
        for option, value in options.items():
            held = tested[section][option]
            if option == "plugins":
                # The test pins the version that it has just built.
                held = [name.partition("==")[0] for name in held]
            elif isinstance(value, dict):
                held = {name: held[name] for name in value}
            assert value == held, f"[{section}] {option}"
