from __future__ import annotations

import dataclasses

import pytest

from cascade.exceptions import UsageError
from cascade.table_ref import TableRef


def test_a_table_is_on_main_by_default() -> None:
    table = TableRef("raw", "flights")
    assert table.branch == "main"
    assert table.identifier == ("raw", "flights")
    assert str(table) == table.full_name == "raw.flights"


def test_a_branch_shows_in_messages_and_not_in_the_name() -> None:
    audit = TableRef("raw", "flights").on("audit-7")
    assert str(audit) == "raw.flights@audit-7"
    assert audit.full_name == "raw.flights"
    assert audit.on("main") == TableRef("raw", "flights")


def test_the_quarantine_follows_its_table_to_a_branch() -> None:
    assert TableRef("raw", "flights").quarantine == TableRef("raw", "flights__quarantine")
    assert TableRef("raw", "flights", "audit-7").quarantine.branch == "audit-7"


def test_the_asset_key_leaves_out_the_default_namespace() -> None:
    assert TableRef("raw", "flights").asset_key == ("flights",)
    assert TableRef("gold", "flights").asset_key == ("gold", "flights")


def test_a_reference_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        TableRef("raw", "flights").name = "other"  # type: ignore[misc]


def test_a_full_name_is_read_with_its_namespace() -> None:
    assert TableRef.parse("raw.flights") == TableRef("raw", "flights")
    assert TableRef.parse("lab.test.flights", branch="audit") == TableRef("lab.test", "flights", "audit")


@pytest.mark.parametrize("name", ["flights", ".flights", "raw.", ""])
def test_a_name_without_a_namespace_or_a_table_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"Put its namespace first, as in 'raw\."):
        TableRef.parse(name)


@pytest.mark.parametrize("name", ["flights", "raw.flights", "raw/flights"])
def test_a_user_may_leave_out_the_default_namespace(name: str) -> None:
    assert TableRef.named(name) == TableRef("raw", "flights")
    assert TableRef.named("lab.test.flights") == TableRef("lab.test", "flights")
