"""Write a graph in Mermaid, which GitHub, GitLab and many wikis draw."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .folding import Box, Boxes, boxes_of
from .graph import Graph

# Anything else may mean something to Mermaid.
_PLAIN = re.compile(r"[^\w ./:,-]")
_STYLE = "fill:#ffe3d3,stroke:#c2410c,stroke-width:3px,color:#431407"


def as_mermaid(graph: Graph) -> str:
    """Write a graph as a flowchart in Mermaid.

    Args:
        graph: the graph.
    """
    return "\n".join(_lines(graph, boxes_of(graph)))


def _lines(graph: Graph, boxes: Boxes) -> Iterator[str]:
    yield "flowchart LR"
    groups: dict[str, list[int]] = {}
    for number, box in enumerate(boxes.boxes):
        groups.setdefault(box.group, []).append(number)
    for position, (group, numbers) in enumerate(sorted(groups.items())):
        if group:
            yield f'  subgraph d{position}["{_text(group)}"]'
        yield from (f"    n{number}{_shape(boxes.boxes[number])}" for number in numbers)
        if group:
            yield "  end"
    for position, project in enumerate(graph.projects):
        yield f'  p{position}[["{_text(project.name)}"]]'
    yield from (f"  n{one} --> n{other}" for one, other in boxes.edges)
    affected = [f"n{number}" for number, box in enumerate(boxes.boxes) if box.affected]
    affected += [f"p{number}" for number, project in enumerate(graph.projects) if project.because]
    if affected:
        yield f"  classDef affected {_STYLE}"
        yield f"  class {','.join(affected)} affected"


def _shape(box: Box) -> str:
    text = _text(box.name) + (f"<br/>{_text(box.note)}" if box.kind == "domain" else "")
    if box.kind in ("table", "mart"):
        return f'[("{text}")]'
    return f'(["{text}"])' if box.kind == "source" else f'["{text}"]'


def _text(text: str) -> str:
    """Return a text with each character that Mermaid may interpret as the entity that Mermaid has for it."""
    return _PLAIN.sub(lambda match: f"#{ord(match[0])};", text) or " "
