"""Questions go to a user at a terminal, on standard error, until the answer is valid."""

from __future__ import annotations

import io
from collections.abc import Iterator
from types import SimpleNamespace

import click
import pytest
from click.testing import CliRunner, Result

from cascade.terminal import questions
from cascade.terminal.questions import ask_choice, ask_text, can_ask

TEMPLATES = {"basic": "a whole project", "advanced": "two domains", "minimal": "one file"}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Return the streams of a terminal, which replace `sys`: pytest swaps its streams between fixtures and test."""
    streams = SimpleNamespace(stdin=Terminal(), stderr=Terminal())
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setattr(questions, "sys", streams)
    return streams


def asked(question: click.Command, typed: str) -> Result:
    return CliRunner().invoke(question, input=typed)


@click.command()
def text() -> None:
    click.echo(f"<{ask_text('Name', 'shop', check=spaces)}>")


def spaces(name: str) -> Iterator[str]:
    if " " in name:
        yield f"{name!r} has a space."
        yield "Use an underscore."


@click.command()
def needed() -> None:
    click.echo(f"<{ask_text('Name')}>")


@click.command()
def choice() -> None:
    click.echo(f"<{ask_choice('Template', TEMPLATES, 'basic')}>")


@pytest.mark.usefixtures("terminal")
def test_a_user_at_a_terminal_can_be_asked() -> None:
    assert can_ask()
    assert not can_ask(as_json=True)


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize(("value", "answer"), [("true", False), ("1", False), ("", True), ("false", True)])
def test_ci_cannot_be_asked(monkeypatch: pytest.MonkeyPatch, value: str, answer: bool) -> None:
    monkeypatch.setenv("CI", value)
    assert can_ask() is answer


@pytest.mark.parametrize("stream", ["stdin", "stderr"])
def test_a_pipe_cannot_be_asked(terminal: SimpleNamespace, stream: str) -> None:
    setattr(terminal, stream, io.StringIO())
    assert not can_ask()


def test_enter_takes_the_default_and_questions_stay_off_standard_output() -> None:
    result = asked(text, "\n")
    assert result.stdout == "<shop>\n"
    assert result.stderr.startswith("Name [shop]:")


def test_an_invalid_answer_is_explained_and_the_question_repeated() -> None:
    result = asked(text, "my shop\n my_shop \n")
    assert result.stdout == "<my_shop>\n"
    assert "Error: 'my shop' has a space. Use an underscore.\n" in result.stderr


def test_without_a_default_enter_repeats_the_question() -> None:
    assert asked(needed, "\n\nshop\n").stdout == "<shop>\n"


def test_end_of_input_ends_the_command() -> None:
    result = asked(needed, "")
    assert (result.exit_code, result.stdout) == (1, "")


@pytest.mark.parametrize(
    ("typed", "answer"), [("\n", "basic"), ("advanced\n", "advanced"), ("3\n", "minimal"), ("Adv\n", "advanced")]
)
def test_a_choice_is_typed_by_name_number_or_prefix(typed: str, answer: str) -> None:
    assert asked(choice, typed).stdout == f"<{answer}>\n"


@pytest.mark.parametrize("typed", ["4", "0", "x", " "])
def test_an_unknown_choice_repeats_the_question(typed: str) -> None:
    result = asked(choice, f"{typed}\nminimal\n")
    assert result.stdout == "<minimal>\n"
    assert "is not a choice. Type one of basic, advanced, minimal, or its number." in result.stderr


def test_choices_are_shown_with_their_meaning() -> None:
    lines = asked(choice, "\n").stderr.splitlines()
    assert lines[:3] == ["  1  basic     a whole project", "  2  advanced  two domains", "  3  minimal   one file"]
