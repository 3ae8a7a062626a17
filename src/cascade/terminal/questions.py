"""Questions to a person at a terminal.

They are asked on standard error, so that standard output stays what a script may read. A command asks only for what it
was not given, and only where `can_ask` says so: in a pipe, in a job of continuous integration and under `--json` it
takes its defaults, or says which argument is missing.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping

import click

from cascade.terminal.words import is_terminal


def can_ask(*, as_json: bool = False) -> bool:
    """Tells whether a person is there to answer.

    Args:
        as_json: whether the command was called with `--json`, which no person reads.

    Returns:
        Whether standard input and standard error are terminals and the variable `CI` is not set.
    """
    in_ci = os.environ.get("CI", "").lower() not in ("", "0", "false")
    return not as_json and not in_ci and is_terminal(sys.stdin) and is_terminal(sys.stderr)


def ask_text(
    question: str, default: str | None = None, check: Callable[[str], Iterable[str]] = lambda answer: ()
) -> str:
    """Asks for a text until there is a good one.

    Args:
        question: what to ask, without a colon.
        default: the answer that Enter alone stands for; without one Enter asks again.
        check: gives a sentence for each reason why an answer will not do, as the functions of
            `cascade.scaffold.names` do. They are shown, and the question is asked again.

    Returns:
        The answer, without spaces around it.

    Raises:
        click.Abort: the person pressed Ctrl-C or Ctrl-D.
    """

    def checked(answer: str) -> str:
        problems = tuple(check(answer.strip()))
        if problems:
            raise click.UsageError(" ".join(problems))
        return answer.strip()

    return click.prompt(question, default=default, value_proc=checked, err=True)


def ask_choice(question: str, choices: Mapping[str, str], default: str) -> str:
    """Asks for one of several.

    Args:
        question: what to ask, without a colon.
        choices: what there is to choose from, in the order to show it in, each with a few words on what it is for.
        default: the choice that Enter alone stands for.

    Returns:
        The name of the choice. A person may type the name, the number in the list, or the beginning of one name.

    Raises:
        click.Abort: the person pressed Ctrl-C or Ctrl-D.
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
        begun = [name for name in names if answer and name.startswith(answer)]
        if len(begun) != 1:
            raise click.UsageError(f"{answer!r} is none of them; type one of {', '.join(names)}, or its number.")
        return begun[0]

    return click.prompt(question, default=default, value_proc=chosen, err=True)
