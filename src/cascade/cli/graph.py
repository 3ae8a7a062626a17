"""`graph`: draw the workflows, tables, models and marts of the project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade.cli.choices import Choice
from cascade.cli.completion import complete_tables
from cascade.cli.context import Invocation
from cascade.cli.since import find_affected, since_option
from cascade.exceptions import UsageError
from cascade.framework.project import Project, require_project_root

if TYPE_CHECKING:
    from cascade.drawing.graph import Graph

_FORMATS = ("html", "svg", "mermaid", "json")
_PAGE = Path(".cascade", "graph.html")


@click.command(short_help="Draw the workflows, tables, models and marts of the project.")
@click.option(
    "--format",
    "form",
    type=Choice(_FORMATS),
    default="html",
    show_default=True,
    help="What to write: a page to explore, a picture, text that GitHub and GitLab draw, or a document for scripts.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@since_option
@click.option(
    "--lineage",
    metavar="NAME",
    shell_complete=complete_tables,
    help="Draw only a table, an asset key, a model or a mart, with all that it reads and all that reads it.",
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    help="The file to write, or - for standard output. By default, HTML goes to .cascade/graph.html, and the other "
    "formats to standard output.",
)
@click.pass_obj
def graph(
    invocation: Invocation, form: str, as_json: bool, since: str | None, lineage: str | None, output: str | None
) -> None:
    """Draw the workflows of the project with their tables, the models that read them, and their marts.

    \b
        cascade graph
        cascade graph --format svg --lineage flights -o flights.svg
        cascade graph --since origin/main

    Everything comes from the source: no code of a workflow runs, and dbt does not start. So what a factory declares is
    missing, or has no table; `cascade list` has it. The HTML page is one file that needs no network.

    With `--since`, what the changes since a commit affect is highlighted, with what is built from it.
    """
    from cascade.drawing.formats import HTML, JSON, folding_notice, write
    from cascade.drawing.graph import summary
    from cascade.drawing.lineage import LineageError, lineage_of

    form = JSON if as_json else form
    root, drawn = draw_project(invocation, since)
    if lineage is not None:
        try:
            drawn = lineage_of(drawn, lineage)
        except LineageError as error:
            raise UsageError(str(error)) from error
    text = write(drawn, form)
    notice = folding_notice(drawn, form)
    if notice:
        click.echo(notice, err=True)
    if output == "-" or (output is None and form != HTML):
        click.echo(text)
        return
    file = Path(output) if output else root / _PAGE
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"Cannot write {file}: {error.strerror}.", hint="Name another file with --output.") from error
    click.echo(f"Wrote {file}: {summary(drawn)}.")


def draw_project(invocation: Invocation, since: str | None = None) -> tuple[Path, Graph]:
    """Return the root of the project and its graph.

    Args:
        invocation: the invocation.
        since: the commit whose changes are highlighted; None for none.
    """
    from cascade.cli.checked_paths import files_of
    from cascade.config.dbt_directory import dbt_directory
    from cascade.config.root import find_project_root
    from cascade.framework.declared_names import plain_settings, project_module_files
    from cascade.framework.drawn import drawn_graph

    # Without the validation of all settings, so that a project with a wrong one can be drawn.
    given: Project | None = invocation.given
    settings = plain_settings(require_project_root() if given is None else find_project_root())
    root = settings.project_root
    files = files_of(given.modules) if given is not None and given.modules is not None else project_module_files()
    name = settings.project_name if given is None else given.address or given.name
    dbt = dbt_directory(root, settings.dbt_project_dir)
    affected = None if since is None else find_affected(invocation, since, root, files, dbt)
    return root, drawn_graph(name, root, files, dbt, affected)
