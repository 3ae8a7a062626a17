"""Commits whose answer comes so late that their snapshots may have expired."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from pyiceberg.exceptions import CommitStateUnknownException

from cascade.exceptions import CommitError
from cascade.iceberg.catalog import Lakehouse
from cascade.iceberg.test_commit import NAME
from cascade.iceberg.test_expiry import merged, short
from cascade.iceberg.test_lost_answers import answering
from cascade.iceberg.test_snapshots import ids_of

__all__ = ["short"]


class Late:
    """Advances the clock that measures how long a commit took."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.seconds = 0.0
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + self.seconds)


def test_a_commit_that_landed_and_expired_before_it_was_looked_for_is_not_taken_for_lost(
    short: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine slept between the commit and its answer. Its files are in use, so nothing may be deleted."""
    for n in range(3):
        merged(short, n)
    late = Late(monkeypatch)

    def answer(land: Callable[[], Any]) -> Any:
        land()
        for n in range(20, 24):
            merged(short, n)
        late.seconds = 3600
        raise CommitStateUnknownException("504")

    answering(monkeypatch, answer)
    with pytest.raises(CommitError, match=r"answered only after 60 minutes.*\n?.*not written twice"):
        merged(short, 3)
    assert ids_of(short.require(NAME)) == [0, 1, 2, 3, 20, 21, 22, 23]


def test_a_commit_that_provably_lost_is_planned_again_however_late_it_is(
    short: Lakehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    merged(short, 0)
    late = Late(monkeypatch)

    def answer(land: Callable[[], Any]) -> Any:
        merged(short, 20)
        late.seconds = 3600
        return land()

    answering(monkeypatch, answer)
    assert merged(short, 1).attempts == 2
    assert ids_of(short.require(NAME)) == [0, 1, 20]
