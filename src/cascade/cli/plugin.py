"""`plugin`: what other distributions add to Cascade."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from cascade.cli.listing import print_listing
from cascade.cli.options import json_option
from cascade.cli.plugin_new import new_plugin
from cascade.exceptions import UsageError
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from cascade.cli.plugin_states import PluginState


@click.group()
def plugin() -> None:
    """Inspect, check and create plugins.

    A plugin is a distribution that adds sources, checks, definitions, catalogs, commands or resources to every project
    in its environment. A broken one is named, and stops nothing.
    """


plugin.add_command(new_plugin)


def _complete_plugins(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    from cascade.plugins import GROUPS, find_plugins

    found = [plugin for kind in GROUPS for plugin in find_plugins(kind)]
    names = {name for plugin in found for name in (plugin.name, plugin.distribution) if name}
    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]


@plugin.command("list", short_help="List the plugins of this environment.")
@json_option
@click.pass_context
def list_plugins(ctx: click.Context, out: Output) -> None:
    """List the plugins of this environment, after loading each of them.

    A broken plugin is listed too, with a warning that says why. It does not change the exit code; `check` does that.
    """
    states = _states(ctx)
    print_listing(
        out,
        "plugins",
        [state.document for state in states],
        {
            "distribution": [state.plugin.distribution for state in states],
            "version": [state.plugin.version or "" for state in states],
            "kind": [state.plugin.kind for state in states],
            "name": [state.plugin.name for state in states],
            "state": [state.state for state in states],
            "adds": [state.adds for state in states],
        },
        nothing="No plugin is installed in this environment.",
    )
    for state in states:
        if state.error is not None:
            out.warn(str(state.error))
    _warn_of_groups(out)


@plugin.command("info", short_help="Show what a plugin adds.")
@click.argument("name", metavar="NAME", shell_complete=_complete_plugins)
@json_option
@click.pass_context
def show_plugin(ctx: click.Context, out: Output, name: str) -> None:
    """Show the plugins of NAME, which is a plugin, or a distribution that may have several.

    \b
        cascade plugin info acme-cascade
        cascade plugin info costs --json
    """
    states = _named(_states(ctx), name)
    out.json({"plugins": [state.document for state in states]})
    for number, state in enumerate(states):
        if number:
            out.say()
        for heading, value in _rows(state):
            out.say(f"{heading:<14}{value}")
    for state in states:
        if state.error is not None:
            out.warn(str(state.error))


@plugin.command("check", short_help="Load plugins, and fail if one is broken.")
@click.argument("name", metavar="[NAME]", default=None, required=False, shell_complete=_complete_plugins)
@json_option
@click.pass_context
def check_plugins(ctx: click.Context, out: Output, name: str | None) -> None:
    """Load every plugin, or those of NAME, and check that each has what its kind needs.

    NAME is a plugin or a distribution. Exit code 1 if one is broken.
    """
    states = _states(ctx)
    if name is not None:
        states = _named(states, name)
    broken = [state for state in states if state.error is not None]
    groups = [] if name is not None else _wrong_groups()
    out.json(
        {
            "state": "broken" if broken or groups else "ok",
            "plugins": [state.document for state in states],
            "unknown_groups": groups,
        }
    )
    for state in states:
        if state.error is None:
            out.say(f"ok      {state.plugin.distribution}: {state.plugin.kind} {state.plugin.name}")
    for state in broken:
        out.error(str(state.error))
    for message in groups:
        out.error(message)
    if broken or groups:
        raise click.exceptions.Exit(1)
    if not states:
        out.say("No plugin is installed in this environment.")
    else:
        out.say(f"{counted(len(states), 'plugin')} {'works' if len(states) == 1 else 'work'}.")


def _states(ctx: click.Context) -> list[PluginState]:
    from cascade.cli.plugin_states import plugin_states

    return plugin_states(getattr(ctx.find_root().command, "built_in", frozenset()))


def _named(states: Sequence[PluginState], name: str) -> list[PluginState]:
    from packaging.utils import canonicalize_name

    from cascade.spelling import did_you_mean

    wanted = canonicalize_name(name)
    found = [
        each for each in states if name == each.plugin.name or canonicalize_name(each.plugin.distribution) == wanted
    ]
    if not found:
        known = {text for each in states for text in (each.plugin.name, each.plugin.distribution) if text}
        raise UsageError(
            f'There is no plugin or distribution "{name}" in this environment.{did_you_mean(name, sorted(known))}',
            hint="To see all plugins, type: cascade plugin list",
        )
    return found


def _rows(state: PluginState) -> list[tuple[str, str]]:
    document = state.document
    rows = [(key, document[key]) for key in ("name", "kind", "distribution", "version", "group", "object", "state")]
    return [(key, str(value)) for key, value in [*rows, ("adds", document["adds"])] if value]


def _wrong_groups() -> list[str]:
    from cascade.cli.plugin_states import wrong_groups

    return [str(error) for error in wrong_groups()]


def _warn_of_groups(out: Output) -> None:
    for message in _wrong_groups():
        out.warn(message)
