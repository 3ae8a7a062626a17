"""The formats of a drawing, with names that would break out of them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest

from .folding import MOST_NODES, boxes_of
from .formats import FORMATS, folding_notice, write
from .graph import Graph, Node, Project, labels, summary
from .lineage import LineageError, lineage_of

HOSTILE = "</script><script>alert(1)</script>\"]; click n0 call x()\n  end --> {{style}} `'&<!--\x00\ud800"


def graph(count: int = 3, name: str = "raw.t{}") -> Graph:
    nodes = [
        Node(f"table:{number}", "table", name.format(number), f"src/{number % 3}", f"a.py:{number}", ("//:dev",))
        for number in range(count)
    ]
    edges = [(f"table:{number}", f"table:{number + 1}") for number in range(count - 1)]
    return Graph.of("dev", nodes, edges, [Project("//:dev", "dev", "a.py (modified)")], "main")


def hostile() -> Graph:
    one = Node("a", "model", HOSTILE, HOSTILE, HOSTILE, (HOSTILE,), {"owners": [HOSTILE]}, HOSTILE)
    other = Node("b", "model", "b", "d")
    return Graph.of(HOSTILE, [one, other], [("a", "b")], [Project(HOSTILE, HOSTILE, HOSTILE)], HOSTILE)


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.data = ""
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = ("id", "data") in attrs

    def handle_data(self, data: str) -> None:
        self.data += data if self._inside else ""

    def handle_endtag(self, tag: str) -> None:
        self._inside = False


def test_the_page_is_one_file_without_addresses() -> None:
    text = write(graph(), "html")
    assert not re.findall(r"(?:src|href|url|import)\s*[=(]|https?://(?!www\.w3\.org/2000/svg)", text)
    document = json.loads(Page(text).data)
    assert document["edges"] == [[0, 1], [1, 2]]
    assert [node["name"] for node in document["nodes"]] == ["raw.t0", "raw.t1", "raw.t2"]


def test_a_name_cannot_leave_the_data_of_the_page() -> None:
    page, plain = Page(write(hostile(), "html")), Page(write(graph(), "html"))
    assert page.tags == plain.tags
    assert json.loads(page.data)["nodes"][0]["owners"] == [HOSTILE]


def test_a_name_cannot_leave_its_element_of_the_picture() -> None:
    root = ElementTree.fromstring(write(hostile(), "svg"))
    kinds = {element.tag.rpartition("}")[2] for element in root.iter()}
    assert kinds == {"svg", "style", "rect", "text", "g", "title", "path"}
    assert any("</script><script>" in (element.text or "") for element in root.iter())


def test_a_name_cannot_leave_its_quotes_in_mermaid() -> None:
    lines = write(hostile(), "mermaid").splitlines()
    text = r"\"[^\"`<>&{}]*\""
    allowed = (
        rf"flowchart LR|  subgraph d\d+\[{text}\]|    n\d+\[{text}\]|  end|  p\d+\[\[{text}\]\]"
        r"|  n\d+ --> n\d+|  classDef affected [\w:#,-]+|  class [\w,]+ affected"
    )
    assert [line for line in lines if not re.fullmatch(allowed, line)] == []


@pytest.mark.parametrize("format", FORMATS)
def test_the_same_graph_in_another_order_gives_the_same_text(format: str) -> None:
    made = graph(20)
    again = Graph.of(made.title, reversed(made.nodes), reversed(made.edges), made.projects, made.since)
    assert write(again, format) == write(made, format)


def test_what_is_affected_is_marked() -> None:
    node = Node("a", "table", "raw.a", "d", because="a.py (modified)")
    made = Graph.of("dev", [node, Node("b", "model", "b", "d")], [("a", "b")], since="main")
    assert write(made, "mermaid").endswith("  class n0 affected") or "class n1 affected" in write(made, "mermaid")
    assert write(made, "svg").count('affected">') == 1
    assert [one["affected"] for one in made.document()["nodes"]] == [True, False]
    assert summary(made) == "1 table, 1 model; 1 affected since main"


def test_many_nodes_are_drawn_as_domains() -> None:
    few, many = graph(MOST_NODES), graph(MOST_NODES + 1)
    assert len(boxes_of(few).boxes) == MOST_NODES
    assert [box.name for box in boxes_of(many).boxes] == ["0", "1", "2"]
    assert boxes_of(many).edges == [(0, 1), (1, 2), (2, 0)]
    assert folding_notice(few, "svg") is None and folding_notice(many, "html") is None
    assert "each box is a domain" in (folding_notice(many, "mermaid") or "")
    ElementTree.fromstring(write(many, "svg"))


def test_nothing_can_be_drawn() -> None:
    empty = Graph.of("dev", [], [])
    assert summary(empty) == "nothing"
    assert write(empty, "mermaid") == "flowchart LR"
    ElementTree.fromstring(write(empty, "svg"))
    assert json.loads(Page(write(empty, "html")).data)["nodes"] == []


def test_lineage_has_both_directions() -> None:
    made = Graph.of("dev", graph(5).nodes, [("table:0", "table:1"), ("table:1", "table:2"), ("table:3", "table:2")])
    assert [node.id for node in lineage_of(made, "raw.t1").nodes] == ["table:0", "table:1", "table:2"]
    with pytest.raises(LineageError, match=r'no table, asset key, model or mart "rawt2".* Did you mean "raw\.t2"\?'):
        lineage_of(made, "rawt2")
    twice = Graph.of("dev", [Node("a", "table", "t", "d"), Node("b", "table", "t", "d")], [])
    with pytest.raises(LineageError, match=r'several nodes\. Give one of these: "a", "b"'):
        lineage_of(twice, "t")


def test_domains_have_the_shortest_labels_that_differ() -> None:
    assert labels(["src/air/weather", "src/sea/weather", "src/sea/tides", "weather", "."]) == {
        ".": ".",
        "src/air/weather": "air/weather",
        "src/sea/tides": "tides",
        "src/sea/weather": "sea/weather",
        "weather": "weather",
    }
