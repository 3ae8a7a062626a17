"""Write a graph as one HTML page that needs no network."""

from __future__ import annotations

import html
import json
import pkgutil
import re

from .graph import Graph

_SLOT = re.compile(r"\{\{(\w+)\}\}")


def as_page(graph: Graph) -> str:
    """Write a graph as an HTML document with its data, its style and its script.

    Args:
        graph: the graph.
    """
    slots = {
        "title": html.escape(graph.title),
        "style": _file("page.css"),
        "script": _file("page.js"),
        "data": _data(graph),
    }
    # In one pass, so that a name such as `{{style}}` stays a name.
    return _SLOT.sub(lambda match: slots[match[1]], _file("page.html"))


def _data(graph: Graph) -> str:
    """Return the graph as JSON that cannot end the element that it is in."""
    document = graph.document()
    number = {node.id: position for position, node in enumerate(graph.nodes)}
    document["edges"] = [[number[one], number[other]] for one, other in graph.edges]
    document["nodes"] = [{name: value for name, value in node.items() if value} for node in document["nodes"]]
    text = json.dumps(document, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _file(name: str) -> str:
    content = pkgutil.get_data(__package__, name)
    assert content is not None
    return content.decode("utf-8")
