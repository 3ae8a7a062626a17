"""`migrate`: bring a project to today's layout, and from or to Pants."""

from __future__ import annotations

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.choices import Choice
from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.cli.plan_output import say_decisions
from cascade.exceptions import UsageError
from cascade.migration.tools import TOOLS
from cascade.program import typed
from cascade.terminal.output import Output
from cascade.terminal.words import counted, shows_colors

if TYPE_CHECKING:
    from cascade.migration.plan import Decision, Plan

_COLORS = {"+": "green", "-": "red", "@": "cyan"}
_SHOWN = 5
_KINDS = {"new": "new", "changed": "changed", "moved": "moved", "rewritten": "moved and changed", "removed": "removed"}


@click.command(short_help="Bring a project to today's layout, to or from Pants, or from another tool.")
@click.argument("path", required=False, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--from", "tool", type=Choice(list(TOOLS)), help="Write workflows for the project of another tool at PATH."
)
@click.option("--check", is_flag=True, help="Show what would change, and change nothing. This is the default.")
@click.option("--apply", "applies", is_flag=True, help="Change the files.")
@click.option("--to", type=Choice(["standalone", "pants"]), help="Also remove what only Pants needs, or add it.")
@click.option("--allow-dirty", is_flag=True, help="Apply although files differ from the newest commit.")
@json_option
@click.pass_obj
def migrate(
    invocation: Invocation,
    out: Output,
    path: Path | None,
    tool: str | None,
    check: bool,
    applies: bool,
    to: str | None,
    allow_dirty: bool,
) -> None:
    """Show, or make, the changes that bring a project in an older layout to today's.

    PATH is the directory of the project; by default, the project here. The command moves files, rewrites imports,
    settings and the names in .env, and lists what you must decide. It changes nothing outside the project. After an
    interruption, `--apply` finishes what was begun.

    With `--from`, PATH is a pipeline script or a project of another tool. It is read without being run and stays as it
    is; the project here gets a workflow for each table that it fills, and copies of the code that these need.

    \b
        cascade migrate --check
        cascade migrate --from dlt ../pipelines/github_pipeline.py

    Exit code 1 means that `--check` found something to change.
    """
    from cascade.migration.applying import apply, finish, is_interrupted
    from cascade.migration.planning import plan_migration

    if check and applies:
        raise UsageError("--check and --apply exclude each other. Use only one of them.")
    if tool is not None:
        _require_project_of_tool(tool, path, to)
        _require_standalone(invocation)
    root = invocation.config.project_root if tool is not None else _root(_directory(path))
    interrupted = is_interrupted(root)
    if interrupted and not applies:
        out.json({"root": str(root), "interrupted": True})
        out.say(f"A migration was interrupted. Finish it: {typed_again('--apply', to=to, path=path, tool=tool)}")
        raise click.exceptions.Exit(1)
    left: tuple[Decision, ...] = ()
    if interrupted:
        left = finish(root)
        out.say("Finished the migration that was interrupted.")
    if tool is not None and path is not None:
        from cascade.migration.foreign.planning import plan_from

        plan = plan_from(tool, path, invocation.config)
    else:
        plan = plan_migration(root, to)
    if left:
        plan = replace(plan, decisions=tuple(sorted({*left, *plan.decisions})))
    if applies and plan.changes:
        # What an interrupted migration has left is not what a user forgot to commit, and `--from` only adds files.
        if not allow_dirty and not interrupted and tool is None:
            _refuse_dirty(root)
        apply(plan)
    report(out, plan, typed_again("--apply", to=to, path=path, tool=tool), applied=applies)
    if tool is not None and applies and plan.changes:
        out.say(f"See whether they load: {typed('validate')}")
    if plan.changes and not applies:
        raise click.exceptions.Exit(1)


def typed_again(mode: str, *, to: str | None, path: Path | None, tool: str | None = None) -> str:
    """Return the command with another mode."""
    words = ["migrate", *(["--from", tool] if tool else []), *([shlex.quote(str(path))] if path else [])]
    words += [*(["--to", to] if to else []), mode]
    return typed(" ".join(words))


def report(out: Output, plan: Plan, command: str, *, applied: bool) -> None:
    """Print a plan: the difference, unless it was applied, and what a person must decide.

    Args:
        out: the output of the command.
        plan: the plan.
        command: what to type to apply it.
        applied: whether the files have been changed.
    """
    out.json({**plan.document, "applied": applied and bool(plan.changes)})
    if out.as_json:
        return
    if not applied:
        from cascade.migration.difference import difference

        colored = shows_colors(sys.stdout)
        for line in difference(plan):
            color = _COLORS.get(line[:1]) if colored else None
            click.echo(click.style(line, fg=color) if color else line)
    say_decisions(out, plan, after_others=bool(plan.changes) and not applied)
    if plan.decisions or (plan.changes and not applied):
        out.say()
    out.say(_summary(plan, command, applied=applied))


def _summary(plan: Plan, command: str, *, applied: bool) -> str:
    if not plan.changes:
        return "There is nothing to migrate."
    kinds = [each.kind for each in plan.changes]
    parts = ", ".join(f"{kinds.count(kind)} {name}" for kind, name in _KINDS.items() if kind in kinds)
    files = f"{counted(len(kinds), 'file')}: {parts}."
    return f"Migrated {files}" if applied else f"Would change {files} To do it: {command}"


def _require_project_of_tool(tool: str, path: Path | None, to: str | None) -> None:
    if to is not None:
        raise UsageError("--from and --to exclude each other. Use --from first, and --to after that.")
    if path is None:
        raise UsageError(
            f"--from {tool} needs the path of a project of {tool}.",
            hint=f"Type, for example: {typed(f'migrate --from {tool} ../old-project')}",
        )


def _require_standalone(invocation: Invocation) -> None:
    if invocation.given is not None:
        raise UsageError(
            f"Pants manages the workflows of the project {invocation.given.name}.",
            hint="Create a standalone project with `cascade init`, and use `cascade migrate --from` there.",
        )
    invocation.require_project()


def _directory(path: Path | None) -> Path | None:
    if path is not None and not path.is_dir():
        raise UsageError(f"{path} is a file. Name the directory of a project, or the tool of a script with --from.")
    return path


def _root(path: Path | None) -> Path:
    from cascade.config.root import find_project_root, has_cascade_table
    from cascade.legacy.layout import find_package

    # If a path was given, a variable of the environment does not count.
    found = find_project_root(path, None if path is None else {})
    if has_cascade_table(found / "pyproject.toml"):
        return found
    return next((each for each in (found, *found.parents) if find_package(each) is not None), found)


def _refuse_dirty(root: Path) -> None:
    from cascade.migration.version_control import uncommitted

    changed = uncommitted(root)
    if changed:
        differ = "differs" if len(changed) == 1 else "differ"
        more = f"\n  and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        raise UsageError(
            f"{counted(len(changed), 'file')} in {root} {differ} from the newest commit:"
            + "".join(f"\n  {name}" for name in changed[:_SHOWN])
            + more,
            hint="Nothing was changed. Commit them, so that git can undo the migration, or use --allow-dirty.",
        )
