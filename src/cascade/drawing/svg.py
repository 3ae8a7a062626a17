"""Write a graph as SVG, in layers from left to right."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence

from .folding import Box, boxes_of
from .graph import Graph
from .layers import layers

_WIDTH, _HEIGHT, _ACROSS, _DOWN, _MARGIN, _TOP = 230, 40, 70, 14, 20, 50
_LONGEST = 27
# XML has no way to write these.
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")

_STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1b1f24 }
.note { font-size: 11px; fill: #57606a }
.head { font-size: 15px; font-weight: 600 }
.box { fill: #fff; stroke: #8c959f }
.edge { fill: none; stroke: #8c959f }
.bar { fill: #8c959f }
.table .bar, .asset .bar { fill: #2563eb } .model .bar, .seed .bar, .snapshot .bar { fill: #0f8a5f }
.mart .bar { fill: #a16207 }
.affected .box { stroke: #c2410c; stroke-width: 3; fill: #ffe3d3 }
.back { fill: #f6f8fa }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .note { fill: #9da7b3 } .box { fill: #161b22; stroke: #6e7681 } .edge { stroke: #6e7681 }
  .back { fill: #0d1117 } .affected .box { stroke: #fb923c; fill: #431407 }
}
"""


def as_svg(graph: Graph) -> str:
    """Write a graph as an SVG document.

    Args:
        graph: the graph.
    """
    boxes = boxes_of(graph)
    places, width, height = _places(len(boxes.boxes), boxes.edges)
    width = max(width, _WIDTH * 2)
    heading = graph.title + (f", since {graph.since}" if graph.since else "")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{_text(heading)}">',
        f"<style>{_STYLE}</style>",
        '<rect class="back" width="100%" height="100%"/>',
        f'<text class="head" x="{_MARGIN}" y="22">{_text(heading)}</text>',
        f'<text class="note" x="{_MARGIN}" y="39">{_text(_projects(graph))}</text>',
        *(_edge(places[one], places[other]) for one, other in boxes.edges),
        *(part for box, place in zip(boxes.boxes, places) for part in _drawn(box, place)),
        "</svg>",
    ]
    return "\n".join(parts)


def _places(count: int, edges: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], int, int]:
    """Return the upper left corner of each box, and the size of the drawing. Boxes without edges stand below."""
    linked = {end for edge in edges for end in edge}
    joined = sorted(linked)
    number = {node: position for position, node in enumerate(joined)}
    found = layers(len(joined), [(number[one], number[other]) for one, other in edges])
    places = [(0, 0)] * count
    tallest = max(map(len, found), default=0)
    for column, layer in enumerate(found):
        # Each layer is centered beside the tallest.
        top = _TOP + (tallest - len(layer)) * (_HEIGHT + _DOWN) // 2
        for row, position in enumerate(layer):
            places[joined[position]] = (_MARGIN + column * (_WIDTH + _ACROSS), top + row * (_HEIGHT + _DOWN))
    top = _TOP + tallest * (_HEIGHT + _DOWN)
    alone = [node for node in range(count) if node not in linked]
    columns = max(len(found), min(4, len(alone)), 1)
    for position, node in enumerate(alone):
        row, column = divmod(position, columns)
        places[node] = (_MARGIN + column * (_WIDTH + _ACROSS), top + row * (_HEIGHT + _DOWN))
    rows = -(-len(alone) // columns)
    return places, 2 * _MARGIN + columns * (_WIDTH + _ACROSS) - _ACROSS, top + rows * (_HEIGHT + _DOWN) + _MARGIN


def _drawn(box: Box, place: tuple[int, int]) -> Iterator[str]:
    x, y = place
    yield f'<g class="{box.kind}{" affected" if box.affected else ""}"><title>{_text(box.title or box.name)}</title>'
    yield f'<rect class="box" x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="5"/>'
    yield f'<rect class="bar" x="{x}" y="{y + 5}" width="4" height="{_HEIGHT - 10}"/>'
    yield f'<text x="{x + 12}" y="{y + 17}">{_text(_short(box.name))}</text>'
    note = " · ".join(filter(None, (box.group, box.note, "affected" if box.affected else "")))
    yield f'<text class="note" x="{x + 12}" y="{y + 32}">{_text(_short(note))}</text></g>'


def _edge(one: tuple[int, int], other: tuple[int, int]) -> str:
    x, y = one[0] + _WIDTH, one[1] + _HEIGHT // 2
    to_x, to_y = other[0], other[1] + _HEIGHT // 2
    bend = max(abs(to_x - x) // 2, _ACROSS // 2)
    return f'<path class="edge" d="M{x} {y}C{x + bend} {y} {to_x - bend} {to_y} {to_x} {to_y}"/>'


def _projects(graph: Graph) -> str:
    named = [project.name + (" (affected)" if project.because else "") for project in graph.projects]
    return f"{'Project' if len(named) == 1 else 'Projects'}: {', '.join(named)}" if named else ""


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _text(text: str) -> str:
    return html.escape(_UNWRITABLE.sub("\ufffd", text))
