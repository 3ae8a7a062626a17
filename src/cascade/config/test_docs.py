"""The documented table of settings matches the class."""

from __future__ import annotations

from pathlib import Path

from cascade.config import settings_table


def test_the_documentation_is_up_to_date() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "reference" / "configuration.md"
    assert page.read_text(encoding="utf-8") == settings_table(), "Type: scripts/docs --write"
