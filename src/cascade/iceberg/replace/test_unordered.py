"""Rows in any order: nested floats count by their bits, and what is behind a null or outside of a slice does not."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade.iceberg.digest import digest_of
from cascade.iceberg.replace.unordered import fingerprint, in_fixed_order, same_in_any_order

FLOAT = st.sampled_from([0.0, -0.0, 1.0, float("nan"), None])
LISTS = st.one_of(st.none(), st.lists(FLOAT, max_size=3))
STRUCTS = st.one_of(st.none(), st.fixed_dictionaries({"a": FLOAT, "b": LISTS}))
KINDS: list[tuple[pa.DataType, st.SearchStrategy[Any]]] = [
    (pa.float32(), FLOAT),
    (pa.list_(pa.float64()), LISTS),
    (pa.large_list(pa.float64()), LISTS),
    (pa.struct({"a": pa.float64(), "b": pa.list_(pa.float64())}), STRUCTS),
    (pa.list_(pa.struct({"a": pa.float64(), "b": pa.list_(pa.float64())})), st.lists(STRUCTS, max_size=2)),
]
NAMES = ["value"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind[0]))
@settings(deadline=None)
@given(data=st.data())
def test_rows_are_the_same_in_any_order_and_in_any_parts(
    kind: tuple[pa.DataType, st.SearchStrategy[Any]], data: st.DataObject
) -> None:
    arrow, values = kind
    rows = data.draw(st.lists(values, max_size=6))
    other = data.draw(st.permutations(rows))
    cut = data.draw(st.integers(0, len(rows)))
    left = pa.table({"value": pa.array(rows, arrow)})
    right = pa.concat_tables(
        [
            pa.table({"value": pa.array([*rows, *part, *rows], arrow).slice(len(rows), len(part))})
            for part in (other[:cut], other[cut:])
        ]
    )
    assert same_in_any_order(left, right, NAMES)
    assert fingerprint([left], NAMES) == fingerprint([right.slice(0, cut), right.slice(cut)], NAMES)
    assert digest_of(in_fixed_order(left, NAMES)) == digest_of(in_fixed_order(right, NAMES))
    changed = data.draw(st.lists(values, min_size=len(rows), max_size=len(rows)))
    table = pa.table({"value": pa.array(changed, arrow)})
    # Arrow gives the fields of all structs in one order, unlike hypothesis.
    differs = sorted(map(repr, left["value"].to_pylist())) != sorted(map(repr, table["value"].to_pylist()))
    assert same_in_any_order(left, table, NAMES) != differs
    assert (fingerprint([left], NAMES) == fingerprint([table], NAMES)) != differs


def test_what_a_null_hides_does_not_count() -> None:
    inner = pa.array([0.0, 1.0, 2.0])
    hidden = pa.StructArray.from_arrays([inner], ["a"], mask=pa.array([False, True, False]))
    plain = pa.array([{"a": 2.0}, None, {"a": 0.0}], hidden.type)
    left, right = pa.table({"value": hidden}), pa.table({"value": plain})
    assert same_in_any_order(left, right, NAMES)
    assert fingerprint([left], NAMES) == fingerprint([right], NAMES)
