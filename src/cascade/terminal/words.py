"""Helpers for terminal output: messages after a colored word, counted nouns, and the console for Rich."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

if TYPE_CHECKING:
    from rich.console import Console


def is_terminal(stream: Any) -> bool:
    """Return whether a stream is an open terminal."""
    try:
        return bool(stream.isatty())
    except (AttributeError, ValueError):
        return False


def say_on_stderr(word: str, text: str, color: str) -> None:
    """Print a message on standard error after a word, which is colored on a terminal."""
    click.echo(f"{styled(f'{word}:', color, sys.stderr)} {text}", err=True)


def shows_colors(stream: Any) -> bool:
    """Return whether a stream is an open terminal and `NO_COLOR` is not set."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR")


def styled(text: str, color: str, stream: TextIO | None = None) -> str:
    """Return text in bold color if it goes to a terminal and `NO_COLOR` is not set, else unchanged.

    Args:
        text: the text.
        color: the name of a color that click knows.
        stream: the stream it will be printed to; standard output by default.
    """
    return click.style(text, fg=color, bold=True) if shows_colors(stream or sys.stdout) else text


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 module`, `2 modules`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def console(file: TextIO | None = None) -> Console:
    """Return a Rich console on a file, or on standard output."""
    from rich.console import Console

    # With `NO_COLOR`, Rich still prints bold.
    return Console(file=file, highlight=False, color_system=None if os.environ.get("NO_COLOR") else "auto")


def human_size(size: int) -> str:
    """Return a number of bytes as users read it: `512 B`, `1.5 kB`, `2.0 MB`."""
    number, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if number < 1000:
            break
        number, unit = number / 1000, larger
    return f"{size} B" if unit == "B" else f"{number:.1f} {unit}"


def first_line(said: BaseException | str) -> str:
    """Return the first line of the message of an exception that is not Cascade's own, without the space around it.

    Args:
        said: the exception, or its message.

    Returns:
        The line; without a message, the type of the exception.
    """
    lines = (line.strip() for line in str(said).splitlines())
    return next(filter(None, lines), type(said).__name__ if isinstance(said, BaseException) else "no reason given")
