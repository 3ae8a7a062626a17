"""What a commit does without when a catalog refuses it, and what is learned about the catalog."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from cascade.iceberg.commit_outcomes import Outcome
from cascade.iceberg.concessions import Concessions
from cascade.iceberg.expiry_support import PROPERTY_SUPPORT, SUPPORT
from cascade.notices import notices_to

CATALOG = "http://catalog"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    for support in (SUPPORT, PROPERTY_SUPPORT):
        support._failures.pop(CATALOG, None)


def committed(*, due: bool, expiry: bool, properties: bool) -> tuple[list[tuple[bool, bool]], bool]:
    """Commit to a catalog that can do some of it. Return what each attempt asked for, and whether the last landed."""
    concessions, asked = Concessions(CATALOG), list[tuple[bool, bool]]()
    while True:
        asked.append((due and concessions.expires, concessions.sets_properties))
        attempt: Any = SimpleNamespace(expires=asked[-1][0], sets_properties=asked[-1][1])
        if (expiry or not attempt.expires) and (properties or not attempt.sets_properties):
            concessions.landed(attempt)
            return asked, True
        if not concessions.concedes(attempt, Outcome.REFUSED):
            return asked, False


@pytest.mark.parametrize(
    ("due", "expiry", "properties", "asked"),
    [
        (True, True, True, [(True, True)]),
        (True, False, True, [(True, True), (False, True)]),
        (True, True, False, [(True, True), (False, True), (True, False)]),
        (True, False, False, [(True, True), (False, True), (True, False), (False, False)]),
        (False, False, True, [(False, True)]),
        (False, True, False, [(False, True), (False, False)]),
    ],
)
def test_a_commit_asks_for_less_until_it_lands(
    due: bool, expiry: bool, properties: bool, asked: list[tuple[bool, bool]]
) -> None:
    told: list[str] = []
    with notices_to(told.append):
        assert committed(due=due, expiry=expiry, properties=properties) == (asked, True)
    assert len(told) == (not properties)
    assert SUPPORT.is_possible(CATALOG) == (expiry or not due)
    assert PROPERTY_SUPPORT.is_possible(CATALOG) == properties
    assert committed(due=due, expiry=expiry, properties=properties) == ([asked[-1]], True)


@pytest.mark.parametrize("due", [True, False])
def test_a_catalog_that_refuses_everything_teaches_nothing(due: bool) -> None:
    concessions = Concessions(CATALOG)
    asked = set()
    while True:
        attempt: Any = SimpleNamespace(expires=due and concessions.expires, sets_properties=concessions.sets_properties)
        asked.add((attempt.expires, attempt.sets_properties))
        if not concessions.concedes(attempt, Outcome.REFUSED):
            break
    assert len(asked) == (4 if due else 2)
    assert SUPPORT.is_possible(CATALOG) and PROPERTY_SUPPORT.is_possible(CATALOG)


def test_a_conflict_concedes_nothing() -> None:
    concessions = Concessions(CATALOG)
    attempt: Any = SimpleNamespace(expires=True, sets_properties=True)
    assert not concessions.concedes(attempt, Outcome.CONFLICT)
    assert concessions.expires and concessions.sets_properties
    assert concessions.concedes(attempt, Outcome.UNKNOWN)
    assert not concessions.expires and concessions.sets_properties
