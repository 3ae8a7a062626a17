"""The reference of the backend matches what Pants says about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from docs.conftest import PAGES
from docs.test_references import ADVICE, GENERATORS, generated

if TYPE_CHECKING:
    from e2e.conftest import Repository


def test_the_reference_of_the_backend_is_up_to_date(repository: Repository) -> None:
    told = repository.pants("help-all").ok().out
    page = (PAGES / "reference" / "pants.md").read_text(encoding="utf-8")
    assert page == generated(GENERATORS / "pants_help.py", told), ADVICE
