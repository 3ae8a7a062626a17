"""`test`: run pytest with the project's settings."""

from __future__ import annotations

from pathlib import Path

import click

from cascade.cli.completion import complete_workflows
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.exceptions import CascadeError, UsageError
from cascade.terminal.output import Output


class _TestCommand(click.Command):
    """A command that explains where to put options for pytest."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and explain an unknown option."""
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
    help="Run only the tests of one workflow. May be repeated.",
)
@click.argument("arguments", metavar="[-- PYTEST_ARGUMENTS...]", nargs=-1, type=click.UNPROCESSED)
@json_option
@click.pass_obj
def run_tests(invocation: Invocation, out: Output, workflows: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    """Run the project's tests with pytest, in the project's root and with its settings.

    Arguments after -- go to pytest:

    \b
        cascade test
        cascade test --workflow weather
        cascade test tests/test_weather.py -- -k lands --pdb

    Select a workflow by its domain, which is the directory of its module (weather), or by its table
    (weather_observations). Its tests are the files named test_NAME.py or test_NAME_*.py, the files in a directory NAME,
    and the files that import one of its modules. If there is a workflow nyc_weather, test_nyc_weather.py belongs to it
    and not to nyc.

    The tests need no __init__.py and no PYTHONPATH: they can import `workflows`. Exit code 1 if a test failed or no
    test was run, 2 after invalid usage of pytest.
    """
    from cascade.processes import pytest_run

    if invocation.project.generated:
        raise UsageError(
            "A project that Pants runs or packages does not contain its tests.",
            hint="Run them with Pants: pants test ::",
        )
    pytest_run.require_pytest()
    config = invocation.config
    words = pytest_run.pytest_words(config.project_root, _chosen_files(invocation, workflows), arguments)
    if out.as_json:
        code, report = pytest_run.run_pytest_for_report(words, config)
        out.json({"success": code == 0, "pytest_exit_code": code, **report})
    else:
        code = pytest_run.run_pytest(words, config)
    if code == pytest_run.NO_TESTS:
        raise CascadeError(
            "No test was run: pytest did not find any.",
            hint=f"Write one in tests/test_<domain>.py, or list the tests: {invocation.program} test -- --collect-only",
        )
    if code < 0:
        raise CascadeError(f"pytest was ended by signal {-code}.")
    if code:
        raise click.exceptions.Exit(UsageError.exit_code if code == pytest_run.USAGE_ERROR else 1)


def _chosen_files(invocation: Invocation, workflows: tuple[str, ...]) -> list[Path]:
    from cascade.processes.workflow_tests import choose_test_files

    def declared_at_run_time(workflow: str) -> set[str]:
        found = invocation.workflow_named(workflow)
        home = invocation.loaded[0].home(found) if found is not None else None
        return {home} if home else set()

    if not workflows:
        return []
    return choose_test_files(workflows, invocation.config, invocation.program, declared_at_run_time)
