"""`serve`: the lakehouse over HTTP, for reading."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.graph import draw_project
from cascade.cli.options import branch_option
from cascade.cli.states import open_states, workflow_declarations
from cascade.collector import collector_paused
from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError, UsageError
from cascade.terminal.output import Output

if TYPE_CHECKING:
    import dagster as dg

    from cascade.http_api.served import ServedProject


@click.command(short_help="Serve the tables and the state of the project over HTTP, for reading.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    show_default=True,
    help="The port to listen on; 0 for any that is free.",
)
@branch_option
@click.pass_obj
def serve(invocation: Invocation, host: str, port: int) -> None:
    """Serve the tables and the state of the project over HTTP, until Ctrl-C. Nothing can be changed through it.

    \b
        cascade serve
        curl 'http://127.0.0.1:8000/v1/tables'
        curl 'http://127.0.0.1:8000/v1/tables/weather_observations/rows?limit=10'

    It serves tables with their snapshots and branches, rows by page as JSON or Arrow, the states of partitions, the
    results of checks, and lineage. /openapi.json describes all of it.

    Other machines can ask it only with a token: set CASCADE_SERVE_TOKEN, and give `--host`. With a token, requests on
    this machine need it too. The connection is not encrypted.
    """
    out = Output()
    invocation.require_project()
    _require_packages()
    from cascade.http_api.access import is_loopback
    from cascade.processes.pants_parent import pants_parent
    from cascade.processes.ports import address_of, require_free_port

    token = invocation.config.serve_token
    if token is None and not is_loopback(host):
        raise UsageError(
            f"{host} can be reached from other machines, and no token is set.",
            hint="Set CASCADE_SERVE_TOKEN in the environment or in .env, such as to what this prints: "
            "python -c 'import secrets; print(secrets.token_urlsafe(32))'",
        )
    require_free_port(host, port, f"{invocation.program} serve")
    parent = pants_parent(generated=invocation.project.generated)
    with ExitStack() as stack:
        with out.waiting("loading the project"), collector_paused(for_good=True):
            served = served_project(invocation, stack)
        for failure in invocation.failures:
            out.warn(f"not loaded: {failure}")
        from cascade.http_api.app import create_app
        from cascade.processes.http_server import listening_socket
        from cascade.processes.http_server import serve as serve_app

        listening = listening_socket(host, port)
        address = address_of(host, listening.getsockname()[1])

        def introduce() -> None:
            out.say(f"The API of {served.name} is at {address}/v1, and its description at {address}/openapi.json")
            if token is not None:
                out.say("Requests need the token: curl -H 'Authorization: Bearer TOKEN' " + f"{address}/v1/tables")
            else:
                out.say("Requests need no token, so every user of this machine can read the tables.")
            out.say("Press Ctrl-C to stop.")

        app = create_app(served, token, _logger(out, debug=invocation.debug))
        serve_app(app, listening, introduce, lambda: out.say("\nStopping…"), parent)


def _require_packages() -> None:
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise CascadeError(
            f"The HTTP API needs the packages fastapi and uvicorn: {error.name} is not installed.",
            hint="Type: pip install 'cascade-workflows[serve]'",
        ) from None


def served_project(invocation: Invocation, stack: ExitStack) -> ServedProject:
    """Open what the API serves.

    Args:
        invocation: the invocation.
        stack: closes it.
    """
    from cascade.declarations.sensitive import sensitive_columns
    from cascade.http_api.served import ServedProject
    from cascade.iceberg import open_lakehouse

    declarations = workflow_declarations(invocation, None)
    checks = _checks(invocation)
    instance, states = stack.enter_context(open_states(invocation))
    return ServedProject(
        invocation.project.name,
        open_lakehouse(invocation.config),
        instance,
        declarations,
        states,
        draw=lambda: draw_project(invocation)[1],
        failures=invocation.failures,
        checks=checks,
        sensitive={each.table: sensitive_columns(each.validation_schema) for each in declarations},
        unread=frozenset(each.declaration.table for each in invocation.contents.broken if each.declaration.table),
    )


def _checks(invocation: Invocation) -> list[dg.AssetCheckSpec]:
    """Return the checks of the project, those of dbt among them, by asset and name."""
    found = {}
    for contribution in invocation.contributed.contributions:
        for holder in (*contribution.assets, *contribution.asset_checks):
            for spec in getattr(holder, "check_specs", ()):
                found[spec.key] = spec
    return [found[key] for key in sorted(found, key=lambda key: (key.asset_key.path, key.name))]


def _logger(out: Output, *, debug: bool) -> Callable[[Exception], None]:
    def log(error: Exception) -> None:
        if debug:
            out.warn(mask_secrets("".join(traceback.format_exception(error))))
        text = str(error) if isinstance(error, CascadeError) else f"unexpected {type(error).__name__}: {error}"
        out.warn(f"a request failed: {mask_secrets(text)}")

    return log
