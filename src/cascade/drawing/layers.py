"""Order the boxes of a drawing in layers, so that whatever reads something is to the right of it.

This is the scheme of Sugiyama, Tagawa and Toda, "Methods for Visual Understanding of Hierarchical System Structures"
(1981), without the dummy nodes: layers by longest paths, then an order in each layer by the mean position of neighbors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_SWEEPS = 4


def layers(count: int, edges: Sequence[tuple[int, int]]) -> list[list[int]]:
    """Distribute nodes over layers, and order each layer so that few edges cross.

    Args:
        count: how many nodes there are.
        edges: the edges, as positions of nodes. Those that close a cycle do not count.

    Returns:
        The nodes of each layer, in order.
    """
    after: list[list[int]] = [[] for _ in range(count)]
    for one, other in edges:
        after[one].append(other)
    order, kept = _without_cycles(after)
    before: list[list[int]] = [[] for _ in range(count)]
    for one in range(count):
        for other in kept[one]:
            before[other].append(one)
    level = [0] * count
    for node in order:
        level[node] = max((level[one] + 1 for one in before[node]), default=0)
    for node in order:
        # What reads nothing stands next to its first reader.
        if kept[node] and not before[node]:
            level[node] = min(level[other] for other in kept[node]) - 1
    found: list[list[int]] = [[] for _ in range(max(level, default=-1) + 1)]
    for node in range(count):
        found[level[node]].append(node)
    _sort(found, before, kept)
    return found


def _without_cycles(after: Sequence[Sequence[int]]) -> tuple[list[int], list[list[int]]]:
    """Return the nodes so that each comes before those it leads to, and the edges that allow it."""
    kept: list[list[int]] = [[] for _ in after]
    state = [0] * len(after)  # 1 while a node is being looked at, 2 afterwards
    finished: list[int] = []
    for start in range(len(after)):
        if state[start]:
            continue
        state[start] = 1
        waiting = [(start, iter(after[start]))]
        while waiting:
            node, following = waiting[-1]
            other = next(following, None)
            if other is None:
                waiting.pop()
                state[node] = 2
                finished.append(node)
            elif state[other] != 1:
                kept[node].append(other)
                if not state[other]:
                    state[other] = 1
                    waiting.append((other, iter(after[other])))
    return finished[::-1], kept


def _sort(found: list[list[int]], before: Sequence[Sequence[int]], after: Sequence[Sequence[int]]) -> None:
    place = [0.0] * len(before)
    for layer in found:
        _number(layer, place)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        neighbors = before if down else after
        for layer in found if down else reversed(found):
            mean = {node: _mean((place[one] for one in neighbors[node]), place[node]) for node in layer}
            layer.sort(key=lambda node: (mean[node], node))
            _number(layer, place)


def _number(layer: Sequence[int], place: list[float]) -> None:
    # The middle of a layer has the place 0, so that layers of all lengths compare.
    for number, node in enumerate(layer):
        place[node] = number - (len(layer) - 1) / 2


def _mean(places: Iterable[float], default: float) -> float:
    listed = list(places)
    return sum(listed) / len(listed) if listed else default
