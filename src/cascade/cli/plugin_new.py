"""`plugin new`: write the distribution of a plugin."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.choices import Choice
from cascade.cli.options import json_option
from cascade.exceptions import UsageError
from cascade.scaffold.choices import DEFAULT_PLUGIN_KIND, PLUGIN_KINDS
from cascade.terminal.output import Output
from cascade.terminal.questions import ask_choice, can_ask

if TYPE_CHECKING:
    from cascade.scaffold.plugin import PluginRequest


@click.command(
    "new",
    short_help="Write a plugin in a new directory.",
    epilog="\b\n" + "\n".join(f"{kind:<12} {meaning}" for kind, meaning in PLUGIN_KINDS.items()),
)
@click.argument("name", metavar="NAME")
@click.option(
    "--kind",
    "kinds",
    type=Choice(list(PLUGIN_KINDS)),
    multiple=True,
    help=f"What it adds; {DEFAULT_PLUGIN_KIND} by default. Repeat the option for several.",
)
@click.option("--force", is_flag=True, help="Write into a directory that is not empty, over files of the same names.")
@click.option("--dry-run", is_flag=True, help="Print the files without writing them.")
@json_option
@click.pass_context
def new_plugin(ctx: click.Context, out: Output, name: str, kinds: tuple[str, ...], force: bool, dry_run: bool) -> None:
    """Write a plugin in the new directory NAME: a distribution with entry points, code that works, and tests that pass.

    \b
        cascade plugin new acme-cascade --kind command --kind quality
    """
    import cascade
    from cascade.authoring.written_files import write_files
    from cascade.cli.plugin_states import OWN_RESOURCE
    from cascade.iceberg.plugin_catalogs import BUILT_IN
    from cascade.scaffold.plugin import PluginRequest, render_plugin
    from cascade.scaffold.project_pants import find_repository, place_in

    if not name.strip():
        raise UsageError("The plugin needs a name, which is the name of its directory. For this directory, type a dot.")
    root = Path(os.path.abspath(os.path.expanduser(name)))
    if not kinds:
        kinds = (
            ask_choice("Kind", {str(kind): meaning for kind, meaning in PLUGIN_KINDS.items()}, DEFAULT_PLUGIN_KIND)
            if can_ask(as_json=out.as_json)
            else DEFAULT_PLUGIN_KIND,
        )
    repository = find_repository(root.parent)
    request = PluginRequest(
        name=root.name,
        kinds=kinds,
        runtime_version=cascade.__version__,
        pants=place_in(repository, root) if repository else None,
        taken=frozenset({*getattr(ctx.find_root().command, "built_in", ()), *BUILT_IN, OWN_RESOURCE}),
    )
    files = render_plugin(request)
    document = {"distribution": request.distribution, "kinds": list(dict.fromkeys(kinds)), "directory": str(root)}
    if dry_run:
        out.json({**document, "files": files})
        for path, text in files.items():
            out.say(f"# {path}\n{text}")
        out.say("Nothing was written (--dry-run).")
        return
    _refuse_used(root, force=force)
    written = write_files(root, files, force=force)
    following = _next_commands(root, request)
    out.json({**document, "files": written.document, "next": list(following)})
    for path in files:
        out.say(f"{'Unchanged:' if path in written.unchanged else 'Wrote'} {_shown(root)}/{path}")
    if request.pants is not None:
        out.say(
            f"It has BUILD files, because Pants builds {repository}. The directories src and tests need a source root "
            f"of Pants: {request.pants.launcher} roots lists them.\nName it in a project: "
            f'cascade_project(..., plugins=["{request.address}"])'
        )
    out.say("\nNext:")
    for command in following:
        out.say(f"  {command}")


def _next_commands(root: Path, request: PluginRequest) -> tuple[str, ...]:
    if request.pants is not None:
        directory = shlex.quote(f"{request.pants.directory}::")
        return (f"{request.pants.launcher} test {directory}",)
    directory = shlex.quote(_shown(root))
    check = f"cascade plugin check {request.distribution}"
    return (f"cd {directory}", "pip install -e '.[dev]'", "pytest", check)


def _shown(root: Path) -> str:
    return min(os.path.relpath(root), str(root), key=len)


def _refuse_used(root: Path, *, force: bool) -> None:
    try:
        used = root.is_dir() and any(each.name != ".git" for each in root.iterdir())
    except OSError as error:
        raise UsageError(f"{root} cannot be read: {error.strerror}.", hint="Nothing was written.") from error
    if used and not force:
        raise UsageError(
            f"The directory {root} is not empty.", hint="Nothing was written. Choose another name, or add --force."
        )
