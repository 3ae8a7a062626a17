"""Prints the reference of the command line in Markdown, made from the commands themselves.

    PYTHONPATH=src python docs/generators/commands.py > docs/reference/commands.md

`scripts/docs --write` does that; a test holds the page against what this prints.
"""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Iterator

import click

from cascade.cli.context import Invocation
from cascade.cli.main import cli

PROGRAM = "cascade"

# Code, and an option in the middle of a sentence, which help in a terminal does not mark. Bare hyphens become a dash.
_CODE_OR_OPTION = re.compile(r"`[^`]*`|(?<![\w-])--[a-z-]*")

INTRODUCTION = """\
# Commands

<!-- Made by `scripts/docs --write` from the commands themselves. Do not edit: change the files of cascade/cli. -->

In a monorepo each of these is `./pants run :dev -- COMMAND`, and on a server `./dev.pex COMMAND`: the command line of
the project, with the same options. `init` and `create-workflow` are for a project without Pants, which has
`./pants cascade-scaffold` in their place.

- Exit code 0: done. 1: it failed, such as a run or a check. 2: it was used wrongly, and nothing was done.
- `--json` prints one JSON document on standard output and nothing else there; messages go to standard error.
- Ruled tables, colours and progress bars are for terminals. In a pipe, and where `NO_COLOR` is set, the text is plain.
- An error is a message without a traceback; `cascade --debug COMMAND` shows the traceback.
"""


def main() -> int:
    """Prints the page."""
    sys.stdout.write("\n".join([INTRODUCTION, *_overview(), *_sections()]))
    return 0


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    """Walks through a group's commands that are not hidden, each followed by its own."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        own = click.Context(command, info_name=name, parent=context)
        yield command, own
        if isinstance(command, click.Group):
            yield from commands(command, own)


def root_context() -> click.Context:
    """The context of `cascade` itself."""
    return click.Context(cli, info_name=PROGRAM, obj=Invocation())


def _overview() -> Iterator[str]:
    yield "| command | what it does |"
    yield "|---|---|"
    for command, context in commands(cli, root_context()):
        if not isinstance(command, click.Group):
            path = context.command_path
            yield f"| [`{path}`](#{path.replace(' ', '-')}) | {_cell(_summary(command))} |"
    yield ""


def _summary(command: click.Command) -> str:
    text = command.get_short_help_str(limit=200)
    return f"{text[:-1]}." if text.endswith(":") else text


def _sections() -> Iterator[str]:
    root = root_context()
    yield from _section(cli, root)
    for command, context in commands(cli, root):
        # A group says nothing that its commands do not say.
        if not isinstance(command, click.Group):
            yield from _section(command, context)


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    yield f"## {context.command_path}\n"
    yield f"```text\n{usage}\n```\n"
    for paragraph in paragraphs(command.help or ""):
        yield f"{paragraph}\n"
    records = (
        parameter.get_help_record(context) for parameter in command.get_params(context) if not _is_help(parameter)
    )
    # Newer releases of click list arguments too, most of which the help has explained already.
    rows = [record for record in records if record is not None and record[1]]
    if rows:
        yield "| option | meaning |"
        yield "|---|---|"
        yield from (f"| `{names.replace('|', chr(92) + '|')}` | {_cell(text)} |" for names, text in rows)
        yield ""


def _is_help(parameter: click.Parameter) -> bool:
    return "--help" in parameter.opts


def paragraphs(help_text: str) -> Iterator[str]:
    """Turns the help of a command into paragraphs of Markdown.

    A paragraph after the mark that tells click not to wrap, and one that is indented, stay as they are, as code.
    """
    kept = False
    for block in re.split(r"\n\s*\n", inspect.cleandoc(help_text.partition("\f")[0])):
        if block.startswith("\b"):
            kept, block = True, block.removeprefix("\b").strip("\n")
        if not block.strip():
            continue
        if kept or block.startswith("    "):
            yield f"```text\n{textwrap.dedent(block).rstrip()}\n```"
        else:
            text = _CODE_OR_OPTION.sub(lambda found: f"`{found[0].strip('`')}`", " ".join(block.split()))
            yield textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)
        kept = False


def _cell(text: str) -> str:
    text = " ".join(text.split()).replace("|", r"\|")
    # Outside of code a name in angle brackets would be taken for HTML.
    return re.sub(r"<(?=[A-Za-z])(?=[^`]*(?:`[^`]*`[^`]*)*$)", r"\\<", text)


if __name__ == "__main__":
    raise SystemExit(main())
