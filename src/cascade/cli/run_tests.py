"""`test`: pytest with the project's settings."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from cascade.cli.completion import complete_workflows
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.exceptions import CascadeError, UsageError
from cascade.framework.project import unknown_name
from cascade.terminal.output import Output

_PLUGIN = "cascade.testing.plugin"

# pytest's own exit codes.
_USED_WRONGLY, _NO_TESTS = 4, 5


class _TestCommand(click.Command):
    """A command whose neighbour's options are easily taken for its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parses the words, and says where an option of pytest's belongs."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            message = f"{error.message.rstrip('.')}. Options of pytest come after --."
            raise click.NoSuchOption(error.option_name, message, error.possibilities, error.ctx) from None


@click.command("test", cls=_TestCommand, short_help="Run the project's tests with pytest.")
@click.option(
    "--workflow",
    "workflows",
    metavar="NAME",
    multiple=True,
    shell_complete=complete_workflows,
    help="Run the tests of one workflow only. May be repeated.",
)
@click.argument("arguments", metavar="[-- PYTEST_ARGUMENTS...]", nargs=-1, type=click.UNPROCESSED)
@json_option
@click.pass_obj
def run_tests(invocation: Invocation, out: Output, workflows: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    """Run the project's tests with pytest, in the project's root and with its settings.

    What follows -- is given to pytest:

    \b
        cascade test
        cascade test --workflow weather
        cascade test tests/test_weather.py -- -k lands --pdb

    A workflow is named by its domain, which is the directory of its module (weather), or by its table
    (weather_observations). Its tests are the files that are called test_NAME.py or test_NAME_*.py, lie in a directory
    NAME, or import one of its modules. Where there is a workflow nyc_weather, test_nyc_weather.py is not of nyc.

    The tests need no __init__.py and no PYTHONPATH: `workflows` can be imported in them. Exit code 1 when a test
    failed or there was none, 2 when pytest was used wrongly.
    """
    if invocation.project.generated:
        raise UsageError(
            "Tests are no part of a project that Pants runs or packages.", hint="Run them by Pants: pants test ::"
        )
    if find_spec("pytest") is None:
        raise CascadeError("pytest is not installed.", hint="Type: pip install 'cascade-workflows[testing]'")
    root = invocation.config.project_root
    chosen = [os.path.relpath(path, root) for path in _chosen_files(invocation, workflows)]
    words = [*_plugin_words(), *chosen, *(_from_root(word, root) for word in arguments)]
    code = _run_for_json(out, words, invocation) if out.as_json else _run(words, invocation)
    _end(code, invocation)


def _chosen_files(invocation: Invocation, workflows: Sequence[str]) -> list[Path]:
    """The test files of the workflows that were asked for; none where all tests are meant."""
    from cascade.framework.declared_names import declared_names, module_files
    from cascade.framework.discovery import import_root
    from cascade.processes.workflow_tests import (
        find_test_files,
        modules_of,
        names_of_others,
        select_tests,
        workflow_names,
    )

    if not workflows:
        return []
    config = invocation.config
    files = module_files(config.workflows_directory)
    declared = declared_names(files)
    base, test_files = import_root(config.workflows_directory), find_test_files(config.project_root)
    chosen: dict[Path, None] = {}
    for workflow in workflows:
        modules = modules_of(workflow, files) or _declared_at_run_time(invocation, workflow)
        if not modules:
            known = workflow_names(declared)
            message = unknown_name("workflow", workflow, known, (), "").message
            raise UsageError(message, hint=f"There are: {', '.join(known) or 'none yet'}.")
        others = names_of_others(modules, declared)
        found = select_tests(workflow, modules, test_files, config.project_root, base, others=others)
        if not found:
            raise CascadeError(
                f"No test file belongs to the workflow {workflow}: none is called test_{workflow}.py, lies in a "
                f"directory {workflow} or imports {', '.join(sorted(modules))}.",
                hint=f"Write tests/test_{workflow}.py, or run all tests: {invocation.program} test",
            )
        chosen |= dict.fromkeys(found)
    return list(chosen)


def _declared_at_run_time(invocation: Invocation, workflow: str) -> set[str]:
    """The module of a workflow that does not show in the source, such as the product of a factory."""
    found = invocation.workflow_named(workflow)
    home = invocation.loaded[0].home(found) if found is not None else None
    return {home} if home else set()


def _plugin_words() -> list[str]:
    """What makes pytest load Cascade's fixtures where no installed distribution does."""
    from importlib.metadata import entry_points

    return [] if any(entry.value == _PLUGIN for entry in entry_points(group="pytest11")) else ["-p", _PLUGIN]


def _from_root(word: str, root: Path) -> str:
    """A path that was typed in another directory than the root, as it is called there."""
    path, separator, rest = word.partition("::")
    if word.startswith("-") or not path or (root / path).exists() or not Path(path).exists():
        return word
    return f"{os.path.relpath(Path(path).absolute(), root)}{separator}{rest}"


def _run(words: Sequence[str], invocation: Invocation) -> int:
    from cascade.framework.discovery import import_root
    from cascade.processes.children import child_environment, source_paths

    config = invocation.config
    paths = dict.fromkeys([str(import_root(config.workflows_directory)), str(config.project_root), *source_paths()])
    environment = child_environment(CASCADE_PROJECT_ROOT=str(config.project_root), PYTHONPATH=os.pathsep.join(paths))
    process = subprocess.Popen([sys.executable, "-m", "pytest", *words], cwd=config.project_root, env=environment)
    # Ctrl-C reaches pytest as well, which ends by itself and says what it had run.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return process.wait()
    finally:
        signal.signal(signal.SIGINT, before)


def _run_for_json(out: Output, words: Sequence[str], invocation: Invocation) -> int:
    from cascade.processes.junit import read_report

    with tempfile.TemporaryDirectory(prefix="cascade-") as directory:
        path = Path(directory) / "report.xml"
        code = _run([*words, f"--junitxml={path}", "-o", "junit_family=xunit1"], invocation)
        report: dict[str, Any] = read_report(path) if path.is_file() else {"tests": []}
    out.json({"success": code == 0, "pytest_exit_code": code, **report})
    return code


def _end(code: int, invocation: Invocation) -> None:
    if code == _NO_TESTS:
        raise CascadeError(
            "No test was run: pytest found none that was asked for.",
            hint="Write one in tests/test_<domain>.py, or see what there is: "
            f"{invocation.program} test -- --collect-only",
        )
    if code < 0:
        raise CascadeError(f"pytest was ended by signal {-code}.")
    if code:
        raise click.exceptions.Exit(UsageError.exit_code if code == _USED_WRONGLY else 1)
