"""How large and how quick the page of `cascade graph` is.

    PYTHONPATH=src:tests python tests/benchmarks/graph_page.py [--keep DIRECTORY]

`--keep` keeps the page and a screenshot of it.

It draws a graph of 5,000 workflows in 250 domains, and of 700 models in 7 folders that read them and each other, and
opens the page in Chromium. It prints the CPU seconds to write the page, its size, and in the browser the milliseconds
until the first paint, of the page's script, of a search, of opening a domain with 100 models, and of the lineage of a
model with a few hundred nodes. The exit code is 1 if one exceeds its limit. The limits leave room for a slow machine.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from browser import CHROMIUM, browser, in_browser

from cascade.drawing.formats import HTML, write
from cascade.drawing.graph import Graph, Node, Project

LIMITS = {
    "CPU s to write": 2.0,
    "MB": 3.0,
    "first paint": 2000,
    "script": 1000,
    "search": 200,
    "open": 500,
    "lineage": 500,
}

STEPS = """
const painted = performance.getEntriesByType("paint").map((one) => one.startTime);
const timed = (work) => {
  const start = performance.now();
  work();
  document.body.offsetHeight;
  return performance.now() - start;
};
const search = (text) => { byId("search").value = text; byId("search").dispatchEvent(new Event("input")); };
const found = { "first paint": painted.length ? Math.min(...painted) : performance.now() };
found.script = timed(draw);
found.search = timed(() => search("domain_1 observations"));
search("");
found.open = timed(() => toggle(domains.findIndex((one) => one.label === "layer_3")));
const last = nodes.findIndex((one) => one.name === "model_699");
const all = new Set([...reached(last, upstream), ...reached(last, downstream)]);
found.lineage = timed(() => { choose(last); showLineage(all); });
found.boxes = document.querySelectorAll("#boxes .box").length;
return found;
"""


def sample(workflows: int, models: int) -> Graph:
    """Return a graph like that of a large repository.

    Args:
        workflows: how many workflows.
        models: how many models.
    """
    chance = random.Random(7)
    nodes, edges, dev = [], [], ("//:dev",)
    for number in range(workflows):
        domain = f"domain_{number % (workflows // 20 or 1):03}"
        name, place = f"raw.{domain}_observations_{number}", f"src/workflows/{domain}/observations_{number}.py:12"
        fields = {
            "table": name,
            "asset": name[4:],
            "function": "observations",
            "unique_key": ["station", "observed_at"],
            "cron": "0 6 * * *",
            "owners": [f"team:{domain}"],
        }
        nodes.append(Node(f"table:{name}", "table", name, f"src/workflows/{domain}", place, dev, fields))
    tables = [node.id for node in nodes]
    for number in range(models):
        layer = number * 7 // models
        name, folder = f"model_{number}", f"src/dbt/models/layer_{layer}"
        nodes.append(
            Node(f"model:{name}", "model", name, folder, f"{folder}/{name}.sql:1", dev, {}, "x" * (number % 50 == 0))
        )
        earlier = [f"model:model_{one}" for one in range(number) if one * 7 // models < layer]
        parents = chance.sample(earlier, min(2, len(earlier))) + chance.sample(tables, 4 if layer == 0 else 1)
        edges += [(parent, f"model:{name}") for parent in parents]
    return Graph.of("A large repository", nodes, edges, [Project("//:dev", "dev", "x")], "main")


def main() -> int:
    """Draw, measure and print."""
    parser = argparse.ArgumentParser(description="Measure the page of a large graph.")
    parser.add_argument("--workflows", type=int, default=5000, help="(default: 5000)")
    parser.add_argument("--models", type=int, default=700, help="(default: 700)")
    parser.add_argument("--keep", type=Path, help="where to keep the page and a screenshot")
    arguments = parser.parse_args()
    if CHROMIUM is None:
        raise SystemExit("Chromium is not installed.")
    graph = sample(arguments.workflows, arguments.models)
    start = time.process_time()
    page = write(graph, HTML)
    found: dict[str, float] = {"CPU s to write": time.process_time() - start, "MB": len(page.encode()) / 1e6}
    with tempfile.TemporaryDirectory(prefix="cascade-graph-page-") as directory:
        found |= in_browser(page, STEPS, Path(directory))
        if arguments.keep:
            arguments.keep.mkdir(parents=True, exist_ok=True)
            kept = arguments.keep.resolve() / "graph.html"
            kept.write_text(page, encoding="utf-8")
            browser(Path(directory), f"--screenshot={kept.with_suffix('.png')}", kept.as_uri())
    for name, value in found.items():
        limit = LIMITS.get(name)
        print(f"{name:16} {value:10.1f}" + (f"   limit {limit}" if limit else ""))
    return 1 if any(found[name] > limit for name, limit in LIMITS.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
