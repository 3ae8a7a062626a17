"""The file of a contract."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from cascade.contracts.files import ContractError, contract_text, read_contract
from cascade.contracts.model import Column, Contract, Element, Freshness, Reader

FILE = Path("flows/contracts/raw.things.yml")
_NAMES = st.text("abc_0123456789é", min_size=1, max_size=8)
_TEXTS = st.one_of(st.none(), st.text(min_size=1, max_size=40))


def columns() -> st.SearchStrategy[Column]:
    plain = st.builds(Column, name=_NAMES, type=st.sampled_from(["long", "yes", "1"]), description=_TEXTS)
    return st.recursive(
        plain,
        lambda inner: st.builds(
            Column,
            name=_NAMES,
            type=st.just("struct"),
            required=st.booleans(),
            sensitive=st.booleans(),
            fields=st.lists(inner, max_size=2).map(tuple),
            element=st.one_of(
                st.none(), st.builds(Element, type=_NAMES, fields=st.lists(inner, max_size=1).map(tuple))
            ),
        ),
        max_leaves=4,
    )


CONTRACTS = st.builds(
    Contract,
    table=st.just("raw.things"),
    version=st.sampled_from(["1.0.0", "12.0.3"]),
    description=_TEXTS,
    group=_NAMES,
    owners=st.lists(_NAMES, max_size=2).map(tuple),
    write_disposition=st.sampled_from(["merge", "append", "replace"]),
    unique_key=st.lists(_NAMES, max_size=2).map(tuple),
    partitions=st.sampled_from([None, "daily"]),
    partition_start=st.sampled_from([None, "2024-01-01"]),
    partition_spec=st.dictionaries(_NAMES, _NAMES, max_size=2),
    freshness_hours=st.one_of(st.none(), st.builds(Freshness, warn=st.sampled_from([None, 1.5]), fail=st.just(24))),
    columns=st.lists(columns(), max_size=3).map(tuple),
    read_by=st.lists(st.builds(Reader, kind=st.just("model"), name=_NAMES, columns=st.just(("*",))), max_size=2).map(
        tuple
    ),
)


@given(CONTRACTS)
@example(Contract(table="t", write_disposition="merge", columns=(), description="one\x85two", group="a\u2028b"))
@example(Contract(table="t", write_disposition="merge", columns=(), description="one\ntwo\x85", group="a\u2029\nb"))
def test_a_contract_is_read_as_it_was_written(contract: Contract) -> None:
    text = contract_text(contract)
    assert read_contract(text, FILE) == contract
    assert contract_text(read_contract(text, FILE)) == text


def test_the_file_is_short_and_readable() -> None:
    contract = Contract(
        table="raw.things",
        description="Things.\n\nOf any kind.",
        owners=("team:a", "b@example.com"),
        write_disposition="merge",
        unique_key=("id", "day"),
        partition_spec={"day": "month"},
        columns=(
            Column(name="id", type="long", required=True, description="The number: unique."),
            Column(name="on", type="list", element=Element(type="string")),
        ),
    )
    assert contract_text(contract).partition("\nformat: ")[2] == (
        """1
table: raw.things
version: 1.0.0
description: |-
  Things.

  Of any kind.
owners: ['team:a', b@example.com]
write_disposition: merge
unique_key: [id, day]
partition_spec:
  day: month
columns:
  - name: id
    type: long
    required: true
    description: 'The number: unique.'
  - name: 'on'
    type: list
    element:
      type: string
"""
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("format: 1\n<<<<<<< HEAD\n", 3, "could not find expected ':'"),
        ("", 1, '"table": Field required'),
        ("- 1\n", 1, '"table": Field required'),
        ("format: 2\n", 1, '"format": Input should be 1'),
        ("format: 1\ntable: raw.a\nwrite_disposition: merge\ncolumns:\n  - name: id\n", 5, '"columns.0.type": Field'),
        (
            "table: raw.a\nwrite_disposition: merge\ncolumns: []\nowner: me\n",
            1,
            '"owner": Extra inputs are not permitted',
        ),
        (
            "table: raw.a\nversion: 1.0\nwrite_disposition: merge\ncolumns: []\n",
            1,
            '"version": Input should be a valid',
        ),
        ("table: raw.a\nversion: x\nwrite_disposition: merge\ncolumns: []\n", 1, '"version": String should match'),
    ],
)
def test_a_file_that_is_not_a_contract_says_where(text: str, line: int, message: str) -> None:
    with pytest.raises(ContractError) as caught:
        read_contract(text, FILE)
    error = caught.value
    assert (error.location is not None and error.location.line) == line
    assert error.message.startswith(f"The contract cannot be read: {message}")
    assert "delete it and type" in (error.hint or "")


def test_the_file_needs_nothing_of_cascade_to_be_read() -> None:
    text = contract_text(Contract(table="raw.a", write_disposition="append", columns=()))
    assert yaml.safe_load(text) == {
        "format": 1,
        "table": "raw.a",
        "version": "1.0.0",
        "write_disposition": "append",
        "columns": [],
    }
