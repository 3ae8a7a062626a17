"""A project as Dagster's `Definitions`: what a workspace file, the code server and the command line load.

Without Pants, Dagster's own commands load a project by the name of this module, in the project's directory:

    dagster asset materialize -m cascade.framework.definitions --select weather_observations --partition 2024-01-15
    dagster dev -w workspace.yaml   # load_from: [{python_module: {module_name: cascade.framework.definitions, …}}]
    dg dev                          # [tool.dg.project] code_location_target_module = "cascade.framework.definitions"

`defs` is built on first use, so that importing this module is cheap and reads nothing. It is a `Definitions` and not a
function with `@definitions`, so that a project's own code can merge it.

These commands write to the same tables as Cascade's own, and record their runs under `DAGSTER_HOME`. To share runs with
`cascade dev`, use the home that `cascade dev` creates on its first start:

    export DAGSTER_HOME="$PWD/.cascade/dagster"
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade.exceptions import CascadeError, DiscoveryError
from cascade.framework.assembly import assemble, contribute_what_loads, with_stand_ins
from cascade.framework.contents import load_contents
from cascade.framework.loading import LoadedModules
from cascade.framework.location_page import show_on_location_page
from cascade.framework.renewed_manifest import renewed

if TYPE_CHECKING:
    import dagster as dg

    from cascade.config import CascadeConfig

    defs: dg.Definitions

__all__ = ["build_definitions", "defs"]

KEEP_GOING_VARIABLE = "CASCADE_KEEP_GOING"
"""Set by `dev`: a module that fails to import is shown and does not hide the others."""

_FIRST_ON_PATH = sys.path[0] if sys.path else ""
"""Where Dagster puts the code location's `working_directory` while it imports this module."""

_SLOW_SECONDS = 10
"""The import time above which we warn about a module. On a cold disk Dagster and dlt alone take a few seconds."""


def build_definitions(
    modules: Iterable[str] | Mapping[str, object] | None = None, config: CascadeConfig | None = None
) -> dg.Definitions:
    """Build the definitions of a project.

    Args:
        modules: names of the modules to load, or the manifest that Pants generates; by default the modules under the
            configured `workflows_path`.
        config: the settings; read from their sources by default.

    Returns:
        Definitions with every workflow's asset; the project's Dagster assets, checks, jobs, schedules and sensors;
        what plugins contribute; the resources of `build_resources`; and an automation sensor whose default follows the
        setting `automation`.

    Raises:
        DiscoveryError: a module does not import. If `CASCADE_KEEP_GOING` is set, as in `dev`, it is a warning, an asset
            that fails stands in for each of the module's, and the page of the code location shows the error. A plugin
            that fails never raises.
        DeclarationError: a decorator is wrong, or two workflows declare the same table.
        ConfigError: a setting is wrong, or the manifest has a newer version.
    """
    if isinstance(modules, Mapping):
        from cascade.framework.manifest import Manifest

        manifest = Manifest.from_dict(renewed(modules))
        manifest.announce()
        modules = manifest.modules
    if config is None:
        from cascade.config import CascadeConfig

        config = CascadeConfig.from_user_config()
    keep_going = bool(os.environ.get(KEEP_GOING_VARIABLE))
    with _once():
        contents = load_contents(modules, config, keep_going=keep_going)
        if contents.failures and not keep_going:
            raise combined(contents.failures)
        contributed = contribute_what_loads(contents.collected, contents.project(config))
        if contents.broken and keep_going:
            contributed = with_stand_ins(contributed, contents.broken, contents.project(config))
    if contributed.failures and not keep_going:
        raise combined(contributed.failures)
    failures = (*contents.failures, *contributed.failures, *contributed.plugin_failures)
    # The processes of runs load the project again, and would repeat the warnings.
    if multiprocessing.parent_process() is None:
        _warn(failures)
        for error in contributed.missing_resources:
            print(f"warning: cannot run: {error}", file=sys.stderr, flush=True)
        if keep_going:
            _warn_of_slow(contents.modules)
            for left_out in contents.left_out:
                print(f"note: {left_out}", file=sys.stderr, flush=True)
    show_on_location_page(failures, config.project_root)
    return assemble(contributed, config, failures)


_building: ContextVar[bool] = ContextVar("cascade_building", default=False)


@contextmanager
def _once() -> Iterator[None]:
    """Refuse a project module that builds the project's definitions, which would load that module endlessly."""
    if _building.get():
        raise DiscoveryError(
            "A module of the project calls build_definitions, which would load that module again.",
            hint="Move the call out of the directory of the workflows.",
        )
    token = _building.set(True)
    try:
        yield
    finally:
        _building.reset(token)


def _warn(failures: Iterable[CascadeError]) -> None:
    # Users see the code server's standard error while they edit a workflow.
    for failure in failures:
        print(f"warning: not loaded: {failure}", file=sys.stderr, flush=True)


def _warn_of_slow(modules: LoadedModules) -> None:
    for name, seconds in modules.seconds.items():
        if seconds >= _SLOW_SECONDS:
            print(
                f"warning: {name} takes {seconds:.0f} s to import, at every reload and every run. Move the slow code "
                "into the function of the workflow.",
                file=sys.stderr,
                flush=True,
            )


def combined(failures: Sequence[CascadeError]) -> CascadeError:
    """Combine several errors into one, so that the user sees all of them."""
    if len(failures) == 1:
        return failures[0]
    return DiscoveryError("\n".join([f"{len(failures)} parts of the project did not load:", *map(str, failures)]))


def __getattr__(name: str) -> Any:
    if name == "defs":
        _enter_project()
        # Dagster looks for this exact type and would not find a subclass.
        globals()["defs"] = build_definitions()
        return globals()["defs"]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _enter_project() -> None:
    """Find the project in the `working_directory` of a workspace, which may differ from where Dagster was started."""
    from cascade.config.root import ROOT_VARIABLE, find_project_root, is_project_root

    directory = Path(_FIRST_ON_PATH).absolute()
    if ROOT_VARIABLE in os.environ or not is_project_root(directory):
        return
    if find_project_root() != directory:
        # Everything in this process, and the runs that it starts, must find the same project.
        os.environ[ROOT_VARIABLE] = str(directory)


def __dir__() -> list[str]:
    return sorted([*globals(), "defs"])
