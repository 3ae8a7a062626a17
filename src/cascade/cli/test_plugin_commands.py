"""Plugins add commands, take over none, and one that does not load is reported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from cascade.cli.conftest import Cascade, cascade
from cascade.framework.conftest import THINGS, Plugins, SampleProject, plugins, project

__all__ = ["cascade", "plugins", "project"]

COUNT = """
    import click

    @click.command(short_help="Count the workflows.")
    @click.option("--twice", is_flag=True)
    @click.pass_obj
    def count(invocation, twice):
        collected, failures = invocation.loaded
        click.echo(len(collected.workflows) * (2 if twice else 1))
"""


def test_a_command_of_a_plugin_is_listed_and_runs(cascade: Cascade, project: SampleProject, plugins: Plugins) -> None:
    project.write("things.py", THINGS)
    plugins.install("acme-count", "commands", "count", "acme_count:count", COUNT)
    assert "Count the workflows." in cascade("--help").stdout
    result = cascade("count", "--twice")
    assert (result.exit_code, result.output) == (0, "2\n")
    assert 'Did you mean "count"?' in cascade("coutn").stderr


def test_a_command_that_does_not_load_is_reported_and_hides_no_other(cascade: Cascade, plugins: Plugins) -> None:
    plugins.install("acme-broken", "commands", "broken", "acme_broken:command", "raise RuntimeError('no licence')\n")
    plugins.install("acme-count", "commands", "count", "acme_count:count", COUNT)
    shown = cascade("--help")
    assert shown.exit_code == 0
    assert "(The command of acme-broken does not load.)" in shown.stdout
    assert "Count the workflows." in shown.stdout
    for words in (["broken"], ["broken", "--help"], ["broken", "--any", "word"]):
        result = cascade(*words)
        assert result.exit_code == 1
        assert 'The command "broken" of acme-broken does not load: RuntimeError: no licence.' in result.stderr


def test_a_malformed_entry_point_is_reported_and_hides_no_other(
    cascade: Cascade, project: SampleProject, plugins: Plugins
) -> None:
    project.write("things.py", THINGS)
    plugins.install("acme-count", "commands", "count", "acme_count:count", COUNT)
    plugins.install("acme-broken", "commands", "broken", "acme_broken:command")
    entries = plugins.site / "acme_broken-1.0.dist-info" / "entry_points.txt"
    entries.write_text(f"{entries.read_text()}garbage\n")
    shown = cascade("--help")
    assert shown.exit_code == 0, shown.output
    assert "Count the workflows." in shown.stdout
    said = 'The file entry_points.txt of acme-broken is malformed, so its plugins are left out: line 3 is "garbage".'
    assert said in shown.stderr
    assert cascade("count").stdout == "1\n"
    assert cascade("list").exit_code == 0
    assert said not in cascade("list").stderr
    entries.write_text("[cascade.plugins.contributors]\n[cascade.plugins.commands\n")
    assert "The file entry_points.txt of acme-broken is malformed" in cascade("validate").stdout
    assert cascade("--help").exit_code == 0


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("broken = ", 'refers to "", which does not have the form module:object'),
        ("broken = a b:c", 'refers to "a b:c", which does not have the form module:object'),
        ("= acme:command", "has no name"),
    ],
)
def test_an_entry_point_that_names_nothing_is_reported(
    cascade: Cascade, project: SampleProject, plugins: Plugins, entry: str, said: str
) -> None:
    plugins.install("acme-broken", "contributors", "broken", "acme_broken:command")
    entries = plugins.site / "acme_broken-1.0.dist-info" / "entry_points.txt"
    entries.write_text(f"[cascade.plugins.contributors]\n{entry}\n")
    result = cascade("validate")
    assert result.exit_code == 1
    assert f"of acme-broken {said}. Upgrade acme-broken, or remove it" in result.stdout


def test_an_object_that_is_not_a_command_is_reported(cascade: Cascade, plugins: Plugins) -> None:
    plugins.install("acme-wrong", "commands", "wrong", "acme_wrong:command", "def command(): ...\n")
    assert 'The command "wrong" of acme-wrong is of the type function, not a click.Command.' in cascade("wrong").stderr


def test_no_plugin_takes_over_a_command(cascade: Cascade, project: SampleProject, plugins: Plugins) -> None:
    project.write("things.py", THINGS)
    plugins.install("acme-list", "commands", "list", "acme_list:count", COUNT)
    plugins.install("acme-one", "commands", "count", "acme_one:count", COUNT)
    plugins.install("acme-two", "commands", "count", "acme_two:count", COUNT)
    assert "raw.things" in cascade("list").stdout
    shown = cascade("--help").stderr
    assert 'The command "list" of acme-list is left out, because Cascade has a command of that name.' in shown
    assert 'The command "count" of acme-two is left out, because acme-one has a command of that name.' in shown
    assert shown.count("warning:") == 2


def test_a_command_of_cascade_reads_no_entry_points(project: SampleProject) -> None:
    code = (
        "import sys\nfrom cascade.cli.main import cli\n"
        "try:\n    cli.main(['config', '--help'])\nfinally:\n    print('importlib.metadata' in sys.modules)\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )
    assert done.stdout.endswith("False\n"), done.stderr


def test_contributions_of_plugins_are_listed(cascade: Cascade, project: SampleProject, plugins: Plugins) -> None:
    source = """
        import dagster as dg
        from cascade.contributor import Contribution, Contributor

        class Lineage(Contributor):
            def contribute(self, project):
                return Contribution(assets=(dg.AssetSpec("lineage"),))
    """
    project.write("things.py", THINGS)
    plugins.install("acme-lineage", "contributors", "lineage", "acme_lineage:Lineage", source)
    plugins.install("acme-wrong", "contributors", "wrong", "acme_wrong:Wrong")
    found = cascade.json("list")
    assert found["others"] == [
        {"kind": "asset", "name": "lineage", "module": 'the contributor "lineage" of acme-lineage'}
    ]
    (failure,) = found["failures"]
    assert 'The contributor "wrong" of acme-wrong does not load' in failure
    result = cascade("materialize", "things", "--partition", "2024-01-01")
    assert result.exit_code == 0, result.output
    assert 'warning: not loaded: The contributor "wrong" of acme-wrong' in result.stderr
