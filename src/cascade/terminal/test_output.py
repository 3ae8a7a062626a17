"""Tables for users."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cascade.terminal.output import Output
from cascade.terminal.words import counted, first_line


def test_a_table_in_a_pipe_has_plain_columns(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("name", "rows"), [("a", 5), ("longer", None), ("[red]", 1000)])
    assert capsys.readouterr().out == "name    rows\na          5\nlonger\n[red]   1000\n"


def test_plain_columns_are_as_wide_as_their_cells(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("name", "where"), [("a" * 300, "b" * 300)])
    assert capsys.readouterr().out.splitlines()[1] == f"{'a' * 300}  {'b' * 300}"


def test_control_characters_in_the_data_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Output().table(("name",), [("\x1b[31mred\x9b",), ("café\n\tau lait",)])
    assert capsys.readouterr().out == "name\n\ufffd[31mred\ufffd\ncafé au lait\n"


def test_a_table_on_a_narrow_terminal_names_the_columns_it_drops() -> None:
    program = (
        "from cascade.terminal.output import Output\n"
        "columns = [f'column{i}' for i in range(9)]\n"
        "Output().table(columns, [[f'[value]{i}' for i in range(9)]], fit=True)\n"
    )
    text = _on_a_terminal(program, COLUMNS="60")
    assert "[value]0" in text
    assert "column8" in text.splitlines()[-1]
    assert "more columns" in text


def test_names_are_never_broken_and_the_last_columns_are_dropped() -> None:
    program = (
        "from cascade.terminal.output import Output\n"
        "Output().table(['asset', 'where'], [['a' * 50, 'b' * 50]], whole=True)\n"
    )
    text = _on_a_terminal(program, COLUMNS="70")
    assert "a" * 50 in text
    assert "b" not in text.replace("\x1b", "")
    assert "1 more column: where" in text
    assert "b" * 50 in _on_a_terminal(program, COLUMNS="120")


def test_no_color_is_honored_on_a_terminal() -> None:
    program = (
        "from cascade.terminal.output import Output\nOutput().warn('careful')\nOutput().table(['head'], [['cell']])\n"
    )
    assert "\x1b[" in _on_a_terminal(program)
    assert "\x1b[" not in _on_a_terminal(program, NO_COLOR="1")


def _on_a_terminal(program: str, **variables: str) -> str:
    import pty

    parent, child = pty.openpty()
    environment = {
        **{key: value for key, value in os.environ.items() if key != "NO_COLOR"},
        "PYTHONPATH": os.pathsep.join(sys.path),
        "TERM": "xterm",
        **variables,
    }
    process = subprocess.Popen([sys.executable, "-c", program], stdout=child, stderr=child, env=environment)
    os.close(child)
    chunks = []
    while True:
        try:
            chunk = os.read(parent, 4096)
        except OSError:
            break
        if not chunk:
            break
        chunks.append(chunk)
    os.close(parent)
    assert process.wait() == 0
    return b"".join(chunks).decode()


def test_a_counted_noun_has_a_plural() -> None:
    assert (counted(1, "row"), counted(0, "row"), counted(2, "row")) == ("1 row", "0 rows", "2 rows")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (ValueError("\n  no such column  \nDETAIL: more"), "no such column"),
        (ValueError(" \n"), "ValueError"),
        ("line 1:8: Table does not exist\nat ...", "line 1:8: Table does not exist"),
        ("", "no reason given"),
    ],
)
def test_of_a_foreign_error_the_first_line_is_shown(said: BaseException | str, line: str) -> None:
    assert first_line(said) == line
