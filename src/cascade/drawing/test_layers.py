"""The layers of a drawing."""

from __future__ import annotations

import random

import pytest

from .layers import layers


def column_of(found: list[list[int]]) -> dict[int, int]:
    return {node: column for column, layer in enumerate(found) for node in layer}


def test_what_reads_something_is_to_the_right_of_it() -> None:
    found = layers(4, [(0, 1), (1, 2), (0, 2), (3, 2)])
    # What reads nothing stands next to its first reader.
    assert found == [[0], [1, 3], [2]]


def test_a_cycle_is_drawn_with_one_edge_back() -> None:
    assert layers(3, [(0, 1), (1, 2), (2, 0)]) == [[0], [1], [2]]


def test_an_order_without_crossings_is_found() -> None:
    assert layers(4, [(0, 3), (1, 2)]) in ([[0, 1], [3, 2]], [[1, 0], [2, 3]])


def test_nothing_has_no_layers() -> None:
    assert layers(0, []) == []


@pytest.mark.parametrize("seed", range(20))
def test_layers_of_any_graph_without_cycles(seed: int) -> None:
    chance = random.Random(seed)
    count = chance.randrange(1, 60)
    edges = [(one, other) for one in range(count) for other in range(one + 1, count) if chance.random() < 0.08]
    names = list(range(count))
    chance.shuffle(names)
    edges = [(names[one], names[other]) for one, other in edges]
    found = layers(count, edges)
    column = column_of(found)
    assert sorted(column) == list(range(count))
    assert all(column[one] < column[other] for one, other in edges)
    assert all(found)
    assert layers(count, edges) == found


def test_a_long_chain_does_not_exceed_the_stack() -> None:
    assert len(layers(20_000, [(node, node + 1) for node in range(19_999)])) == 20_000
