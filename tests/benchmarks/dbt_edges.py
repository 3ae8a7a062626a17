"""Compare the edges that Cascade infers in a dbt project with those in dbt's own manifest.

    PYTHONPATH=src:tests python tests/benchmarks/dbt_edges.py path/to/project [--target dev] [--json]

Run it with the interpreter of an environment with the runtime's requirements and its extra `dbt`. dbt parses a copy of
the project with a DuckDB profile, so no database is needed. Packages have to be in `dbt_packages`; without that
directory, the copy has no `packages.yml`, and models that call macros of packages do not parse. Edges are those between
files: from a model, snapshot, test or analysis, with the generic and unit tests of a model counted as the model's, to
models, seeds, snapshots, macros and tables of sources. Times are CPU seconds. Exit code 1 if an edge was missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import yaml

from cascade.dbt_graph.answer import answer
from cascade.dbt_graph.graph import read_graph

Edge = tuple[str, str]
_DBT = "from dbt.cli.main import cli; cli()"
_IGNORED = shutil.ignore_patterns(".git", "target", "logs", ".venv", "node_modules")


@dataclass(frozen=True)
class Comparison:
    """What the comparison found.

    Args:
        files: how many files have a node.
        edges: how many edges dbt has.
        missed: dbt's edges that were not inferred.
        extra: inferred edges that dbt has not.
        computed: where arguments cannot be read, so that every model counts.
        problems: what was reported as wrong.
        seconds: CPU seconds of the inference.
        dbt_seconds: CPU seconds of dbt.
    """

    files: int
    edges: int
    missed: list[Edge]
    extra: list[Edge]
    computed: list[str]
    problems: list[str]
    seconds: float
    dbt_seconds: float


def cpu(who: int) -> float:
    """Return the CPU seconds of this process, or of its children."""
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def parsed_by_dbt(project: Path, target: str) -> dict[str, Any]:
    """Let dbt parse a copy of a project, and return its manifest."""
    settings = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))
    profile = settings.get("profile", "default")
    output = {"type": "duckdb", "path": ":memory:"}
    (project / "profiles.yml").write_text(
        yaml.safe_dump({profile: {"target": target, "outputs": {target: output}}}), encoding="utf-8"
    )
    if not (project / settings.get("packages-install-path", "dbt_packages")).is_dir():
        (project / "packages.yml").unlink(missing_ok=True)
    words = ["--no-send-anonymous-usage-stats", "--no-use-colors", "parse", "--no-partial-parse"]
    options = ["--project-dir", str(project), "--profiles-dir", str(project)]
    result = subprocess.run([sys.executable, "-c", _DBT, *words, *options], capture_output=True, text=True, check=False)
    manifest = project / "target" / "manifest.json"
    if result.returncode or not manifest.is_file():
        raise SystemExit(f"dbt cannot parse {project}:\n{result.stdout[-3000:]}{result.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(manifest.read_bytes())
    return found


def called_macros(manifest: Mapping[str, Any], node: Mapping[str, Any]) -> set[str]:
    """Return the macros that a node calls, also through others. The manifest lists only those that it calls itself."""
    found: set[str] = set()
    waiting = list(node["depends_on"].get("macros", ()))
    while waiting:
        name = waiting.pop()
        if name not in found and name in manifest["macros"]:
            found.add(name)
            waiting.extend(manifest["macros"][name]["depends_on"]["macros"])
    return found


def edges_of(manifest: Mapping[str, Any]) -> set[Edge]:
    """Return the edges of dbt's manifest between files of the project itself."""
    project = manifest["metadata"]["project_name"]
    files: dict[str, str] = {}
    for name, node in {**manifest["nodes"], **manifest["macros"]}.items():
        if node["package_name"] == project and node["resource_type"] != "test":
            files[name] = node["original_file_path"]
    for name, source in manifest["sources"].items():
        files[name] = f"{source['schema']}.{source['identifier']}"
    edges: set[Edge] = set()
    users = {**manifest["nodes"], **manifest.get("unit_tests", {})}
    for name, node in users.items():
        child = node["original_file_path"]
        if node["resource_type"] == "unit_test":
            child = files.get((node["depends_on"]["nodes"] or [""])[0], "")
        elif node.get("test_metadata"):
            child = files.get(node.get("attached_node") or "", "")
        if node["package_name"] != project or not child or name.startswith("sql_operation"):
            continue
        if node["resource_type"] in ("operation", "sql_operation") or not child.endswith((".sql", ".py", ".csv")):
            continue
        needed = [*node["depends_on"].get("nodes", ()), *called_macros(manifest, node)]
        edges.update((child, files[one]) for one in needed if one in files and files[one] != child)
    return edges


def inferred(project: Path, target: str) -> tuple[set[Edge], dict[str, Any], float]:
    """Infer the edges of a project, and say how long that took."""
    before = Path.cwd()
    os.chdir(project)
    try:
        start = cpu(resource.RUSAGE_SELF)
        found = answer({"directory": ".", "target": target})
        seconds = cpu(resource.RUSAGE_SELF) - start
        graph = read_graph(".", target=target)
    finally:
        os.chdir(before)
    root = graph.root
    kinds = ("model", "seed", "snapshot", "macro", "test", "analysis")
    own = {file.path for kind in kinds for file in root.of_kind(kind)}
    edges = {(child, needed) for child, many in found["files"].items() for needed in many if {child, needed} <= own}
    edges |= {(child, table) for child, tables in found["tables"].items() if child in own for table in tables}
    return edges, found, seconds


def compare(project: Path, target: str) -> Comparison:
    """Compare the edges of a project."""
    with tempfile.TemporaryDirectory(prefix="cascade-dbt-edges-") as temporary:
        copy = Path(temporary, "project")
        shutil.copytree(project, copy, ignore=_IGNORED)
        ours, found, seconds = inferred(copy, target)
        before = cpu(resource.RUSAGE_CHILDREN)
        theirs = edges_of(parsed_by_dbt(copy, target))
        dbt_seconds = cpu(resource.RUSAGE_CHILDREN) - before
    return Comparison(
        len(found["files"]),
        len(theirs),
        sorted(theirs - ours),
        sorted(ours - theirs),
        found["computed"],
        found["problems"],
        round(seconds, 2),
        round(dbt_seconds, 1),
    )


def main() -> int:
    """Compare, and print what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("project", type=Path)
    parser.add_argument("--target", default="dev")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    found = compare(options.project, options.target)
    if options.json:
        print(json.dumps(asdict(found), indent=2))
        return 1 if found.missed else 0
    for title, edges in (("missed", found.missed), ("extra", found.extra)):
        for child, needed in edges:
            print(f"{title}: {child} -> {needed}")
    for line in (*(f"computed: {place}" for place in found.computed), *found.problems):
        print(line)
    print(
        f"{found.files} files, {found.edges} edges, {len(found.missed)} missed, {len(found.extra)} extra. "
        f"{found.seconds} CPU s, where dbt takes {found.dbt_seconds}."
    )
    return 1 if found.missed else 0


if __name__ == "__main__":
    sys.exit(main())
