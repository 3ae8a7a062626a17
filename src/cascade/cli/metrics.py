"""`metrics`: the state of the project as metrics of Prometheus."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.states import open_states, workflow_declarations
from cascade.collector import collector_paused
from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError
from cascade.terminal.output import Output

if TYPE_CHECKING:
    from collections.abc import Callable

    from cascade.operations.prometheus import ProjectState


@click.command(short_help="Print or serve the state of the project as metrics of Prometheus.")
@click.option("--port", type=click.IntRange(1, 65535), help="Serve them over HTTP on this port, until Ctrl-C.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.pass_obj
def metrics(invocation: Invocation, port: int | None, host: str) -> None:
    """Print rows, bytes, snapshots, partitions, freshness and the last run of every workflow, as Prometheus reads them.

    \b
        cascade metrics > /var/lib/node_exporter/cascade.prom
        cascade metrics --port 9464

    They are read from the tables and from Dagster's record of the runs when they are asked for, so runs of any process
    on any machine are in them.

    Modules that do not load are reported on standard error, with exit code 1 unless the metrics are served.
    """
    out = Output()
    with ExitStack() as stack:
        _require_package()
        with out.waiting("loading the project"), collector_paused(for_good=True):
            read = _reader(invocation, stack)
        _, failures = invocation.loaded
        for failure in failures:
            out.warn(f"not loaded: {failure}")
        if port is not None:
            _serve(invocation, out, host, port, read)
            return
        from cascade.operations.prometheus import metrics_text

        click.echo(metrics_text(read), nl=False)
    if failures:
        raise click.exceptions.Exit(1)


def _require_package() -> None:
    try:
        import prometheus_client  # noqa: F401
    except ModuleNotFoundError:
        raise CascadeError(
            "Metrics need the package prometheus-client, which is not installed.",
            hint="Type: pip install 'cascade-workflows[telemetry]'",
        ) from None


def _reader(invocation: Invocation, stack: ExitStack) -> Callable[[], ProjectState]:
    from cascade.iceberg import open_lakehouse
    from cascade.iceberg.overview import overviews
    from cascade.operations.prometheus import ProjectState, last_reports

    declarations = workflow_declarations(invocation, None)
    instance, states_of = stack.enter_context(open_states(invocation))
    lakehouse = open_lakehouse(invocation.config)

    def read() -> ProjectState:
        states = states_of(declarations)
        return ProjectState(
            states,
            tables={each.name: each for each in overviews(lakehouse)},
            reports=last_reports(instance, [state.asset for state in states]),
        )

    return read


def _serve(invocation: Invocation, out: Output, host: str, port: int, read: Callable[[], ProjectState]) -> None:
    from prometheus_client import start_http_server

    from cascade.operations.prometheus import registry_of
    from cascade.processes.ports import require_free_port

    require_free_port(host, port, f"{invocation.program} metrics")
    # Errors of the lakehouse show now, and not when somebody asks.
    read()

    def failed(error: Exception) -> None:
        text = mask_secrets(next(iter(str(error).splitlines()), ""))
        out.warn(f"the state of the project cannot be read: {type(error).__name__}: {text}")

    server, _ = start_http_server(port, addr=host, registry=registry_of(read, failed))
    out.say(f"Metrics of {invocation.config.project_name} are at http://{host}:{port}/metrics")
    out.say("Press Ctrl-C to stop.")
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        server.shutdown()
