"""Check what the models and sources of a dbt project say in `meta.cascade`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from cascade.dbt.marts import publishing_error
from cascade.dbt.meta_places import place_of_meta
from cascade.dbt.results import DbtProblem
from cascade.spelling import did_you_mean

_OPTIONS = {"source": ("external",)}
_OPTIONS_OF_NODES = ("publish",)


def meta_problems(manifest: Mapping[str, Any], directory: Path) -> Iterator[DbtProblem]:
    """Find options in `meta.cascade` that do not exist, and values that they do not take.

    Args:
        manifest: dbt's manifest.
        directory: the directory of the dbt project.
    """
    package = (manifest.get("metadata") or {}).get("project_name")
    for node in (*manifest["nodes"].values(), *manifest["sources"].values()):
        # What packages say is not the user's to change.
        if package in (None, node.get("package_name")):
            yield from _problems_of(node, directory)


def _problems_of(node: Mapping[str, Any], directory: Path) -> Iterator[DbtProblem]:
    kind = str(node["resource_type"])
    what = f"{node['source_name']}.{node['name']}" if kind == "source" else str(node["name"])

    def problem(text: str, word: str) -> DbtProblem:
        place = place_of_meta(node, directory, word)
        return DbtProblem(f"dbt: meta.cascade of the {kind} {what}: {text}", Path(place.file), place.line)

    metas = (node.get("source_meta"), node.get("meta"), (node.get("config") or {}).get("meta"))
    found: dict[str, Any] = {}
    for said in (meta["cascade"] for meta in metas if isinstance(meta, Mapping) and "cascade" in meta):
        if not isinstance(said, Mapping):
            yield problem(f"{said!r} is not a mapping of options.", "cascade")
            return
        found |= {str(option): value for option, value in said.items()}
    known = _OPTIONS.get(kind, _OPTIONS_OF_NODES)
    for option in found:
        if option not in known:
            yield problem(f'"{option}" is not an option.{did_you_mean(option, known)}', option)
    if kind == "source" and not isinstance(found.get("external", True), bool):
        yield problem(f"external is {found['external']!r}. Write true or false.", "external")
    error = publishing_error(node, directory) if kind != "source" else None
    if error is not None and error.location is not None:
        yield DbtProblem(f"dbt: {error.message}", Path(error.location.file), error.location.line)
