"""The entry of the command line, which loads a command's file only when that command is called."""

from __future__ import annotations

import itertools
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn, TextIO

import click

from cascade.cli.completion import COMPLETE_VARIABLE
from cascade.cli.context import Invocation
from cascade.config.secrets import mask_secrets
from cascade.exceptions import CascadeError
from cascade.terminal.documents import error_document, print_document
from cascade.terminal.words import say_on_stderr

_COMMANDS = {
    "init": "cascade.cli.init:init",
    "create-workflow": "cascade.cli.create_workflow:create_workflow",
    "list": "cascade.cli.list:list_assets",
    "materialize": "cascade.cli.materialize:materialize",
    "table": "cascade.cli.table:table",
    "validate": "cascade.cli.validate:validate",
    "test": "cascade.cli.run_tests:run_tests",
    "dev": "cascade.cli.dev:dev",
    "code-server": "cascade.cli.code_server:code_server",
    "config": "cascade.cli.config:config",
    "doctor": "cascade.cli.doctor:doctor",
    "completion": "cascade.cli.completion:completion",
}

_NO_TELEMETRY = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
}
"""Defaults of the environment: nothing that Cascade starts reports anywhere unless the user turns it on."""


class CascadeGroup(click.Group):
    """The commands, each imported when it is called, and the errors that they end with."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names the commands in the order in which a person meets them."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one command."""
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command = getattr(import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Finds the command, and says which one was meant where there is none."""
        # While a shell completes a line there is nobody to tell.
        is_wrong = args and not args[0].startswith("-") and args[0] not in _COMMANDS
        if is_wrong and not ctx.resilient_parsing:
            import difflib

            close = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            meant = f" Did you mean {close[0]}?" if close else ""
            ctx.fail(f"No such command {args[0]!r}.{meant}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs a command. What is wrong becomes a message and an exit code, with a traceback under `--debug` only."""
        as_json = "--json" in itertools.takewhile(lambda word: word != "--", ctx.args)
        try:
            return super().invoke(ctx)
        except (click.exceptions.Exit, click.Abort, BrokenPipeError):
            raise
        except Exception as error:
            if as_json:
                print_document(error_document(error))
            if isinstance(error, click.ClickException) or ctx.obj is None:
                raise
            ctx.exit(_say_what_is_wrong(error, debug=ctx.obj.debug))


def _say_what_is_wrong(error: Exception, *, debug: bool) -> int:
    """Prints an error, below its traceback if that is wanted, and gives the exit code that it stands for."""
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
    """Ingest into an Iceberg lakehouse by declared workflows.

    Without a command it starts the UI, as `dev` does.
    """
    ctx.obj = ctx.obj or Invocation()
    ctx.obj.debug = debug
    for name, value in _NO_TELEMETRY.items():
        os.environ.setdefault(name, value)
    if ctx.invoked_subcommand is None:
        command = cli.get_command(ctx, "dev")
        assert command is not None
        ctx.invoke(command)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Runs the command line of the project in the working directory: `cascade`, `python -m cascade`.

    Args:
        arguments: stands for the words after the program's name.
    """
    _start(None, arguments)


def run_project(
    *,
    name: str,
    modules: Sequence[str],
    address: str | None = None,
    manifest: str | None = None,
    arguments: Sequence[str] | None = None,
) -> NoReturn:
    """Runs the command line of a project whose manifest Pants made.

    Args:
        name: the project's name.
        modules: the modules of its workflows.
        address: its Pants address.
        manifest: the name of the manifest module, whose `defs` are the project's definitions.
        arguments: stands for the words after the program's name.
    """
    from cascade.framework.project import STANDALONE_MODULE, Project

    os.environ.setdefault("CASCADE_PROJECT_NAME", name)
    _start(Project(name, tuple(modules), address=address, module=manifest or STANDALONE_MODULE), arguments)


def _start(project: Any, arguments: Sequence[str] | None) -> NoReturn:
    warnings.showwarning = _show_warning
    invocation = Invocation(given=project)
    words = list(sys.argv[1:] if arguments is None else arguments)
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
    """Shows a warning as one line. Those that libraries address to programmers are for `python -W` alone."""
    if category.__module__.startswith("dagster"):
        return
    say_on_stderr("warning", str(message), "yellow")
