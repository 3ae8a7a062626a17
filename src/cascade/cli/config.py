"""`config show` and `config docs`."""

from __future__ import annotations

import click

from cascade.cli.context import Invocation
from cascade.cli.options import json_option
from cascade.terminal.output import Output


@click.group()
def config() -> None:
    """Show the settings and their sources."""


@config.command()
@json_option
@click.pass_obj
def show(invocation: Invocation, out: Output) -> None:
    """Print every setting, its value and its source. Secrets are masked."""
    settings = invocation.config.describe()
    out.json(
        {
            "project_root": str(invocation.config.project_root),
            "settings": [
                {
                    "name": setting.name,
                    "value": setting.value,
                    "source": setting.source,
                    "origin": setting.origin,
                    "known": not setting.extra,
                }
                for setting in settings
            ],
        }
    )
    out.table(
        ("setting", "value", "source", "where"),
        [(setting.name, setting.value, setting.source, setting.origin) for setting in settings],
    )


@config.command()
def docs() -> None:
    """Print a Markdown table of all settings."""
    from cascade.config import settings_table

    click.echo(settings_table(), nl=False)
