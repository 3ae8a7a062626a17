"""`init`: a new project, which runs at once."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING

import click

from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.config.root import working_directory
from cascade.exceptions import UsageError
from cascade.scaffold.project_layout import TEMPLATES
from cascade.terminal.output import Output
from cascade.terminal.questions import ask_choice, ask_text, can_ask
from cascade.terminal.words import counted

if TYPE_CHECKING:
    from cascade.authoring.written_files import Written
    from cascade.scaffold.project import ProjectRequest
    from cascade.scaffold.project_layout import Commands

_DEFAULT_TEMPLATE = next(iter(TEMPLATES))

# What a directory may have before its project: git's, an editor's, a virtual environment.
_BEFORE_CONTENT = frozenset({".git", ".hg", ".jj", ".idea", ".vscode", ".venv", ".python-version", ".DS_Store"})
_SHOWN = 5


@click.command(epilog="\b\n" + "\n".join(f"{name:<9} {meaning}" for name, meaning in TEMPLATES.items()))
@click.argument("directory", metavar="[NAME|.]", required=False)
@click.option(
    "--template", type=click.Choice(list(TEMPLATES)), help=f"What to begin with; {_DEFAULT_TEMPLATE} by default."
)
@click.option("--force", is_flag=True, help="Write into a directory that is not empty, over files of the same names.")
@json_option
@click.pass_obj
def init(invocation: Invocation, out: Output, directory: str | None, template: str | None, force: bool) -> None:
    """Make a project in the new directory NAME, or in this one.

    On a terminal it asks for what is missing. What it makes runs at once, without a server or a network. Inside of a
    repository that Pants builds, it writes BUILD files as well.
    """
    import cascade
    from cascade.authoring.written_files import write_files
    from cascade.scaffold.project import ProjectRequest, directory_problems, render_project
    from cascade.scaffold.project_pants import find_repository, place_in
    from cascade.scaffold.request import raise_if_any

    asking = can_ask(as_json=out.as_json)
    root = _root(directory or _ask_for_directory(asking, invocation.program))
    # Before anything is looked for there: what is no name may be no path either.
    raise_if_any(tuple(directory_problems(root.name)))
    _require_readable(root)
    repository = find_repository(root)
    request = ProjectRequest(
        name=root.name,
        template=template or _DEFAULT_TEMPLATE,
        runtime_version=str(cascade.__version__),
        pants=place_in(repository, root) if repository else None,
    )
    if not force:
        # Before the next question, whose answer would be for nothing.
        _refuse_content(root, render_project(request))
    if asking and template is None:
        request = replace(request, template=ask_choice("Template", TEMPLATES, _DEFAULT_TEMPLATE))
    files = render_project(request)
    written = write_files(root, files, force=force)
    _report(invocation, out, request, root, repository, written)


def _report(
    invocation: Invocation,
    out: Output,
    request: ProjectRequest,
    root: Path,
    repository: Path | None,
    written: Written,
) -> None:
    from cascade.scaffold.project_layout import commands_for

    missing = _missing_in_pants_toml(request, repository, written)
    following = list(_following(request, commands_for(request.pants, invocation.program), root, repository))
    out.json(
        {
            "project": request.distribution,
            "template": request.template,
            "directory": str(root),
            "pants": {"repository": str(repository), "missing": missing} if repository else None,
            "files": asdict(written),
            "next": [command for command, _ in following],
        }
    )
    count = len(written.created) + len(written.overwritten) + len(written.unchanged)
    of_which = ""
    if written.overwritten or written.unchanged:
        of_which = f", of which {len(written.overwritten)} overwritten and {len(written.unchanged)} as they were"
    out.say(f"Made {root.name} from the template {request.template}: {counted(count, 'file')}{of_which}.")
    for note in (*_notes(request, root), *_about_pants(request, repository, missing)):
        out.say(note)
    out.say("\nNext:")
    for command, remark in following:
        out.say(f"  {command}" + (f"  # {remark}" if remark else ""))


def _root(directory: str) -> Path:
    # A person who does not exist has no directory: `~nobody` names one here, as it does for a shell.
    return Path(os.path.normpath(working_directory() / os.path.expanduser(directory)))


def _ask_for_directory(asking: bool, program: str) -> str:
    if not asking:
        raise UsageError(
            "The project needs a name, which is that of its directory.",
            hint=f"Type, for instance: {program} init my-project\nOr, for this directory: {program} init .",
        )
    from cascade.scaffold.project import directory_problems

    return ask_text("Name of the project", "my-project", lambda answer: directory_problems(_root(answer).name))


def _require_readable(root: Path) -> None:
    """Refuses a place where no directory can be, or one whose content cannot be listed."""
    try:
        there = next(place for place in (root, *root.parents) if place.exists())
        if not there.is_dir():
            raise UsageError(f"{there} is a file. A project is a directory: choose another name.")
        if there == root:
            os.listdir(root)
    except OSError as error:
        raise UsageError(f"A project cannot be made in {root}: {error.strerror}.") from error


def _refuse_content(root: Path, files: Mapping[str, str]) -> None:
    if not root.exists():
        return
    content = sorted(path.name for path in root.iterdir() if not _is_before_content(path))
    if not content:
        return
    lost = [path for path, text in files.items() if _has_another_text(root / path, text)]
    raise UsageError(
        f"The directory {root} is not empty: it has {_first_few(content)}.",
        hint=f"Choose another name, or give --force to write into it. That would overwrite "
        f"{_first_few(lost) or 'nothing'}; other files stay as they are.",
    )


def _has_another_text(path: Path, text: str) -> bool:
    return path.exists() and not (path.is_file() and path.read_bytes() == text.encode())


def _first_few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _is_before_content(path: Path) -> bool:
    return path.name in _BEFORE_CONTENT or (path / "pyvenv.cfg").is_file()


def _notes(request: ProjectRequest, root: Path) -> Iterator[str]:
    from cascade.config.root import has_cascade_table
    from cascade.scaffold.project import normal_form

    plain = normal_form(root.name)
    if request.distribution != plain:
        yield f"Its distribution is named {request.distribution}, because something that it needs is named {plain}."
    outer = next((place for place in root.parents if has_cascade_table(place / "pyproject.toml")), None)
    if outer is not None and request.pants is None:
        yield f"It lies inside of the project {outer}, whose commands do not see it."


def _missing_in_pants_toml(request: ProjectRequest, repository: Path | None, written: Written) -> str:
    from cascade.scaffold.project_pants import PANTS_TOML, missing_settings

    if repository is None or request.pants is None:
        return ""
    try:
        text = (repository / PANTS_TOML).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        # Pants says it better.
        return ""
    return missing_settings(text, request.pants, (*written.created, *written.overwritten, *written.unchanged))


def _about_pants(request: ProjectRequest, repository: Path | None, missing: str) -> Iterator[str]:
    if repository is None:
        return
    yield f"BUILD files are among them, because {repository} is built by Pants."
    if missing:
        yield f"\n{repository / 'pants.toml'} should say:\n\n{indent(missing, '  ')}\n"
    yield f"The resolve of its workflows needs {request.requirement('testing')}."


def _following(
    request: ProjectRequest, commands: Commands, root: Path, repository: Path | None
) -> Iterator[tuple[str, str]]:
    """Gives the commands to type next, each with a remark or none."""
    start = repository or root
    if start != Path.cwd():
        yield f"cd {shlex.quote(min(os.path.relpath(start), str(start), key=len))}", ""
    for asset, partition in request.first_runs:
        yield commands.materialize(asset, partition), ""
    yield commands.dev, ""
    if repository is None:
        yield "pip install -e '.[dev]'", "or uv sync: what the tests need"
    yield commands.test, ""
