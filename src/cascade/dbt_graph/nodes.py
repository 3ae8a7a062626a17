"""The nodes of a dbt project: models, seeds, snapshots, tests and analyses, with what each calls."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes as jinja

from cascade.dbt_graph.calls import Calls, Macro, Macros, Place, Surroundings
from cascade.dbt_graph.documents import mapping
from cascade.dbt_graph.errors import TemplateError
from cascade.dbt_graph.follow import Follower
from cascade.dbt_graph.packages import File, Package
from cascade.dbt_graph.python_models import python_calls
from cascade.dbt_graph.templates import SNAPSHOT, has_jinja, parse

REFERABLE = ("model", "seed", "snapshot")
"""The kinds of nodes that `ref` can name."""

_SECTIONS = {"model": "models", "seed": "seeds", "snapshot": "snapshots", "test": "data_tests", "analysis": "analyses"}


@dataclass
class Node:
    """A node of the graph.

    Args:
        package: the name of its package.
        kind: `model`, `seed`, `snapshot`, `test` or `analysis`.
        name: its name, without a version.
        file: the file that holds it.
        line: where in the file it starts.
        folders: the directories that decide which settings of the project it has.
        calls: what it calls itself.
        of_tests: what its generic tests and its unit tests call.
        properties: the places in YAML that describe it.
        version: its version, if it has several.
        enabled: whether it is part of the project.
    """

    package: str
    kind: str
    name: str
    file: str
    line: int = 1
    folders: tuple[str, ...] = ()
    calls: Calls = field(default_factory=Calls)
    of_tests: Calls = field(default_factory=Calls)
    properties: set[Place] = field(default_factory=set)
    version: str | None = None
    enabled: bool = True

    @property
    def key(self) -> tuple[str, str, str, str | None]:
        """What tells it from all others."""
        return (self.package, self.kind if self.kind not in REFERABLE else "", self.name, self.version)

    @property
    def place(self) -> Place:
        """Where it is."""
        return Place(self.file, self.line)


def read_macros(root: str, packages: Iterable[Package], problems: dict[Place, str]) -> Macros:
    """Read the macros of a project and its packages.

    Args:
        root: the name of the project.
        packages: all of them.
        problems: what is wrong, by place; added to.
    """
    found: dict[str, dict[str, Macro]] = {}
    for package in packages:
        macros = found.setdefault(package.name, {})
        for file in package.of_kind("macro"):
            try:
                template = parse(file.text())
            except TemplateError as error:
                problems[Place(file.path, error.line)] = f"Jinja: {error.message}"
                continue
            for node in template.find_all(jinja.Macro):
                macros[node.name] = Macro(package.name, node.name, node, file.path)
    return Macros(root, found)


def read_nodes(package: Package, surroundings: Surroundings, problems: dict[Place, str]) -> Iterator[Node]:
    """Read the nodes of a package that have files of their own.

    Args:
        package: the package.
        surroundings: what the project offers to templates.
        problems: what is wrong, by place; added to.
    """
    for kind in (*REFERABLE, "test", "analysis"):
        for file in package.of_kind(kind):
            if kind == "seed":
                yield Node(package.name, kind, file.stem, file.path, folders=file.folders)
            elif file.path.endswith(".py"):
                try:
                    calls = python_calls(file.text(), file.path)
                except SyntaxError as error:
                    problems[Place(file.path, error.lineno or 1)] = f"Python: {error.msg}"
                    continue
                yield Node(package.name, kind, file.stem, file.path, folders=file.folders, calls=calls)
            else:
                yield from _templated(package.name, kind, file, surroundings, problems)


def _templated(
    package: str, kind: str, file: File, surroundings: Surroundings, problems: dict[Place, str]
) -> Iterator[Node]:
    try:
        template = parse(file.text())
    except TemplateError as error:
        problems[Place(file.path, error.line)] = f"Jinja: {error.message}"
        # Without its node, whatever refers to it would be reported too.
        if kind != "snapshot":
            yield Node(package, kind, file.stem, file.path, folders=file.folders)
        return
    if kind != "snapshot":
        follower = Follower(surroundings, package, file.path)
        follower.template(template)
        yield Node(package, kind, file.stem, file.path, folders=file.folders, calls=follower.calls)
        return
    for block in template.find_all(jinja.Macro):
        if block.name.startswith(SNAPSHOT):
            follower = Follower(surroundings, package, file.path)
            follower.snapshot(block)
            name = block.name[len(SNAPSHOT) :]
            yield Node(package, kind, name, file.path, block.lineno, folders=file.folders, calls=follower.calls)


def decide_enabled(
    node: Node, described: Mapping[str, Any], packages: Mapping[str, Package], surroundings: Surroundings
) -> None:
    """Set whether a node is enabled. What only dbt can tell counts as enabled.

    Args:
        node: the node.
        described: its entry in YAML, if it has one.
        packages: the project, first, and its packages.
        surroundings: what the project offers to templates.
    """
    own = node.calls.config.get("enabled")
    if own is not None:
        node.enabled = any(value is not False for value in own)
        return
    found = mapping(described.get("config")).get("enabled")
    if found is None:
        for package in {next(iter(packages)): None, node.package: None}:
            found = settings_of(packages[package].settings, node, "enabled")
            if found is not None:
                break
    if isinstance(found, str) and has_jinja(found):
        follower = Follower(surroundings, node.package, node.file)
        found = follower.rendered(found)
    node.enabled = found is not False and str(found).strip().lower() != "false"


def tests_are_disabled(package: Package, file: File) -> bool:
    """Return whether `dbt_project.yml` disables the generic tests in a file of YAML."""
    node = Node(package.name, "test", "", file.path, folders=file.folders)
    return settings_of(package.settings, node, "enabled") is False


def settings_hooks(node: Node, packages: Mapping[str, Package]) -> Iterator[str]:
    """Return the hooks that `dbt_project.yml` sets for a node."""
    for package in {next(iter(packages)): None, node.package: None}:
        for name in ("pre-hook", "post-hook"):
            hooks = settings_of(packages[package].settings, node, name)
            for hook in hooks if isinstance(hooks, list) else [hooks]:
                text = mapping(hook).get("sql", hook)
                if isinstance(text, str):
                    yield text


def settings_of(settings: Mapping[str, Any], node: Node, name: str) -> Any:
    """Return a setting that a `dbt_project.yml` makes for a node.

    Args:
        settings: the file.
        node: the node.
        name: the name of the setting.

    Returns:
        Its value, or None if it is not set.
    """
    section = settings.get(_SECTIONS[node.kind])
    level = mapping(settings.get("tests") if section is None and node.kind == "test" else section)
    found = level.get(f"+{name}", level.get(name))
    for part in (node.package, *node.folders, os.path.splitext(os.path.basename(node.file))[0]):
        level = mapping(level.get(part))
        found = level.get(f"+{name}", level.get(name, found))
    return found
