"""Fixtures for the tests of what a change touches."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from cascade_pants.affected.testing import Place


@pytest.fixture
def repository(shared: Place) -> Iterator[Place]:
    """Give a test the repository that its module's fixture `shared` makes, and undo its changes."""
    yield shared
    shared.reset()
