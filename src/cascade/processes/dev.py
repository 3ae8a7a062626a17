"""Run `dev`: start the code servers, the webserver and the daemon, and stop them at the end."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.exceptions import CascadeError
from cascade.framework.instance import prepare_dagster_home
from cascade.framework.renewed_manifest import DIRECTORY_VARIABLE
from cascade.framework.run_launcher import require_launcher
from cascade.processes.children import Children, child_environment
from cascade.processes.code_server import CodeServer, code_servers
from cascade.processes.pants_parent import pants_parent, require_parent
from cascade.processes.run_log import RunLog
from cascade.processes.stop_signals import Stopped, StopSignals
from cascade.processes.ui import Location, UserInterface
from cascade.terminal.waiting import telling

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.framework.project import Project
    from cascade.processes.watch import Watcher

_START_SECONDS = 180
_POLL_SECONDS = 0.2
_LONGEST_SOCKET = 90
_RENEWED = "manifests"
_OWN_VARIABLES = frozenset({"CASCADE_PROJECT_NAME", "CASCADE_SETTINGS_DIRECTORY"})


@dataclass(frozen=True)
class DevOptions:
    """What to start.

    Args:
        project: the project.
        config: its settings.
        host: the address of the UI.
        port: the port of the UI.
        reload: reload the code after each edit.
        others: the code servers of further projects, as `NAME=JSON_ARGV`.
        watched: further directories to watch.
        verbose: show what Dagster logs.
    """

    project: Project
    config: CascadeConfig
    host: str
    port: int
    reload: bool = True
    others: Sequence[str] = ()
    watched: Sequence[Path] = ()
    verbose: bool = False


def require_webserver() -> None:
    """Raise a `CascadeError` if Dagster's webserver is not installed."""
    if find_spec("dagster_webserver") is None:
        raise CascadeError(
            "The UI is not installed: there is no module dagster_webserver.", hint="Type: pip install dagster-webserver"
        )


def run_dev(
    options: DevOptions,
    started: Callable[[UserInterface, tuple[Location, ...]], None],
    stopping: Callable[[], None],
) -> None:
    """Start Dagster and keep it running until the user or the system asks it to stop.

    Args:
        options: what to start.
        started: called with the UI and the code locations it shows, when it answers.
        stopping: called before the processes are stopped.

    Raises:
        CascadeError: a process did not start in time, or ended unexpectedly.
    """
    require_launcher(options.config)
    prepare_dagster_home(options.config)
    parent = pants_parent(generated=options.project.generated)
    ui = UserInterface(options.host, options.port)
    with _scratch_directory() as scratch, StopSignals() as signals, Children(scratch) as children:
        watcher: Watcher | None = None
        try:
            level = "info" if options.verbose else "critical"
            servers = code_servers(options.project, options.config, options.others, scratch, level)
            if options.reload:
                watcher = _started_watcher(options, ui, servers, scratch / _RENEWED)
            with telling("dev is") as begin:
                begin("importing Dagster")
                start = _Start(options, servers, children, signals, ui.address, scratch / _RENEWED)
                begin("looking for interrupted runs")
                start.run_housekeeping()
                begin(f"loading the workflows of {', '.join(server.name for server in servers)}")
                start.start_code_servers()
                begin("starting the webserver and the daemon")
                start.start_ui(scratch / "workspace.yaml")
                _wait_until(children, ui.answers, "The UI")
                begin("waiting for the UI to show the workflows")
                shown = ui.locations()
            started(ui, shown)
            if watcher is not None:
                watcher.serve(shown)
            while True:
                _require_alive(children)
                require_parent(parent)
                time.sleep(_POLL_SECONDS)
        except Stopped:
            # A process that is interrupted during an import prints fifty lines.
            children.silent = True
            stopping()
        finally:
            if watcher is not None:
                watcher.stop()


@contextmanager
def _scratch_directory() -> Iterator[Path]:
    scratch = Path(tempfile.mkdtemp(prefix="cascade-"))
    if len(str(scratch)) > _LONGEST_SOCKET - len("/00.sock"):
        # The path of a Unix socket is limited to about a hundred bytes, and TMPDIR in a sandbox may be longer.
        scratch.rmdir()
        scratch = Path(tempfile.mkdtemp(prefix="cascade-", dir="/tmp"))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _started_watcher(options: DevOptions, ui: UserInterface, servers: Sequence[CodeServer], renewed: Path) -> Watcher:
    from cascade.processes.pants_manifest import ManifestRenewal, PantsCommand
    from cascade.processes.watch import Watcher
    from cascade.processes.watched import watched_places

    generated = options.project.generated
    command = PantsCommand.from_environment()
    watcher = Watcher(
        ui,
        locations=[server.name for server in servers],
        places=lambda: watched_places(options.config, options.watched, standalone=not generated),
        modules=options.project.modules if generated else None,
        renewal=ManifestRenewal(command, renewed) if command is not None else None,
    )
    watcher.start()
    return watcher


class _Start:
    """Starts the processes in order."""

    def __init__(
        self,
        options: DevOptions,
        servers: Sequence[CodeServer],
        children: Children,
        signals: StopSignals,
        address: str,
        renewed: Path,
    ) -> None:
        # Importing this takes seconds. From here on a signal stops `dev` without a traceback.
        from cascade.framework.definitions import KEEP_GOING_VARIABLE

        self._options = options
        self._servers = servers
        self._children = children
        self._signals = signals
        self._address = address
        root = str(options.config.project_root)
        shared = {KEEP_GOING_VARIABLE: "1", DIRECTORY_VARIABLE: str(renewed)}
        self._own = child_environment(**shared, CASCADE_PROJECT_ROOT=root)
        # Another project must not read what this project's manifest set.
        self._foreign = {name: value for name, value in os.environ.items() if name not in _OWN_VARIABLES}
        self._foreign |= shared

    def _shown(self) -> RunLog | None:
        return None if self._options.verbose else RunLog(self._address)

    def run_housekeeping(self) -> None:
        """End interrupted runs, and create Dagster's databases on the first start.

        Nothing else starts before this ends: two processes that create the databases at the same time break them.
        """
        argv = (sys.executable, "-m", "cascade.framework.stale")
        with self._signals.held():
            housekeeping = self._children.start("Housekeeping", argv, env=self._own, shows=self._shown())
        housekeeping.process.wait()
        self._children.forget([housekeeping])

    def start_code_servers(self) -> None:
        """Start the code servers, and wait until they accept connections."""
        for server in self._servers:
            environment = self._own if server.own else self._foreign
            with self._signals.held():
                self._children.start(
                    f"The code server of {server.name}", server.argv, env=environment, shows=self._shown()
                )
        _wait_until(self._children, lambda: all(server.accepts for server in self._servers), "The code server")

    def start_ui(self, workspace: Path) -> None:
        """Start the webserver and the daemon on the code servers.

        Args:
            workspace: the workspace file to write.
        """
        options = self._options
        workspace.write_text(_workspace([(str(server.socket), server.name) for server in self._servers]), "utf-8")
        # Every process logs the same traceback if code does not load. `dev` prints the error, without a traceback.
        level = "info" if options.verbose else "error"
        quiet = () if options.verbose else ("-W", "ignore::UserWarning:dagster._core.workspace.context")
        listen = ("--host", options.host, "--port", str(options.port))
        webserver = ("dagster_webserver", *listen, "--dagster-log-level", level)
        daemon = ("dagster._daemon", "run", "--log-level", level)
        with self._signals.held():
            for name, words in (("The webserver", webserver), ("The daemon", daemon)):
                argv = (sys.executable, *quiet, "-m", *words, "--workspace", str(workspace))
                self._children.start(name, argv, env=self._own, shows=None if options.verbose else _unchanged)


def _unchanged(line: str) -> str:
    return line


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
        raise CascadeError(f"{dead.name} {how}. All other processes were stopped.", hint="For details: dev --verbose")


def _workspace(servers: Sequence[tuple[str, str]]) -> str:
    """Return Dagster's workspace file: the socket and the code location's name of each code server."""
    import yaml

    # The names are those of directories, which may hold any character. YAML does not read every escape of JSON.
    entries = [{"grpc_server": {"socket": socket, "location_name": name}} for socket, name in servers]
    return str(yaml.safe_dump({"load_from": entries}))
