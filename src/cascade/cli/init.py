"""`init`: create a new project."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.choices import Choice
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.services_output import say_prepared
from cascade.exceptions import UsageError
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
@click.option(
    "--from-existing",
    metavar="[PATH]",
    is_flag=False,
    flag_value=".",
    help="Make it from the project at PATH, by default here, which is in the layout from before version 1.0 and stays.",
)
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
    from_existing: str | None,
) -> None:
    """Create a project in the new directory NAME, or in this one.

    In a terminal, the command asks for missing options. The new project works immediately, without a server or a
    network. `--example nyc` copies two domains with real data, which the tutorial walks through. With `--stack
    production`, `services start` starts its servers, and .env has their settings. In a repository that Pants builds, it
    also gets BUILD files. `--from-existing` makes it from a project in an older layout, as `migrate` would.
    """
    from cascade.authoring.new_project import create_project

    if from_existing is not None:
        if template or example or force or stack != _DEFAULT_STACK:
            raise UsageError("--from-existing takes no --template, --example, --stack or --force.")
        _copy_existing(out, directory, from_existing, invocation.program)
        return
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


def _copy_existing(out: Output, directory: str | None, source: str, program: str) -> None:
    """Make a project from an older one."""
    from cascade.authoring.new_project import empty_root, new_root
    from cascade.cli.plan_output import say_decisions
    from cascade.migration.applying import apply, is_interrupted
    from cascade.migration.planning import plan_copy
    from cascade.scaffold.project import distribution_name

    existing = Path(os.path.abspath(os.path.expanduser(source)))
    if directory is not None and new_root(directory) == existing:
        raise UsageError(
            "--from-existing makes a new project beside the existing one.",
            hint=f"To migrate the existing one itself, type: {program} migrate",
        )
    if directory is not None and is_interrupted(new_root(directory)):
        raise UsageError(
            f"{directory} is a project that was not written to its end, because this command was interrupted.",
            hint=f"Finish it: {program} migrate {shlex.quote(directory)} --apply",
        )
    root = empty_root(directory, program)
    plan = plan_copy(existing, root, distribution_name(root.name))
    apply(plan)
    place = shlex.quote(min(os.path.relpath(root), str(root), key=len))
    following = [f"cd {place}", f"{program} validate", f"{program} test"]
    out.json({**plan.document, "applied": True, "next": following})
    out.say(f"Created {root.name} from {existing}: {counted(len(plan.changes), 'file')}.")
    say_decisions(out, plan)
    out.say("\nNext:")
    for command in following:
        out.say(f"  {command}")


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
