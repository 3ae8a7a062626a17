"""`completion`: the script for completion in a shell, and the names that it offers."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from cascade.cli.choices import Choice

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from cascade.framework.declared_names import DeclaredName

COMPLETE_VARIABLE = "_CASCADE_COMPLETE"
"""Set by the script when the shell asks for words."""


@click.command(short_help="Print the script that completes words in a shell.")
@click.argument("shell", type=Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script that lets SHELL complete commands, options, and the names of assets and tables.

    To load it in every new shell:

    \b
        echo 'eval "$(cascade completion bash)"' >> ~/.bashrc
        echo 'eval "$(cascade completion zsh)"' >> ~/.zshrc      (below the line with compinit)
        cascade completion fish > ~/.config/fish/completions/cascade.fish

    The names are read from the source of the project in the working directory, without running it.
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "cascade", COMPLETE_VARIABLE).source())


def complete_assets(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the assets of the project, except those already typed."""
    typed = ctx.params.get(parameter.name or "") or ()
    return _offered(((name.asset, name.module) for name in _names(ctx) if name.asset not in typed), incomplete)


def complete_tables(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the tables of the project, those of the namespace `raw` by their short names unless `raw.` was typed."""
    pairs = [(name.table, name.module) for name in _names(ctx) if name.table]
    short = [(table.removeprefix("raw."), module) for table, module in pairs]
    return _offered(short, incomplete) or _offered(pairs, incomplete)


def complete_workflows(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Offer the domains and the tables of the project's workflows."""
    from cascade.processes.workflow_tests import domain_of

    names = [name for name in _names(ctx) if name.table]
    domains = {domain_of(name.module): f"workflows in {domain_of(name.module)}" for name in names}
    return _offered([*domains.items(), *((name.asset, name.module) for name in names)], incomplete)


def _names(ctx: click.Context) -> list[DeclaredName]:
    """Read the names, or return none on an error, which a shell cannot show in the middle of a line."""
    from cascade.framework.declared_names import declared_names, project_module_files

    if getattr(ctx.obj, "given", None) is not None:
        return []
    try:
        # `cascade_config.py` may print, and the shell would offer what it prints as words.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return declared_names(project_module_files())
    except Exception:
        return []


def _offered(pairs: Iterable[tuple[str, str]], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(value, help=text) for value, text in dict(pairs).items() if value.startswith(incomplete)]
