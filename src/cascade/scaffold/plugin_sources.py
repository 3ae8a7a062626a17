"""Sources that plugins add to `create-workflow` and `cascade-scaffold`."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import cast

from cascade.plugins import Plugin, PluginError, SourceFiles, SourcePlugin, SourceRequest, find_plugins
from cascade.scaffold.choices import BUILT_IN_SOURCES, RESERVED_TYPES

_NAME = re.compile(r"[a-z][a-z0-9-]*")


def plugin_sources() -> dict[str, Plugin]:
    """Return the plugins that add a source, by its name, without importing them."""
    found: dict[str, Plugin] = {}
    for plugin in find_plugins("source"):
        if name_problem(plugin) is None:
            found.setdefault(plugin.name, plugin)
    return found


def name_problem(plugin: Plugin) -> str | None:
    """Return why the name of a source cannot be used, or None if it can.

    Args:
        plugin: the plugin.
    """
    if plugin.problem is not None:
        return plugin.problem
    if plugin.name in (*BUILT_IN_SOURCES, *RESERVED_TYPES):
        return "is left out, because Cascade has a source or a type of that name"
    if not _NAME.fullmatch(plugin.name):
        return "is left out, because the name of a source has small letters, digits and hyphens only"
    return None


def load_source(plugin: Plugin) -> SourcePlugin:
    """Import the source of a plugin.

    Args:
        plugin: the plugin.

    Raises:
        PluginError: it does not load, is not a `SourcePlugin`, or has a name that is taken.
    """
    problem = name_problem(plugin)
    if problem is not None:
        raise plugin.error(problem)
    made = plugin.instance()
    if not isinstance(getattr(made, "description", None), str) or not callable(getattr(made, "render", None)):
        raise plugin.error("is not a cascade.plugins.SourcePlugin: it needs a description and render()")
    return cast("SourcePlugin", made)


def render_source(name: str, request: SourceRequest) -> SourceFiles:
    """Let the plugin of a source write the code of a workflow.

    Args:
        name: the name of the source, one of `plugin_sources()`.
        request: the workflow.

    Raises:
        PluginError: the plugin fails, or returns something that cannot be written.
    """
    plugin = plugin_sources()[name]
    source = load_source(plugin)
    files = plugin.run(lambda: source.render(request), "fails")
    if not isinstance(files, SourceFiles):
        raise plugin.error(f"returns {type(files).__name__} from render, which must return SourceFiles")
    for what, text in (("asset", files.asset), ("test", files.test)):
        if not isinstance(text, str):
            raise plugin.error(f"returns SourceFiles whose {what} is {type(text).__name__}, not text")
        plugin.run(
            functools.partial(ast.parse, text, f"<the {what}>"), f"writes Python for the {what} that does not compile"
        )
    if not isinstance(files.data, Mapping):
        raise plugin.error(f"returns SourceFiles whose data is {type(files.data).__name__}, not a mapping")
    for path, text in files.data.items():
        _check_data(plugin, path, text)
    return files


def _check_data(plugin: Plugin, path: object, text: object) -> None:
    if not isinstance(path, str) or not isinstance(text, str):
        raise plugin.error(f"writes {path!r}: both the path and the text of a file must be strings")
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or "\\" in path or not path.isprintable():
        raise plugin.error(f"writes {path!r}, which is not a path below the directory of the workflow")
    if PurePosixPath(path).suffix == ".py":
        raise plugin.error(f"writes {path!r}: its Python goes into the asset and the test")


def described_sources() -> tuple[dict[str, str], list[PluginError]]:
    """Import the sources of all plugins.

    Returns:
        What each source reads, by its name, and an error for each plugin that does not load.
    """
    found: dict[str, str] = {}
    failures: list[PluginError] = []
    for name, plugin in plugin_sources().items():
        try:
            found[name] = load_source(plugin).description
        except PluginError as failure:
            failures.append(failure)
    return found, failures
