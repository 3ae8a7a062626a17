"""The documented table of settings is the one of the class."""

from __future__ import annotations

from pathlib import Path

import pytest

from cascade.config import settings_table


def test_the_documentation_is_in_step() -> None:
    page = Path(__file__).resolve().parents[3] / "docs" / "configuration.md"
    if not page.is_file():
        pytest.skip("the documentation is not part of this sandbox")
    assert page.read_text(encoding="utf-8") == settings_table(), "Type: cascade config docs > docs/configuration.md"
