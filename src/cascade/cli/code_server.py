"""`code-server`: serve the project as a Dagster code location over gRPC."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import click

from cascade.cli.context import Invocation
from cascade.exceptions import UsageError


@click.command("code-server", short_help="Serve the project to a Dagster webserver on another machine.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="The port to listen on.")
@click.option("--socket", type=click.Path(path_type=Path), help="A Unix socket to listen on instead of a port.")
@click.option("--log-level", default="warning", show_default=True, help="How much Dagster logs.")
@click.pass_obj
def code_server(invocation: Invocation, host: str, port: int | None, socket: Path | None, log_level: str) -> None:
    """Serve the project's definitions to a Dagster webserver and daemon. Add the server to their workspace.yaml:

    \b
        load_from:
          - grpc_server: {host: 10.0.0.7, port: 4000, location_name: dev}

    When it accepts connections, a line on standard error says so.
    """
    from cascade.framework.renewed_manifest import DIRECTORY_VARIABLE
    from cascade.processes.children import child_environment
    from cascade.processes.code_server import accepts_connections, code_server_argv
    from cascade.processes.ports import require_free_port
    from cascade.processes.readiness import accepts_connections_at, tell_when_ready

    if (port is None) == (socket is None):
        raise UsageError("Use either --port or --socket.", hint=f"Type: {invocation.program} code-server --port 4000")
    config, name = invocation.config, invocation.project.name
    argv = code_server_argv(invocation.project, config, log_level)
    if port is not None:
        require_free_port(host, port, f"{invocation.program} code-server")
        argv += ["--port", str(port), "--host", host]
        tell_when_ready(lambda: accepts_connections_at(host, port), f"Serving {name} on {host}:{port}.")
    elif socket is not None:
        path = socket
        argv += ["--socket", str(path)]
        # `dev` waits for its servers itself.
        if DIRECTORY_VARIABLE not in os.environ:
            tell_when_ready(lambda: accepts_connections(path), f"Serving {name} on {path}.")
    # A shell starts background jobs with SIGINT ignored, and Dagster's server then ignores SIGTERM too. A handler
    # set here becomes the default action in the new program.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.stdout.flush()
    # This process becomes the server, so that signals from the parent process reach the server.
    os.execve(sys.executable, argv, child_environment(CASCADE_PROJECT_ROOT=str(config.project_root)))
