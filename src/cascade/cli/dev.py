"""`dev`: Dagster's UI on the project, live on every saved edit."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from cascade.cli.context import Invocation
from cascade.exceptions import CascadeError, UsageError
from cascade.processes.code_server import code_server_argv
from cascade.processes.stop_signals import Stopped, StopSignals
from cascade.terminal.output import Output
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.processes.children import Children
    from cascade.processes.ui import Location, UserInterface
    from cascade.processes.watch import Watcher

_START_SECONDS = 180
_POLL_SECONDS = 0.2
_LONGEST_SOCKET = 90


@dataclass(frozen=True)
class CodeServer:
    """A code server to start: the name of its location, its command line, its socket."""

    name: str
    argv: tuple[str, ...]
    socket: Path
    own: bool


@click.command(short_help="Start Dagster's UI on the project, live on every edit.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="The port to listen on.")
@click.option("--reload/--no-reload", default=True, show_default=True, help="Reload the code on every saved edit.")
@click.option("--with-code-server", "others", metavar="NAME=JSON_ARGV", multiple=True, hidden=True)
@click.option("--watch", "watched", type=click.Path(path_type=Path), multiple=True, hidden=True)
@click.option("--verbose", "-v", is_flag=True, help="Show what Dagster logs.")
@click.pass_obj
def dev(
    invocation: Invocation,
    host: str,
    port: int,
    reload: bool,
    others: Sequence[str],
    watched: Sequence[Path],
    verbose: bool,
) -> None:
    """Start Dagster's UI, its daemon and the project's code server. Ctrl-C ends them all."""
    from cascade.framework.instance import prepare_dagster_home
    from cascade.processes.children import Children
    from cascade.processes.ports import require_free_port
    from cascade.processes.ui import UserInterface

    invocation.require_project()
    require_free_port(host, port, f"{invocation.program} dev")
    _require_webserver()
    prepare_dagster_home(invocation.config)
    ui = UserInterface(host, port)
    out = Output()
    # It takes a few seconds, in which nothing else is to be seen.
    out.say(f"Starting Dagster for {invocation.project.name} in {invocation.config.project_root} …")
    scratch = _scratch_directory()
    watcher: Watcher | None = None
    with StopSignals() as signals, Children(scratch) as children:
        try:
            servers = _code_servers(invocation, others, scratch, _log_levels(verbose).code_server)
            if reload:
                watcher = _started_watcher(invocation, ui, servers, watched)
            _start(invocation, children, signals, servers, scratch, host, port, verbose)
            _wait_until(children, ui.answers, "The UI")
            shown = ui.locations()
            _introduce(invocation, out, ui, shown)
            if watcher is not None:
                watcher.serve(shown)
            while True:
                _require_alive(children)
                time.sleep(_POLL_SECONDS)
        except Stopped:
            # A code server that is interrupted while it imports says so in fifty lines.
            children.silent = True
            out.say("\nStopping…")
        finally:
            if watcher is not None:
                watcher.stop()
            shutil.rmtree(scratch, ignore_errors=True)


class _LogLevels(NamedTuple):
    code_server: str
    others: str


def _log_levels(verbose: bool) -> _LogLevels:
    """When the code does not load, each process logs the same traceback. `dev` says what is wrong, without one."""
    return _LogLevels("info", "info") if verbose else _LogLevels("critical", "error")


def _require_webserver() -> None:
    from importlib.util import find_spec

    if find_spec("dagster_webserver") is None:
        raise CascadeError(
            "The UI is not installed: there is no module dagster_webserver.", hint="Type: pip install dagster-webserver"
        )


def _scratch_directory() -> Path:
    scratch = Path(tempfile.mkdtemp(prefix="cascade-"))
    if len(str(scratch)) > _LONGEST_SOCKET - len("/00.sock"):
        # The path of a Unix socket has a limit of about a hundred bytes, which a sandbox's TMPDIR may exceed.
        scratch.rmdir()
        scratch = Path(tempfile.mkdtemp(prefix="cascade-", dir="/tmp"))
    return scratch


def _code_servers(
    invocation: Invocation, others: Sequence[str], scratch: Path, log_level: str
) -> tuple[CodeServer, ...]:
    own = code_server_argv(invocation.project, invocation.config.project_root, log_level)
    servers = [CodeServer(invocation.project.name, tuple(own), scratch / "0.sock", own=True)]
    for number, text in enumerate(others, start=1):
        name, separator, given = text.partition("=")
        try:
            words = json.loads(given)
        except json.JSONDecodeError:
            words = None
        if not separator or not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise UsageError(f"--with-code-server takes NAME=JSON_ARGV, a list of words, and was given {text!r}.")
        argv = (*words, "code-server", "--log-level", log_level)
        servers.append(CodeServer(name, argv, scratch / f"{number}.sock", own=False))
    return tuple(servers)


def _start(
    invocation: Invocation,
    children: Children,
    signals: StopSignals,
    servers: Sequence[CodeServer],
    scratch: Path,
    host: str,
    port: int,
    verbose: bool,
) -> None:
    from cascade.framework.definitions import KEEP_GOING_VARIABLE
    from cascade.processes.children import child_environment

    root = invocation.config.project_root
    levels = _log_levels(verbose)
    own = child_environment(**{KEEP_GOING_VARIABLE: "1", "CASCADE_PROJECT_ROOT": str(root)})
    # What this project's manifest has said of itself must not be taken for another's.
    foreign = {name: value for name, value in os.environ.items() if name not in _OWN_VARIABLES}
    foreign[KEEP_GOING_VARIABLE] = "1"
    # It ends before anything else begins: on a first start it makes Dagster's databases, and two processes that make
    # them at once leave them unusable.
    with signals.held():
        argv: tuple[str, ...] = (sys.executable, "-m", "cascade.framework.stale")
        housekeeping = children.start("Housekeeping", argv, env=own, shows=None if verbose else _is_worth_showing)
    housekeeping.process.wait()
    children.forget([housekeeping])
    for server in servers:
        argv = (*server.argv, "--socket", str(server.socket))
        with signals.held():
            children.start(
                f"The code server of {server.name}",
                argv,
                env=own if server.own else foreign,
                shows=None if verbose else _is_worth_showing,
            )
    workspace = scratch / "workspace.yaml"
    # JSON is YAML.
    entries = [{"grpc_server": {"socket": str(server.socket), "location_name": server.name}} for server in servers]
    workspace.write_text(json.dumps({"load_from": entries}), encoding="utf-8")
    _wait_until(children, lambda: all(_accepts(server.socket) for server in servers), "The code server")
    webserver = ("dagster_webserver", "--host", host, "--port", str(port), "--dagster-log-level", levels.others)
    daemon = ("dagster._daemon", "run", "--log-level", levels.others)
    quiet = () if verbose else ("-W", "ignore::UserWarning:dagster._core.workspace.context")
    with signals.held():
        for name, words in (("The webserver", webserver), ("The daemon", daemon)):
            argv = (sys.executable, *quiet, "-m", *words, "--workspace", str(workspace))
            children.start(name, argv, env=own)


_RUN_LOG = re.compile(r"^\S*[\d-]+ [\d:]+ \+\d+ - dagster - (DEBUG|INFO) - ")
_NEWS = re.compile(r" - (RUN_SUCCESS|RUN_FAILURE|RUN_CANCELED) - ")


def _is_worth_showing(line: str) -> bool:
    """Keeps the log of each step of each run off the terminal. It is in the UI, whole."""
    return not _RUN_LOG.match(line) or bool(_NEWS.search(line))


_OWN_VARIABLES = frozenset({"CASCADE_PROJECT_NAME", "CASCADE_SETTINGS_DIRECTORY"})


def _accepts(path: Path) -> bool:
    import socket

    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


def _wait_until(children: Children, ready: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        _require_alive(children)
        if time.monotonic() > deadline:
            raise CascadeError(f"{what} did not start within {_START_SECONDS} seconds.", hint="See why: dev --verbose")
        time.sleep(_POLL_SECONDS)


def _require_alive(children: Children) -> None:
    dead = children.dead()
    if dead is not None:
        code = dead.ended or 0
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        raise CascadeError(f"{dead.name} {how}, so that everything else was stopped.", hint="See more: dev --verbose")


def _introduce(invocation: Invocation, out: Output, ui: UserInterface, locations: Sequence[Location]) -> None:
    config, project = invocation.config, invocation.project
    named = f" of {project.address}" if project.address else f" of {config.project_root}"
    out.say(f"The UI{named} is at {ui.address}")
    for location in locations:
        out.say()
        if location.error is not None:
            out.error(f"{location.name} did not load: {location.error}")
            continue
        out.say(f"{location.name}: {counted(len(location.assets), 'asset')}")
        rows = [(asset.group, asset.key, "yes" if asset.partitioned else "no") for asset in location.assets]
        if rows:
            out.table(("group", "asset", "partitions"), rows)
        elif not project.generated:
            out.say(f"Make a workflow: {invocation.program} create-workflow")
    out.say()
    out.say(f"automation   {_automation(locations)}")
    catalog, warehouse = _places(invocation)
    out.say(f"catalog      {catalog}")
    out.say(f"warehouse    {warehouse}")
    out.say(f"Dagster      {config.dagster_home}")
    out.say("Ctrl-C ends it.")


def _automation(locations: Sequence[Location]) -> str:
    ticking = sorted({name for location in locations for name in location.ticking})
    if ticking:
        return f"on: {', '.join(ticking)}"
    return "off (set CASCADE_AUTOMATION=true before the first start, or switch it on in the UI)"


def _places(invocation: Invocation) -> tuple[str, str]:
    from cascade.iceberg import open_lakehouse

    lakehouse = open_lakehouse(invocation.config)
    return lakehouse.uri, lakehouse.warehouse


def _started_watcher(
    invocation: Invocation, ui: UserInterface, servers: Sequence[CodeServer], watched: Sequence[Path]
) -> Watcher:
    from cascade.processes.watch import Watcher, watched_directories

    config, generated = invocation.config, invocation.project.generated
    watcher = Watcher(
        ui,
        locations=[server.name for server in servers],
        directories=lambda: watched_directories(config, watched, standalone=not generated),
        root=config.project_root,
        modules=invocation.project.modules if generated else None,
    )
    watcher.start()
    return watcher
