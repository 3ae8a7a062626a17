from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from cascade.schemas.views import without_views

TEXT, BYTES = pa.string_view(), pa.binary_view()
TEXTS = [["a", None], None, []]


@pytest.mark.parametrize(
    ("values", "view", "plain"),
    [
        (["a", None, "ö" * 99], TEXT, pa.large_string()),
        ([b"a", None, b""], BYTES, pa.large_binary()),
        (TEXTS, pa.list_(TEXT), pa.list_(pa.large_string())),
        (TEXTS, pa.large_list(TEXT), pa.large_list(pa.large_string())),
        (TEXTS, pa.list_view(pa.string()), pa.large_list(pa.string())),
        (TEXTS, pa.large_list_view(TEXT), pa.large_list(pa.large_string())),
        ([["a", "b"], None, [None, "c"]], pa.list_(TEXT, 2), pa.list_(pa.large_string(), 2)),
        ([{"x": "a"}, None, {"x": None}], pa.struct([("x", TEXT)]), pa.struct([("x", pa.large_string())])),
        ([{"x": TEXTS}, None, {"x": None}], pa.struct([("x", pa.list_(pa.list_view(TEXT)))]),
            pa.struct([("x", pa.list_(pa.large_list(pa.large_string())))])),
        ([[("a", "b")], None, []], pa.map_(TEXT, TEXT), pa.map_(pa.large_string(), pa.large_string())),
    ],
)  # fmt: skip
def test_views_become_plain_types_with_the_same_values(values: list[Any], view: Any, plain: Any) -> None:
    table = pa.table({"x": pa.chunked_array([pa.array(values, view), pa.array(values[:1], view)]), "y": [1, 2, 3, 4]})
    found = without_views(table)
    assert found.schema.field("x").type == plain
    assert found.to_pylist() == table.to_pylist()
    assert found.filter(pa.array([True, False, True, False])).num_rows == 2


def test_a_table_without_views_is_not_copied() -> None:
    table = pa.table({"x": ["a"], "y": pa.array(["a"]).dictionary_encode()})
    assert without_views(table) is table


def test_equal_names_and_the_order_of_columns_are_kept() -> None:
    table = pa.Table.from_arrays([pa.array(["a"], TEXT), pa.array(["b"], TEXT)], names=["x", "x"])
    assert without_views(table).to_pydict() == pa.table([["a"], ["b"]], names=["x", "x"]).to_pydict()
