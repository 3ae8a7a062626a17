"""Questions to the user at a terminal.

Questions go to standard error, so that scripts can read standard output. A command asks only for what is missing, and
only if `can_ask` returns true. In a pipe, in CI and under `--json`, it uses its defaults or reports what is missing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping

import click

from cascade.terminal.words import is_terminal


def can_ask(*, as_json: bool = False) -> bool:
    """Return whether a user can answer: standard input and standard error are terminals, and `CI` is not set.

    Args:
        as_json: whether the command runs under `--json`, where there is no user to answer.
    """
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return not as_json and not in_ci and is_terminal(sys.stdin) and is_terminal(sys.stderr)


def ask_text(
    question: str, default: str | None = None, check: Callable[[str], Iterable[str]] = lambda answer: ()
) -> str:
    """Ask for a string until the answer is valid.

    Args:
        question: the question, without a colon.
        default: the answer for Enter alone. Without a default, Enter repeats the question.
        check: returns one sentence for each reason to reject an answer, as the functions in
            `cascade.scaffold.names` do. The sentences are shown before the question is repeated.

    Returns:
        The answer, stripped of surrounding spaces.

    Raises:
        click.Abort: the user pressed Ctrl-C or Ctrl-D.
    """

    def checked(answer: str) -> str:
        problems = tuple(check(answer.strip()))
        if problems:
            raise click.UsageError(" ".join(problems))
        return answer.strip()

    return click.prompt(question, default=default, value_proc=checked, err=True)


def ask_choice(question: str, choices: Mapping[str, str], default: str) -> str:
    """Ask the user to choose one of several names.

    Args:
        question: the question, without a colon.
        choices: a few words on each name, in the order to show them in.
        default: the choice for Enter alone.

    Returns:
        The chosen name. The user may type the name, its number in the list, or an unambiguous prefix.

    Raises:
        click.Abort: the user pressed Ctrl-C or Ctrl-D.
    """
    names = list(choices)
    width = max(map(len, names))
    for number, (name, meaning) in enumerate(choices.items(), start=1):
        click.echo(f"  {number}  {name.ljust(width)}  {meaning}".rstrip(), err=True)

    def chosen(answer: str) -> str:
        answer = answer.strip().lower()
        if answer in names:
            return answer
        if answer.isdecimal() and 1 <= int(answer) <= len(names):
            return names[int(answer) - 1]
        matching = [name for name in names if answer and name.startswith(answer)]
        if len(matching) != 1:
            raise click.UsageError(f"{answer!r} is not a choice. Type one of {', '.join(names)}, or its number.")
        return matching[0]

    return click.prompt(question, default=default, value_proc=chosen, err=True)
