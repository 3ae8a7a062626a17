"""Load every plugin, and say what it adds or what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from inspect import cleandoc
from typing import Any, Literal

from cascade.exceptions import CascadeError
from cascade.plugins import GROUPS, Plugin, PluginError, find_plugins, unknown_groups
from cascade.spelling import did_you_mean

OWN_RESOURCE = "lakehouse"
"""The resource that Cascade adds to every project."""


@dataclass(frozen=True)
class PluginState:
    """A plugin after an attempt to load it.

    Args:
        plugin: the plugin.
        adds: what it adds to a project, in one line; empty if it is broken.
        error: what is wrong with it; None if it works.
    """

    plugin: Plugin
    adds: str
    error: PluginError | None

    @property
    def state(self) -> Literal["ok", "broken"]:
        """Whether it works."""
        return "ok" if self.error is None else "broken"

    @property
    def document(self) -> dict[str, Any]:
        """The plugin as `--json` prints it."""
        entry = self.plugin.entry_point
        return {
            "name": self.plugin.name,
            "kind": self.plugin.kind,
            "distribution": self.plugin.distribution,
            "version": self.plugin.version,
            "group": entry.group if entry else None,
            "object": entry.value if entry else None,
            "state": self.state,
            "adds": self.adds or None,
            "error": self.error.message if self.error else None,
            "location": str(self.error.location) if self.error and self.error.location else None,
        }


def plugin_states(built_in: Collection[str]) -> list[PluginState]:
    """Load all plugins of this environment. One that fails is a state of its own, and stops no other.

    Args:
        built_in: the names of Cascade's own commands.

    Returns:
        The plugins by distribution, kind and name.
    """
    from cascade.cli.plugin_commands import plugin_commands

    refused = plugin_commands(built_in)[1]
    found: list[PluginState] = []
    for kind in GROUPS:
        names: dict[str, str] = {}
        for plugin in find_plugins(kind):
            try:
                adds = _LOADERS[kind](plugin)
                if plugin in refused:
                    raise refused[plugin]
                other = names.setdefault(plugin.name, plugin.distribution)
                if kind not in _MAY_SHARE_NAMES and other != plugin.distribution:
                    raise plugin.error(f"is left out, because {other} has a {kind} of that name")
                found.append(PluginState(plugin, adds, None))
            except PluginError as error:
                found.append(PluginState(plugin, "", error))
    # A file that cannot be read is found once for each kind that it names.
    distinct = {
        (each.plugin.distribution, each.plugin.name and each.plugin.kind, each.plugin.name): each for each in found
    }
    return [distinct[key] for key in sorted(distinct)]


def wrong_groups() -> Iterator[CascadeError]:
    """Yield an error for each group of entry points that nothing reads, such as `cascade.plugins.source`."""
    known = [groups[0] for groups in GROUPS.values()]
    for group, distribution in unknown_groups():
        yield PluginError(
            f"{distribution} has entry points in the group {group}, which Cascade does not read."
            f"{did_you_mean(group, known)}",
            hint=f"The groups are {', '.join(known)}.",
        )


def _source(plugin: Plugin) -> str:
    from cascade.scaffold.plugin_sources import load_source

    return f"create-workflow --source {plugin.name}: {load_source(plugin).description}"


def _quality(plugin: Plugin) -> str:
    from cascade.quality.plugin_checks import load_quality

    made = load_quality(plugin)
    return f"checks of tables{', which block' if made.blocking else ''}{_described(made)}"


def _contributor(plugin: Plugin) -> str:
    from cascade.framework.contributors import load_contributor

    return f"definitions and problems{_described(load_contributor(plugin))}"


def _catalog(plugin: Plugin) -> str:
    from cascade.iceberg.plugin_catalogs import load_catalog_plugin

    return f"catalogs at {plugin.name}://{_described(load_catalog_plugin(plugin))}"


def _command(plugin: Plugin) -> str:
    from cascade.cli.plugin_commands import imported_command

    said = imported_command(plugin).get_short_help_str(80)
    return f"the command {plugin.name}{f': {said}' if said else ''}"


def _resource(plugin: Plugin) -> str:
    from cascade.framework.contributors import load_resource

    load_resource(plugin)
    if plugin.name == OWN_RESOURCE:
        raise plugin.error("is left out, because Cascade has a resource of that name")
    return f"the resource {plugin.name}"


_LOADERS: dict[str, Callable[[Plugin], str]] = {
    "source": _source,
    "quality": _quality,
    "contributor": _contributor,
    "catalog": _catalog,
    "command": _command,
    "resource": _resource,
}


_MAY_SHARE_NAMES = frozenset({"contributor", "quality"})


def _described(made: object) -> str:
    # The docstring of a class that has none is that of its base.
    own = made.__doc__ if callable(made) and not isinstance(made, type) else vars(type(made)).get("__doc__")
    first = cleandoc(own).partition("\n")[0] if isinstance(own, str) else ""
    return f": {first.removesuffix('.')}" if first else ""
