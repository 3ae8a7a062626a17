"""`init`: create a new project."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cascade.cli.choices import Choice
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.services_output import say_prepared
from cascade.scaffold.project_layout import EXAMPLES, STACKS, TEMPLATES
from cascade.terminal.output import Output
from cascade.terminal.questions import can_ask
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.authoring.new_project import NewProject
    from cascade.services.preparation import Prepared

_DEFAULT_TEMPLATE = next(iter(TEMPLATES))
_DEFAULT_STACK = next(iter(STACKS))


@click.command(
    short_help="Create a project in a new directory.",
    epilog="\b\n"
    + "\n".join(f"{name:<10} {meaning}" for name, meaning in (*TEMPLATES.items(), *STACKS.items(), *EXAMPLES.items())),
)
@click.argument("directory", metavar="[NAME|.]", required=False)
@click.option("--template", type=Choice(list(TEMPLATES)), help=f"What to start from; {_DEFAULT_TEMPLATE} by default.")
@click.option("--example", type=Choice(list(EXAMPLES)), help="An example to copy, in place of a template.")
@click.option(
    "--stack",
    type=Choice(list(STACKS)),
    default=_DEFAULT_STACK,
    show_default=True,
    help="Where the project keeps its data.",
)
@click.option("--force", is_flag=True, help="Write into a directory that is not empty, over files of the same names.")
@json_option
@click.pass_obj
def init(
    invocation: Invocation,
    out: Output,
    directory: str | None,
    template: str | None,
    example: str | None,
    stack: str,
    force: bool,
) -> None:
    """Create a project in the new directory NAME, or in this one.

    In a terminal, the command asks for missing options. The new project works immediately, without a server or a
    network. `--example nyc` copies two domains with real data, which the tutorial walks through. With `--stack
    production`, `services start` starts its servers, and .env has their settings. In a repository that Pants builds, it
    also gets BUILD files.
    """
    from cascade.authoring.new_project import create_project

    asking = can_ask(as_json=out.as_json)
    new = create_project(
        directory, template, stack=stack, example=example, force=force, asking=asking, program=invocation.program
    )
    prepared = None
    if stack == "production":
        from cascade.config import CascadeConfig
        from cascade.services.preparation import prepare

        prepared = prepare(CascadeConfig.from_user_config(new.root))
    _report(out, new, prepared, invocation)


def _report(out: Output, new: NewProject, prepared: Prepared | None, invocation: Invocation) -> None:
    following = list(new.next_commands(invocation.program))
    repository, written = new.repository, new.written
    out.json(
        {
            "project": new.request.distribution,
            "template": None if new.request.example else new.request.template,
            "example": new.request.example,
            "stack": new.request.stack,
            "services": [service.name for service in prepared.used] if prepared else [],
            "directory": str(new.root),
            "pants": {"repository": str(repository), "missing": new.missing_settings} if repository else None,
            "files": written.document,
            "next": [command for command, _ in following],
        }
    )
    count = len(written.created) + len(written.overwritten) + len(written.unchanged)
    details = ""
    if written.overwritten or written.unchanged:
        details = f" ({len(written.overwritten)} overwritten, {len(written.unchanged)} unchanged)"
    origin = f"example {new.request.example}" if new.request.example else f"template {new.request.template}"
    out.say(f"Created {new.root.name} from the {origin}: {counted(count, 'file')}{details}.")
    for note in new.notes():
        out.say(note)
    if prepared is not None:
        say_prepared(out, prepared)
    out.say("\nNext:")
    for command, remark in following:
        out.say(f"  {command}" + (f"  # {remark}" if remark else ""))
