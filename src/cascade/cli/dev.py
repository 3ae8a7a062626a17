"""`dev`: Dagster's UI for the project, reloaded after every edit."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.options import branch_option
from cascade.cli.services_running import services_running
from cascade.table_ref import MAIN_BRANCH
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.processes.ui import Location, UserInterface


@click.command(short_help="Start Dagster's UI and reload the code after every edit.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="The port to listen on.")
@click.option("--reload/--no-reload", default=True, show_default=True, help="Reload the code after every edit.")
@branch_option
@click.option(
    "--services",
    "with_services",
    is_flag=True,
    help="Start the servers of `services` first. Those that did not run before stop at the end.",
)
@click.option("--with-code-server", "others", metavar="NAME=JSON_ARGV", multiple=True, hidden=True)
@click.option("--watch", "watched", type=click.Path(path_type=Path), multiple=True, hidden=True)
@click.option("--verbose", "-v", is_flag=True, help="Show what Dagster logs.")
@click.pass_obj
def dev(
    invocation: Invocation,
    host: str,
    port: int,
    reload: bool,
    with_services: bool,
    others: Sequence[str],
    watched: Sequence[Path],
    verbose: bool,
) -> None:
    """Start Dagster's UI, its daemon and the project's code server. Stop them with Ctrl-C."""
    from cascade.framework.branch_use import branch_in_use
    from cascade.processes.ports import require_free_port

    invocation.require_project()
    require_free_port(host, port, f"{invocation.program} dev")
    out = Output()
    # The imports and the start take seconds.
    out.say(f"Starting Dagster for {invocation.project.name} in {invocation.config.project_root} …")
    with out.waiting("dev is importing Dagster"):
        from cascade.processes.dev import DevOptions, require_webserver, run_dev

        require_webserver()
    servers = services_running(invocation.config, out) if with_services else nullcontext()
    with branch_in_use(invocation.config), servers:
        run_dev(
            DevOptions(invocation.project, invocation.config, host, port, reload, others, watched, verbose),
            started=lambda ui, locations: _introduce(invocation, out, ui, locations),
            stopping=lambda: out.say("\nStopping…"),
        )


def _introduce(invocation: Invocation, out: Output, ui: UserInterface, locations: Sequence[Location]) -> None:
    from cascade.iceberg import open_lakehouse

    config, project = invocation.config, invocation.project
    out.say(f"The UI of {project.address or config.project_root} is at {ui.address}")
    for location in locations:
        out.say()
        if location.error is not None:
            out.error(f"{location.name} did not load: {location.error}")
            continue
        broken = sum(asset.broken for asset in location.assets)
        out.say(f"{location.name}: {counted(len(location.assets), 'asset')}" + (f", {broken} broken" if broken else ""))
        rows = [
            (asset.group, f"{asset.key} (broken)" if asset.broken else asset.key, "yes" if asset.partitioned else "no")
            for asset in location.assets
        ]
        if rows:
            out.table(("group", "asset", "partitions"), rows)
        elif not project.generated:
            out.say(f"Create a workflow: {invocation.program} create-workflow")
    out.say()
    out.say(f"automation   {_automation(locations)}")
    lakehouse = open_lakehouse(config)
    out.say(f"catalog      {lakehouse.uri}")
    out.say(f"warehouse    {lakehouse.warehouse}")
    if lakehouse.branch != MAIN_BRANCH:
        out.say(f"branch       {lakehouse.branch}")
    out.say(f"Dagster      {config.dagster_home}")
    out.say("Press Ctrl-C to stop.")


def _automation(locations: Sequence[Location]) -> str:
    ticking = sorted({name for location in locations for name in location.ticking})
    if ticking:
        return f"on: {', '.join(ticking)}"
    return "off (set CASCADE_AUTOMATION=true before the first start, or switch it on in the UI)"
