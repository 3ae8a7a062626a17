"""The page of `cascade graph` in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import CHROMIUM, in_browser

from cascade.drawing.formats import HTML, write
from cascade.drawing.graph import Graph, Node, Project

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

STEPS = """
const $ = (id) => document.getElementById(id);
const wait = () => new Promise((done) => setTimeout(done, 20));
const names = () => [...document.querySelectorAll("#boxes .name")].map((one) => one.textContent).sort();
const boxesNow = () => [...document.querySelectorAll("#boxes .box")];
const box = (name) => boxesNow().find((one) => one.querySelector(".name").textContent === name);
const press = (element, key) => element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const found = { opened: names(), summary: $("summary").textContent };

$("fold").click();
found.folded = names();
found.touched = box("▸ gold").classList.contains("touched");
found.lines = document.querySelectorAll("#edges path").length;
box("▸ gold").dispatchEvent(new MouseEvent("click", { bubbles: true }));
await wait();
found.unfolded = names();
found.focused = document.activeElement.querySelector(".name").textContent;

$("search").value = "team:air";
$("search").dispatchEvent(new Event("input"));
found.matches = [...document.querySelectorAll("#list button")].map((one) => one.textContent);
document.querySelector("#list button").click();
await wait();
found.details = $("details").innerText;
found.link = decodeURIComponent(location.hash);
[...$("details").querySelectorAll("button")].find((one) => one.textContent.startsWith("Show only")).click();
await wait();
found.lineage = names();

press(document.body, "Escape");
$("fold").click();
await wait();
$("boxes").querySelector("[tabindex='0']").focus();
press(document.activeElement, "ArrowRight");
found.moved = document.activeElement.getAttribute("aria-label");
press(document.activeElement, "Enter");
await wait();
found.entered = names();

$("project").value = "//:rivers";
$("project").dispatchEvent(new Event("change"));
found.of_project = names();
found.unsafe = window.hit || false;
return found;
"""


def graph() -> Graph:
    owned = {"owners": ["team:air"], "unique_key": ["id"], "cron": "0 6 * * *"}
    dev, rivers = ("//:dev",), ("//:rivers",)
    nodes = [
        Node("table:raw.flights", "table", "raw.flights", "src/air", "src/air/flights.py:12", dev, owned),
        Node("table:raw.levels", "table", "raw.levels", "src/rivers", "src/rivers/levels.py:3", rivers),
        Node("model:<b>", "model", "<img src=x onerror=hit=1>", "models/gold", "b.sql:1", dev),
        Node("model:a", "model", "a", "models/gold", "a.sql:1", dev, {}, "a.sql (modified)"),
    ]
    edges = [("table:raw.flights", "model:a"), ("model:a", "model:<b>")]
    return Graph.of(
        "shop", nodes, edges, [Project("//:dev", "dev", "a.sql (modified)"), Project("//:rivers", "rivers")], "main"
    )


def test_a_reader_searches_folds_and_follows_a_lineage(tmp_path: Path) -> None:
    found = in_browser(write(graph(), HTML), STEPS, tmp_path)
    hostile = "<img src=x onerror=hit=1>"
    assert found["opened"] == [hostile, "a", "raw.flights", "raw.levels"]
    assert found["summary"] == "4 nodes in 3 domains · 1 affected since main · affected: dev"
    assert found["folded"] == ["▸ air", "▸ gold", "▸ rivers"]
    assert (found["touched"], found["lines"]) == (True, 1)
    assert found["unfolded"] == [hostile, "a", "▸ air", "▸ rivers"]
    assert found["focused"] in (hostile, "a")
    assert found["matches"] == ["raw.flights table in air"]
    for said in ("src/air/flights.py:12", "0 6 * * *", "team:air", "Downstream: 1 directly, 2 in all"):
        assert said in found["details"]
    assert found["link"] == "#table:raw.flights"
    assert found["lineage"] == [hostile, "a", "raw.flights"]
    assert found["moved"] == "gold, 2 nodes, 1 affected"
    assert found["entered"] == [hostile, "a", "▸ air", "▸ rivers"]
    assert found["of_project"] == ["▸ rivers"]
    assert found["unsafe"] is False
