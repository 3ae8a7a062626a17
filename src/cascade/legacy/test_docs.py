"""The page about upgrading lists the old names that the code knows."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

from cascade.legacy.old_names import DROPPED_IN, GONE, SUCCESSORS
from cascade.legacy.variables import BECOME_SETTINGS, settings_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "upgrading.md"


def rows(title: str) -> list[tuple[str, str]]:
    """Return the two columns of the table under a heading."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {title}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| (`.+?`) \| (.+) \|$", section, re.M)
    assert found, title
    return found


def test_the_page_names_the_version_that_drops_the_old_layout() -> None:
    assert f"| {DROPPED_IN} | no longer runs." in PAGE.read_text(encoding="utf-8")


def test_names_that_moved_are_listed() -> None:
    assert rows("Names that moved") == [(f"`{name}`", now) for name, (now, _) in SUCCESSORS.items()]


def test_names_that_are_gone_are_listed() -> None:
    assert rows("What is gone") == [(f"`{name}`", now) for name, now in GONE.items()]


def test_variables_are_listed_with_their_settings() -> None:
    listed = dict(rows("What works in the old layout"))

    assert {name for names in listed for name in re.findall(r"\w+", names)} == BECOME_SETTINGS
    for names, setting in listed.items():
        given = re.findall(r"\w+", names)
        (found,) = settings_of(dict.fromkeys(given, "1"))
        assert (f"`CASCADE_{found.setting.upper()}`", list(found.names)) == (setting, given)


@pytest.mark.parametrize("home", sorted({home for _, home in SUCCESSORS.values() if "framework" not in home}))
def test_every_old_name_has_an_object(home: str) -> None:
    module, _, name = home.partition(":")

    assert getattr(import_module(module), name) is not None
