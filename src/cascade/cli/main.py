"""The entry point of the command line. It imports a command's file only when that command is called."""

from __future__ import annotations

import itertools
import os
import sys
import traceback
import warnings
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn, TextIO, cast

import click

from cascade.cli.completion import COMPLETE_VARIABLE
from cascade.cli.context import Invocation
from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError
from cascade.program import remember
from cascade.terminal.documents import error_document, print_document
from cascade.terminal.words import say_on_stderr

if TYPE_CHECKING:
    from cascade.framework.project import Project
    from cascade.plugins import Plugin

_COMMANDS = {
    "init": "cascade.cli.init:init",
    "create-workflow": "cascade.cli.create_workflow:create_workflow",
    "migrate": "cascade.cli.migrate:migrate",
    "list": "cascade.cli.list:list_assets",
    "graph": "cascade.cli.graph:graph",
    "materialize": "cascade.cli.materialize:materialize",
    "backfill": "cascade.cli.backfill:backfill",
    "status": "cascade.cli.status:status",
    "metrics": "cascade.cli.metrics:metrics",
    "plan": "cascade.cli.plan:plan",
    "dbt": "cascade.cli.dbt:dbt",
    "publish": "cascade.cli.publish:publish",
    "table": "cascade.cli.table:table",
    "ci": "cascade.cli.ci:ci",
    "copy": "cascade.cli.copy:copy",
    "maintain": "cascade.cli.maintain:maintain",
    "branch": "cascade.cli.branch:branch",
    "quarantine": "cascade.cli.quarantine:quarantine",
    "validate": "cascade.cli.validate:validate",
    "contracts": "cascade.cli.contracts:contracts",
    "test": "cascade.cli.run_tests:run_tests",
    "dev": "cascade.cli.dev:dev",
    "code-server": "cascade.cli.code_server:code_server",
    "serve": "cascade.cli.serve:serve",
    "dagster": "cascade.cli.dagster:dagster",
    "services": "cascade.cli.services:services",
    "config": "cascade.cli.config:config",
    "plugin": "cascade.cli.plugin:plugin",
    "doctor": "cascade.cli.doctor:doctor",
    "completion": "cascade.cli.completion:completion",
}

_LOOPBACK = "127.0.0.1"
"""Where the servers of `services` are, in errors of those that do not answer."""

_NO_TELEMETRY = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
}
"""Defaults of the environment: nothing that Cascade starts sends telemetry unless the user turns it on."""


class CascadeGroup(click.Group):
    """The commands, each imported when it is called. An error becomes a message and an exit code.

    The commands of plugins are looked up only when commands are listed, or when a name is not one of Cascade's own.
    """

    built_in = frozenset(_COMMANDS)
    """The names of Cascade's own commands."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the names of the commands: Cascade's own in the order of a new user's work, then those of plugins."""
        return [*_COMMANDS, *_plugin_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        target = _COMMANDS.get(cmd_name)
        if target is not None:
            module, _, attribute = target.partition(":")
            return cast(click.Command, getattr(import_module(module), attribute))
        plugin = _plugin_commands(ctx).get(cmd_name)
        if plugin is None:
            return None
        from cascade.cli.plugin_commands import load_command

        return load_command(plugin)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or fail with the name that was probably meant."""
        # Without `_COMMANDS` in front, every call would read the entry points.
        is_known = args[0] in _COMMANDS or args[0].startswith("-") or args[0] in _plugin_commands(ctx)
        # A shell that completes a line cannot show an error.
        if not is_known and not ctx.resilient_parsing:
            from cascade.spelling import did_you_mean

            ctx.fail(f'No such command "{args[0]}".{did_you_mean(args[0], self.list_commands(ctx))}')
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command. An error becomes a message and an exit code, with a traceback only under `--debug`."""
        as_json = "--json" in itertools.takewhile(lambda word: word != "--", ctx.args)
        try:
            return super().invoke(ctx)
        except click.exceptions.Exit as ended:
            if ended.exit_code in (1, 2):
                _say_how_to_start_servers(ctx)
            raise
        except (click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if as_json:
                print_document(error_document(error))
            if isinstance(error, click.ClickException) or ctx.obj is None:
                raise
            code = _print_error(error, debug=ctx.obj.debug)
            if code == 1 or _LOOPBACK in str(error):
                _say_how_to_start_servers(ctx)
            ctx.exit(code)


_PLUGINS_KEY = "cascade.plugin_commands"


def _plugin_commands(ctx: click.Context) -> Mapping[str, Plugin]:
    """Return the commands of plugins by name, and warn once about those whose name is taken."""
    if _PLUGINS_KEY not in ctx.meta:
        from cascade.cli.plugin_commands import plugin_commands

        found, refused = plugin_commands(_COMMANDS)
        ctx.meta[_PLUGINS_KEY] = found
        for error in () if ctx.resilient_parsing else refused.values():
            say_on_stderr("warning", str(error), "yellow")
    return cast("Mapping[str, Plugin]", ctx.meta[_PLUGINS_KEY])


def _say_how_to_start_servers(ctx: click.Context) -> None:
    """Print how to start the servers of the project that are stopped, since the command may have failed of it."""
    from cascade.cli.services_stopped import how_to_start

    # Settings that the command has not read are not read for this.
    said = how_to_start(ctx.invoked_subcommand, vars(ctx.obj).get("config"))
    if said is not None:
        click.echo(said, err=True)


def _print_error(error: Exception, *, debug: bool) -> int:
    """Print an error, below its traceback if `debug` is set, and return its exit code."""
    if debug:
        click.echo(mask_secrets("".join(traceback.format_exception(error))), err=True)
    if isinstance(error, CascadeError):
        say_on_stderr("error", str(error), "red")
        return error.exit_code
    say_on_stderr("error", f"unexpected {type(error).__name__}: {mask_secrets(str(error))}", "red")
    if not debug:
        click.echo("Run it again with --debug (before the command) for the traceback.", err=True)
    return 1


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        import cascade

        click.echo(f"cascade {cascade.__version__}")
        ctx.exit()


@click.command(cls=CascadeGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
@click.pass_context
def cli(ctx: click.Context, debug: bool) -> None:
    """Ingest data into an Iceberg lakehouse with declared workflows.

    Without a command, start the UI as `dev` does.
    """
    ctx.obj = ctx.obj or Invocation()
    ctx.obj.debug = debug
    if os.environ.get("CASCADE_FAULT_POINT"):
        # A wrong name is an error of every command, not one in the middle of a run, or none at all.
        from cascade.fault_points import fault_point_in

        fault_point_in(os.environ)
    for name, value in _NO_TELEMETRY.items():
        os.environ.setdefault(name, value)
    if ctx.invoked_subcommand is None:
        command = cli.get_command(ctx, "dev")
        assert command is not None
        ctx.invoke(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line of the project in the working directory: `cascade`, `python -m cascade`.

    Args:
        arguments: the words after the program's name; those of `sys.argv` by default.
    """
    _start(None, arguments)


def run_project(manifest: Mapping[str, object], arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line of a project whose manifest Pants generated.

    Args:
        manifest: the fields of a `cascade.framework.manifest.Manifest`.
        arguments: the words after the program's name; those of `sys.argv` by default.
    """
    from cascade.framework.manifest import Manifest

    try:
        read = Manifest.from_dict(manifest)
    except CascadeError as error:
        sys.exit(_print_error(error, debug=False))
    read.announce()
    _start(read.project, arguments)


def _start(project: Project | None, arguments: Sequence[str] | None) -> NoReturn:
    warnings.showwarning = _show_warning
    invocation = Invocation(given=project)
    words = list(sys.argv[1:] if arguments is None else arguments)
    remember(invocation.program)
    cli.main(args=words, prog_name=invocation.program, complete_var=COMPLETE_VARIABLE, obj=invocation)
    raise AssertionError("unreachable")  # pragma: no cover


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Show a warning as one line, except those of Dagster, which users cannot act on."""
    if category.__module__.startswith("dagster"):
        return
    say_on_stderr("warning", str(message), "yellow")
