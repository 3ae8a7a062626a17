"""Options that several commands share."""

from __future__ import annotations

import json
import subprocess
import sys

import click
from click.testing import CliRunner

from cascade.cli.options import json_option
from cascade.processes.children import child_environment
from cascade.terminal.output import Output


def test_standard_output_has_one_document_whatever_else_is_printed() -> None:
    program = """
import ctypes, os, subprocess, sys
import click
from cascade.cli.options import json_option

@click.command()
@json_option
def command(out):
    print("a workflow's print")
    os.write(1, b"a library in C\\n")
    subprocess.run([sys.executable, "-c", "print('a child')"], check=True)
    out.say("for people")
    out.json({"answer": 42})

command(["--json"])
"""
    result = subprocess.run(
        [sys.executable, "-c", program], env=child_environment(), capture_output=True, text=True, check=True
    )
    assert json.loads(result.stdout) == {"answer": 42}
    assert set(result.stderr.splitlines()) == {"a workflow's print", "a library in C", "a child"}


def test_without_json_the_output_is_for_users() -> None:
    @click.command()
    @json_option
    def command(out: Output) -> None:
        out.say("for people")
        out.json({"answer": 42})

    assert CliRunner().invoke(command, []).stdout == "for people\n"
