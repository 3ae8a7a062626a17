"""`pants cascade-affected --since=COMMIT`: what a change touches, with reasons."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from pants.base.build_root import BuildRoot
from pants.engine.console import Console
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import collect_rules, goal_rule
from pants.option.option_types import EnumOption, StrOption
from pants.util.docutil import bin_name
from pants.util.strutil import help_text, softwrap

from cascade_pants.affected import repository_graph as graph_rules
from cascade_pants.affected.affected import Affected
from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.formats import as_markdown, as_text, explanation
from cascade_pants.affected.repository_graph import RepositoryGraphRequest, repository_graph
from cascade_pants.git import GitError, Repository
from cascade_pants.goals.projects import WRONG_USE
from cascade_pants.goals.since import since_option
from cascade_pants.spelling import nearest

GOAL = "cascade-affected"


class AffectedFormat(Enum):
    """How the report is written."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"


class CascadeAffectedSubsystem(GoalSubsystem):
    name = GOAL
    help = help_text(
        """
        Print what the changes since a commit touch: projects, assets, dbt models, checks, tests and artifacts, each
        with a shortest path of reasons back to a changed file.

        The working tree is compared with the newest commit that it has in common with `--since`; files that git does
        not track yet count too. What cannot be decided counts as affected, and its reason says so. The exit code is 0
        whether something is affected or not.

        Example: `pants cascade-affected --since=origin/main`
        """
    )

    since = since_option()
    format = EnumOption(
        default=AffectedFormat.TEXT,
        help=softwrap(
            """
            How to write the report. `json` is one document for scripts, of which the guide describes the fields, and
            `markdown` is for a comment on a change.
            """
        ),
    )
    explain = StrOption(
        default=None,
        help=softwrap(
            """
            Explain why one thing is affected, with a path for each changed file that leads to it. Name a table, an
            asset key, a dbt model or an address.

            Example: `--explain=raw.flights`
            """
        ),
    )


class CascadeAffected(Goal):
    subsystem_cls = CascadeAffectedSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


def unknown_name(name: str, known: set[str]) -> str:
    """Say that `--explain` names nothing, and what it may have meant."""
    meant = nearest(name, sorted(known))
    return f"--explain={name!r} names nothing in this repository: no table, asset key, dbt model or address. " + (
        f"Did you mean {meant!r}?" if meant else f"`{bin_name()} list ::` lists the addresses."
    )


@goal_rule
async def cascade_affected(
    console: Console, options: CascadeAffectedSubsystem, build_root: BuildRoot
) -> CascadeAffected:
    if not options.since:
        console.print_stderr(
            console.red(f"Say what to compare with, such as `{bin_name()} {GOAL} --since=origin/main`.")
        )
        return CascadeAffected(exit_code=WRONG_USE)
    repository = Repository(build_root.path)
    try:
        # Git answers at once, and the graph takes a while.
        comparison = Comparison(repository, repository.base_of(options.since))
        graph = await repository_graph(RepositoryGraphRequest())
        affected = Affected(options.since, comparison, graph)
        if options.explain:
            paths = affected.paths_to(options.explain)
            if paths is None:
                console.print_stderr(console.red(unknown_name(options.explain, affected.names())))
                return CascadeAffected(exit_code=WRONG_USE)
            console.print_stdout(explanation(options.explain, paths))
            return CascadeAffected(exit_code=0)
        report = affected.report()
    except GitError as error:
        console.print_stderr(console.red(str(error)))
        return CascadeAffected(exit_code=WRONG_USE)
    if options.format is AffectedFormat.JSON:
        console.print_stdout(json.dumps(report.document(), indent=2))
    else:
        console.print_stdout(as_markdown(report) if options.format is AffectedFormat.MARKDOWN else as_text(report))
    return CascadeAffected(exit_code=0)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return [*collect_rules(), *graph_rules.rules()]
