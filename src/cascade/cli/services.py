"""`services`: the servers of a production-like stack on this machine."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from cascade.cli.choices import Choice
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.services_output import say_prepared, say_status, say_waiting, status_document
from cascade.exceptions import CascadeError
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from cascade.services.service import Service

_NAMES = ("postgres", "seaweedfs", "trino")


@click.group(short_help="Start, watch and stop a production-like stack.")
def services() -> None:
    """Start, watch and stop a production-like stack on this machine, without containers.

    \b
        postgres    PostgreSQL, for Dagster's runs and the marts
        seaweedfs   an S3 store and an Iceberg REST catalog
        trino       Trino, which runs dbt; needs Java 25

    The servers listen on 127.0.0.1 and go on after the command has ended. Their data is in .cascade/services. What
    cannot start on this machine is left out.

    \b
        cascade services init     write the settings of the stack to .env
        cascade services start
    """


@services.command("init", short_help="Point the project to the stack.")
@click.option("--download", is_flag=True, help="Download Trino with Maven first, once for all projects (821 MB).")
@click.option("--compose", is_flag=True, help="Also write a compose file, for a container engine.")
@click.option("--new-ports", is_flag=True, help="Choose other free ports. The servers must be stopped.")
@json_option
@click.pass_obj
def init_services(invocation: Invocation, out: Output, download: bool, compose: bool, new_ports: bool) -> None:
    """Write the settings of the servers that can start on this machine to .env.

    Ports and passwords are chosen once and kept. Other lines of .env stay as they are. To return to the embedded
    setup, delete the lines that the command wrote.
    """
    from cascade.config import CascadeConfig
    from cascade.services.preparation import overruled, prepare
    from cascade.services.trino_server import VERSION, download_server

    invocation.require_project()
    if download:
        with out.waiting(f"downloading Trino {VERSION}"):
            download_server()
    config = invocation.config
    prepared = prepare(config, new_ports=new_ports, composed=compose, waits=lambda: say_waiting(out))
    out.json(
        {
            "file": str(prepared.file),
            "changed": prepared.changed,
            "compose": str(prepared.compose) if prepared.compose else None,
            "services": [service.name for service in prepared.used],
            "left_out": [
                {"name": service.name, "detail": missing.what, "hint": missing.how}
                for service, missing in prepared.left_out
            ],
        }
    )
    say_prepared(out, prepared)
    if not prepared.used:
        raise CascadeError("None of the servers can start on this machine.")
    for sentence in overruled(prepared, CascadeConfig.from_user_config(config.project_root)):
        out.warn(sentence)
    if (config.state_directory / "catalog.db").exists():
        out.say(f"The tables in {config.state_directory} stay there; the stack begins without them.")
        out.say(f"When its servers run, copy them: {invocation.program} copy --from embedded --to production")
    start = f"{invocation.program} services start"
    if prepared.compose is not None:
        shown = min(os.path.relpath(prepared.compose), str(prepared.compose), key=len)
        start = f"docker compose -f {shlex.quote(shown)} up -d"
    out.say(f"\nNext:\n  {start}\n  {invocation.program} doctor")


@services.command(short_help="Start the servers, and wait until they are healthy.")
@click.argument("names", metavar="[NAME]...", nargs=-1, type=Choice(_NAMES))
@json_option
@click.pass_obj
def start(invocation: Invocation, out: Output, names: Sequence[str]) -> None:
    """Start the servers, all by default, and wait until they are healthy. Those that run are left alone.

    A server that is not installed is left out with a warning, unless you name it. One that does not become healthy is
    an error; the others run.
    """
    from cascade.services.control import exclusive, start
    from cascade.services.parts import services_of
    from cascade.services.preparation import is_pointed_to, opened_or_created

    invocation.require_project()
    config = invocation.config
    stack = opened_or_created(config.services_directory)
    with exclusive(stack.directory, lambda: say_waiting(out)), out.waiting("starting the servers"):
        # Another command may have changed the ports meanwhile.
        stack = opened_or_created(config.services_directory)
        chosen = _chosen(services_of(stack, config.services_trino), names)
        found = start(chosen, lambda status: say_status(out, status))
    out.json({"directory": str(stack.directory), "services": [status_document(status) for status in found]})
    healthy = [status.service for status in found if status.state == "healthy"]
    absent = [status for status in found if status.state == "not installed"]
    if len(healthy) + len(absent) < len(found):
        raise CascadeError(
            "Not all servers are healthy.",
            hint=f"Their logs: {invocation.program} services logs\nTheir states: {invocation.program} services status",
        )
    if absent and (names or not healthy):
        raise CascadeError(f"Not installed: {', '.join(status.service.name for status in absent)}.")
    if not all(is_pointed_to(config, service) for service in healthy):
        out.say(f"\nTo point the project to them: {invocation.program} services init")


@services.command(short_help="Stop the servers; their data stays.")
@click.argument("names", metavar="[NAME]...", nargs=-1, type=Choice(_NAMES))
@json_option
@click.pass_obj
def stop(invocation: Invocation, out: Output, names: Sequence[str]) -> None:
    """Stop the servers, all by default, whoever started them. Their data stays."""
    from cascade.services.control import exclusive, stop
    from cascade.services.parts import services_of
    from cascade.services.stack import open_stack, unprepared_stack

    invocation.require_project()
    config = invocation.config
    stack = unprepared_stack(config.services_directory)
    with suppress(CascadeError):
        # Servers are found by their data, so those of a damaged file can be stopped, too.
        stack = open_stack(config.services_directory) or stack
    stopped: list[str] = []

    def tell(service: Service, ran: bool) -> None:
        if ran:
            stopped.append(service.name)
        out.say(f"{service.name} {'stopped' if ran else 'was not running'}")

    with exclusive(stack.directory, lambda: say_waiting(out)), out.waiting("stopping the servers"):
        stop(_chosen(services_of(stack, config.services_trino), names), tell)
    out.json({"stopped": stopped})


@services.command("status", short_help="Show the state of each server.")
@json_option
@click.pass_obj
def show_status(invocation: Invocation, out: Output) -> None:
    """Show the state of each server: healthy, starting, unhealthy, stopped, or not installed."""
    from cascade.services.control import status
    from cascade.services.parts import services_of
    from cascade.services.stack import open_stack, unprepared_stack

    invocation.require_project()
    config = invocation.config
    stack = open_stack(config.services_directory) or unprepared_stack(config.services_directory)
    found = [status(service) for service in services_of(stack, config.services_trino)]
    out.json({"directory": str(stack.directory), "services": [status_document(each) for each in found]})
    out.table(
        ("service", "state", "pid", "since", "address"),
        [
            (
                each.service.name,
                each.state,
                each.pid or "",
                time.strftime("%Y-%m-%d %H:%M", time.localtime(each.since)) if each.since else "",
                ", ".join(address.text for address in each.service.addresses) if each.pid else "",
            )
            for each in found
        ],
    )
    for each in found:
        if each.detail:
            out.say(f"\n{each.service.name}: {each.detail}" + (f"\n{each.hint}" if each.hint else ""))
    if any(each.state == "stopped" for each in found):
        out.say(f"\nStart them: {invocation.program} services start")


@services.command(short_help="Show what the servers log.")
@click.argument("names", metavar="[NAME]...", nargs=-1, type=Choice(_NAMES))
@click.option("--follow", "-f", is_flag=True, help="Go on showing new lines, until Ctrl-C.")
@click.option("--lines", "-n", type=click.IntRange(min=0), default=50, show_default=True, help="How many last lines.")
@click.pass_obj
def logs(invocation: Invocation, names: Sequence[str], follow: bool, lines: int) -> None:
    """Show the last lines that the servers logged, all by default. Passwords of the stack are masked."""
    from cascade.services.logs import read_logs
    from cascade.services.parts import services_of
    from cascade.services.stack import open_stack

    invocation.require_project()
    config = invocation.config
    stack = open_stack(config.services_directory)
    if stack is None:
        raise CascadeError("The servers were never started.", hint=f"Type: {invocation.program} services start")
    chosen = _chosen(services_of(stack, config.services_trino), names)
    for name, line in read_logs(chosen, lines, follow=follow):
        click.echo(f"{name:<9} | {line}" if len(chosen) > 1 else line)


def _chosen(services: Sequence[Service], names: Sequence[str]) -> list[Service]:
    return [service for service in services if not names or service.name in names]
