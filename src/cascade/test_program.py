"""The command that hints repeat."""

from __future__ import annotations

import pytest

from cascade.program import VARIABLE, remember, typed, typed_with


def test_the_first_process_that_cascade_starts_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "")
    assert typed("list") == "cascade list"
    monkeypatch.delenv(VARIABLE)
    remember("pants run //:dev --")
    # A process that `dev` starts has another name, which the user did not type.
    remember("python -m cascade")
    assert typed("table history raw.flights") == "pants run //:dev -- table history raw.flights"


def test_a_setting_comes_before_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with typed_with("CASCADE_BRANCH=me"):
        assert typed("list") == "CASCADE_BRANCH=me cascade list"
    assert typed("list") == "cascade list"
