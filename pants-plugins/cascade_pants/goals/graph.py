"""`pants cascade-graph`: draw the workflows, tables, models and marts of the repository."""

from __future__ import annotations

import os
from enum import Enum
from typing import Any, Optional

from pants.base.build_root import BuildRoot
from pants.base.specs import Specs
from pants.core.util_rules.distdir import DistDir
from pants.engine.console import Console
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import collect_rules, goal_rule
from pants.option.option_types import EnumOption, StrOption
from pants.util.strutil import help_text, softwrap

from cascade_pants.affected.affected import Affected
from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.formats import chain
from cascade_pants.affected.report import Report
from cascade_pants.affected.repository_graph import RepositoryGraphRequest, repository_graph
from cascade_pants.drawing.folding import MOST_NODES
from cascade_pants.drawing.formats import folding_notice, write
from cascade_pants.drawing.graph import summary
from cascade_pants.drawing.lineage import LineageError, lineage_of
from cascade_pants.git import GitError, Repository
from cascade_pants.goals.projects import WRONG_USE, NoProjectError, chosen_projects
from cascade_pants.goals.since import since_option
from cascade_pants.util_rules import drawn
from cascade_pants.util_rules.drawn import DrawnRequest, drawn_repository

GOAL = "cascade-graph"


class GraphFormat(Enum):
    """How the graph is written."""

    HTML = "html"
    SVG = "svg"
    MERMAID = "mermaid"
    JSON = "json"


class CascadeGraphSubsystem(GoalSubsystem):
    name = GOAL
    help = help_text(
        """
        Draw the workflows of the repository with their tables, the dbt models that read them, and the marts that
        these are published as.

        Everything comes from BUILD files and the source; no code of a workflow runs. Without an address, all projects
        are drawn; with addresses, those projects alone. The HTML page is one file that needs no network: search, open
        the domains, and click on a box to see its file and line, key, cron, owners, and what it reads and feeds.

        Example: `pants cascade-graph :dev --since=origin/main`
        """
    )

    format = EnumOption(
        default=GraphFormat.HTML,
        help=softwrap(
            f"""
            What to write. `html` is a page to explore; `svg` is a picture; `mermaid` is text that GitHub, GitLab and
            many wikis draw; `json` is for scripts. With more than {MOST_NODES} nodes, `svg` and `mermaid` show one box
            for each domain.
            """
        ),
    )
    since = since_option(
        "Highlight what the changes since a commit, a tag or a branch touch, as `cascade-affected` reports it."
    )
    lineage = StrOption(
        default=None,
        help=softwrap(
            """
            Draw only one thing, with all that it reads and all that reads it. Name a table, an asset key or a model.

            Example: `--lineage=raw.flights`
            """
        ),
    )
    output = StrOption(
        default=None,
        help=softwrap(
            """
            The file to write, from the root of the repository; `-` for standard output. By default, HTML is written to
            `cascade-graph.html` in the directory of packages, and the other formats to standard output.

            Example: `--output=docs/graph.svg`
            """
        ),
    )


class CascadeGraph(Goal):
    subsystem_cls = CascadeGraphSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


class _OutputError(Exception):
    """The file cannot be written. The message says what to change."""


def because(report: Report) -> dict[str, str]:
    """Return why a change touches something, by the address of a project, or the place or the path of anything else.

    Args:
        report: what the change touches.
    """
    found = {}
    for kind, field in (("projects", "address"), ("assets", "place"), ("models", "path")):
        for item in report.items[kind]:
            found[str(item.fields[field])] = chain(item.steps)
    for item in report.items["checks"]:
        # A test of dbt has no place of its own in the picture.
        if "place" in item.fields:
            found.setdefault(str(item.fields["place"]), chain(item.steps))
    return found


def _save(text: str, path: str, root: str) -> None:
    target = os.path.join(root, path)
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "w", encoding="utf-8", errors="replace") as stream:
            stream.write(text + "\n")
    except OSError as error:
        raise _OutputError(f"Cannot write {path!r}: {error.strerror}. Give another file with --output.") from error


async def _reasons(since: Optional[str], root: str) -> tuple[str, dict[str, str]]:  # noqa: UP045
    if not since:
        return "", {}
    repository = Repository(root)
    comparison = Comparison(repository, repository.base_of(since))
    graph = await repository_graph(RepositoryGraphRequest())
    return since, because(Affected(since, comparison, graph).report())


@goal_rule
async def cascade_graph(
    console: Console, options: CascadeGraphSubsystem, build_root: BuildRoot, dist: DistDir, specs: Specs
) -> CascadeGraph:
    try:
        chosen = await chosen_projects(specs, GOAL) if specs.includes else ()
        since, reasons = await _reasons(options.since, build_root.path)
        title = ", ".join(project.address.spec for project in chosen) or os.path.basename(build_root.path)
        repository = await drawn_repository(DrawnRequest())
        graph = repository.graph(title, since, reasons)
        if chosen:
            graph = graph.only(project.address.spec for project in chosen)
        if options.lineage:
            graph = lineage_of(graph, options.lineage)
        text = write(graph, options.format.value)
        output = options.output
        if not output and options.format is GraphFormat.HTML:
            output = os.path.join(str(dist.relpath), "cascade-graph.html")
        if output and output != "-":
            _save(text, output, build_root.path)
            console.print_stdout(f"Wrote {output}: {summary(graph)}.")
        else:
            console.print_stdout(text)
    except (GitError, LineageError, NoProjectError, _OutputError) as error:
        console.print_stderr(console.red(str(error)))
        return CascadeGraph(exit_code=WRONG_USE)
    notice = folding_notice(graph, options.format.value)
    if notice:
        console.print_stderr(notice)
    return CascadeGraph(exit_code=0)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), *drawn.rules()]
