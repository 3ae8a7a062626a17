"""Create a project for `init`: choose its directory, check for conflicts, and report what was created."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import indent

from cascade.authoring.written_files import Written, write_files
from cascade.config.root import has_cascade_table, working_directory
from cascade.exceptions import UsageError
from cascade.scaffold.example_projects import example_files
from cascade.scaffold.project import ProjectRequest, directory_problems, normal_form, render_project
from cascade.scaffold.project_layout import STACKS, TEMPLATES, commands_for
from cascade.scaffold.project_pants import PANTS_TOML, find_repository, missing_settings, place_in
from cascade.scaffold.request import raise_if_any
from cascade.terminal.questions import ask_choice, ask_text

DEFAULT_TEMPLATE = next(iter(TEMPLATES))

# What a directory may contain before it becomes a project: version control, editor settings, a virtual environment.
_ALLOWED_CONTENT = frozenset({".git", ".hg", ".jj", ".idea", ".vscode", ".venv", ".python-version", ".DS_Store"})
_SHOWN = 5


@dataclass(frozen=True)
class NewProject:
    """A project that was written.

    Args:
        root: its root.
        request: what was rendered.
        repository: the repository that Pants builds and that contains it, or None.
        written: the result for each file.
    """

    root: Path
    request: ProjectRequest
    repository: Path | None
    written: Written

    @property
    def missing_settings(self) -> str:
        """The lines that pants.toml needs for the project, as TOML. Empty if there are none."""
        if self.repository is None or self.request.pants is None:
            return ""
        try:
            text = (self.repository / PANTS_TOML).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            # Pants reports this with more detail.
            return ""
        written = self.written
        return missing_settings(text, self.request.pants, (*written.created, *written.overwritten, *written.unchanged))

    def notes(self) -> Iterator[str]:
        """Yield sentences for the user."""
        plain = normal_form(self.root.name)
        if self.request.distribution != plain:
            yield f"Its distribution is named {self.request.distribution}, because a package it needs is named {plain}."
        outer = next((place for place in self.root.parents if has_cascade_table(place / "pyproject.toml")), None)
        if outer is not None and self.request.pants is None:
            yield f"It is inside the project {outer}, whose commands do not include it."
        if self.repository is not None:
            yield f"It has BUILD files, because Pants builds {self.repository}."
            if self.missing_settings:
                missing = indent(self.missing_settings, "  ")
                yield f"\nAdd to {self.repository / PANTS_TOML}:\n\n{missing}\n"
            yield f"The resolve of its workflows needs {self.request.requirement('testing')}."

    def next_commands(self, program: str) -> Iterator[tuple[str, str]]:
        """Yield the commands to type next, each with a remark, which may be empty.

        Args:
            program: the command that the user types.
        """
        commands = commands_for(self.request.pants, program)
        start = self.repository or self.root
        if start != Path.cwd():
            yield f"cd {shlex.quote(min(os.path.relpath(start), str(start), key=len))}", ""
        install = "pip install -e '.[dev]'"
        if self.request.example and self.repository is None:
            yield install, "or uv sync: the workflows, the models and the tests need it"
        if self.request.stack == "production":
            yield f"{commands.cascade} services start", ""
            yield f"{commands.cascade} doctor", ""
        for asset, partition in self.request.first_runs:
            yield commands.materialize(asset, partition), ""
        yield commands.dev, ""
        if self.repository is None and not self.request.example:
            yield install, "or uv sync: the tests need it"
        yield commands.test, ""


def create_project(
    directory: str | None,
    template: str | None,
    *,
    stack: str = next(iter(STACKS)),
    example: str | None = None,
    force: bool,
    asking: bool,
    program: str,
) -> NewProject:
    """Write a new project.

    Args:
        directory: its directory, as typed. Its name is the project's name. An example's default is its own name.
        template: the template; the default template if None and the user cannot be asked.
        stack: where the project keeps its data, one of `STACKS`.
        example: the example project to copy in place of a template, one of `EXAMPLES`, or None.
        force: whether to write into a directory that is not empty, over files of the same names.
        asking: whether the user can be asked for what is missing.
        program: the command that the user types, for hints.

    Raises:
        UsageError: the name is missing or invalid, the directory cannot be used, or there are both a template and an
            example.
        CascadeError: the system refused to write a file.
    """
    import cascade

    if example and template:
        raise UsageError(
            f"--example {example} and --template {template} are two different projects. Use only one of them."
        )
    root = new_root(directory or example or _ask_for_directory(asking, program))
    repository = find_repository(root)
    request = ProjectRequest(
        name=root.name,
        template=template or DEFAULT_TEMPLATE,
        runtime_version=str(cascade.__version__),
        pants=place_in(repository, root) if repository else None,
        stack=stack,
        example=example,
    )
    if not force:
        # Before the next question, whose answer would be useless.
        _refuse_content(root, _files(request))
    if asking and template is None and example is None:
        request = replace(request, template=ask_choice("Template", TEMPLATES, DEFAULT_TEMPLATE))
    written = write_files(root, _files(request), force=force)
    return NewProject(root, request, repository, written)


def new_root(directory: str) -> Path:
    """Return the root of a new project.

    Args:
        directory: its directory, as typed.

    Raises:
        UsageError: its name is not valid, or it cannot be read.
    """
    root = _root(directory)
    # Before the directory is read: an invalid name may be an invalid path.
    raise_if_any(tuple(directory_problems(root.name)))
    _require_readable(root)
    return root


def empty_root(directory: str | None, program: str) -> Path:
    """Return the root of a new project that takes no file of an existing directory.

    Args:
        directory: its directory, as typed.
        program: the command that the user types, for hints.

    Raises:
        UsageError: its name is missing or not valid, or it has files.
    """
    root = new_root(directory or _ask_for_directory(False, program))
    content = sorted(path.name for path in root.iterdir() if not _is_allowed(path)) if root.exists() else []
    if content:
        raise UsageError(
            f"The directory {root} is not empty: it has {_first_few(content)}.", hint="Choose another name."
        )
    return root


def _files(request: ProjectRequest) -> dict[str, str | bytes]:
    files: dict[str, str | bytes] = {**render_project(request)}
    if request.example:
        copied = example_files(request.example)
        if request.pants is not None:
            # Pants builds the models itself, and this test names no file of the dbt project in an import.
            copied.pop("transforms/test_medallion.py", None)
        files.update(copied)
    return dict(sorted(files.items()))


def _root(directory: str) -> Path:
    # As in a shell, `~nobody` is a directory here if there is no such user.
    return Path(os.path.normpath(working_directory() / os.path.expanduser(directory)))


def _ask_for_directory(asking: bool, program: str) -> str:
    if not asking:
        raise UsageError(
            "The project needs a name, which is the name of its directory.",
            hint=f"Type, for example: {program} init my-project\nOr, for this directory: {program} init .",
        )
    return ask_text("Name of the project", "my-project", lambda answer: directory_problems(_root(answer).name))


def _require_readable(root: Path) -> None:
    """Refuse a path below a file, and a directory whose content cannot be listed."""
    try:
        there = next(place for place in (root, *root.parents) if place.exists())
        if not there.is_dir():
            raise UsageError(f"{there} is a file. A project is a directory: choose another name.")
        if there == root:
            os.listdir(root)
    except OSError as error:
        raise UsageError(f"Cannot create a project in {root}: {error.strerror}.") from error


def _refuse_content(root: Path, files: Mapping[str, str | bytes]) -> None:
    if not root.exists():
        return
    content = sorted(path.name for path in root.iterdir() if not _is_allowed(path))
    if not content:
        return
    overwritten = [path for path, content in files.items() if _has_different_content(root / path, content)]
    raise UsageError(
        f"The directory {root} is not empty: it has {_first_few(content)}.",
        hint=f"Choose another name, or use --force to write into it. That would overwrite "
        f"{_first_few(overwritten) or 'nothing'}. Other files are kept.",
    )


def _is_allowed(path: Path) -> bool:
    return path.name in _ALLOWED_CONTENT or (path / "pyvenv.cfg").is_file()


def _has_different_content(path: Path, content: str | bytes) -> bool:
    expected = content.encode() if isinstance(content, str) else content
    return path.exists() and not (path.is_file() and path.read_bytes() == expected)


def _first_few(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
