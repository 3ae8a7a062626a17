"""Commands that other distributions add to the command line through entry points; see `cascade.plugins`."""

from __future__ import annotations

from collections.abc import Collection

import click

from cascade.plugins import Plugin, PluginError, find_plugins


def plugin_commands(built_in: Collection[str]) -> tuple[dict[str, Plugin], dict[Plugin, PluginError]]:
    """Find the commands of plugins, without importing them.

    Args:
        built_in: the names of Cascade's own commands, which no plugin can take over.

    Returns:
        The plugins by command name, and those whose name is taken, missing or no word, each with its error.
    """
    found: dict[str, Plugin] = {}
    refused: dict[Plugin, PluginError] = {}
    for plugin in find_plugins("command"):
        if not plugin.name:
            refused[plugin] = plugin.error(plugin.problem or "has no name")
        elif plugin.name.startswith("-") or plugin.name.split() != [plugin.name]:
            refused[plugin] = plugin.error("is left out, because its name cannot be typed as one word without quotes")
        elif plugin.name in built_in:
            refused[plugin] = plugin.error("is left out, because Cascade has a command of that name")
        elif plugin.name in found:
            other = found[plugin.name].distribution
            refused[plugin] = plugin.error(f"is left out, because {other} has a command of that name")
        else:
            found[plugin.name] = plugin
    return found, refused


def load_command(plugin: Plugin) -> click.Command:
    """Import the command of a plugin. A command that does not load is replaced by one that raises the error.

    Args:
        plugin: the plugin.
    """
    try:
        return imported_command(plugin)
    except PluginError as error:
        return _failing_command(plugin, error)


def imported_command(plugin: Plugin) -> click.Command:
    """Import the command of a plugin.

    Args:
        plugin: the plugin.

    Raises:
        PluginError: it does not load, or is not a command.
    """
    command = plugin.load()
    if not isinstance(command, click.Command):
        raise plugin.error(f"is of the type {type(command).__name__}, not a click.Command")
    return command


def _failing_command(plugin: Plugin, error: PluginError) -> click.Command:
    def fail(words: tuple[str, ...]) -> None:
        raise error

    return click.Command(
        plugin.name,
        callback=fail,
        params=[click.Argument(["words"], nargs=-1, type=click.UNPROCESSED)],
        short_help=f"(The command of {plugin.distribution} does not load.)",
        # Even with --help, the reason is what the user needs.
        add_help_option=False,
        context_settings={"ignore_unknown_options": True},
    )
