"""What a terminal shows beside tables: words in colour, and counted nouns."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console


def say_on_stderr(word: str, text: str, colour: str) -> None:
    """Prints a message on standard error under a word, which has a colour on a terminal."""
    click.echo(f"{styled(f'{word}:', colour, sys.stderr)} {text}", err=True)


def styled(text: str, colour: str, stream: TextIO | None = None) -> str:
    """Gives a word in bold colour where a person reads it on a terminal and has not set `NO_COLOR`.

    Args:
        text: the word.
        colour: the name of the colour.
        stream: where it will be printed; standard output if absent.
    """
    coloured = is_terminal(stream or sys.stdout) and not os.environ.get("NO_COLOR")
    return click.style(text, fg=colour, bold=True) if coloured else text


def counted(number: int, noun: str) -> str:
    """Writes a number with its noun: `1 module`, `2 modules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def is_terminal(stream: Any) -> bool:
    """Tells whether a person reads a stream as it is written."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def console(file: TextIO | None = None) -> Console:
    """Gives the console that Rich prints to."""
    from rich.console import Console

    # Rich itself leaves bold type where `NO_COLOR` is set.
    return Console(file=file, highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")
