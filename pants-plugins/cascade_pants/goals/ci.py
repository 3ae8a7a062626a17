"""`pants cascade-ci --since=COMMIT`: run what a change touches on branches of the tables, and summarize."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from pants.base.build_root import BuildRoot
from pants.base.glob_match_error_behavior import GlobMatchErrorBehavior
from pants.base.specs import RawSpecs, RecursiveGlobSpec, Specs
from pants.core.goals.run import RunRequest
from pants.engine.console import Console
from pants.engine.env_vars import CompleteEnvironmentVars
from pants.engine.fs import CreateDigest, Digest, FileContent
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.process import InteractiveProcess
from pants.engine.rules import collect_rules, goal_rule
from pants.option.option_types import BoolOption, IntOption, StrOption
from pants.util.docutil import bin_name
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.affected.affected import Affected
from cascade_pants.affected.comparison import Comparison
from cascade_pants.affected.repository_graph import RepositoryGraphRequest, repository_graph
from cascade_pants.git import GitError, Repository
from cascade_pants.goals.dev_process import CHROOT
from cascade_pants.goals.projects import WRONG_USE, NoProjectError, chosen_projects, projects_in
from cascade_pants.goals.run import CascadeProjectRunFieldSet
from cascade_pants.goals.since import since_option

GOAL = "cascade-ci"
DIRECTORY = "__cascade_ci"
FILE = "affected.json"


class CascadeCiSubsystem(GoalSubsystem):
    name = GOAL
    help = help_text(
        """
        Run the workflows and dbt models that the changes since a commit touch, with their checks, on Iceberg branches
        of the tables, and show which rows and columns differ. Then the branches are dropped; readers of `main` see
        nothing of it.

        What the changes touch is what `cascade-affected` says. Without specs, each project that they touch runs, one
        after the other. The settings of a project say which lakehouse it uses. The exit code is 1 if a run or a check
        failed.

        Examples: `pants cascade-ci --since=origin/main`, `pants cascade-ci --since=origin/main --summary=ci.md :dev`
        """
    )

    since = since_option()
    partitions = IntOption(
        default=1,
        help=softwrap(
            """
            How many of the newest published partitions of each workflow to run.

            Example: `--partitions=3`
            """
        ),
    )
    summary = StrOption(
        default=None,
        help=softwrap(
            """
            The file to write the summary to, as Markdown. If several projects run, the name of each is put before the
            suffix.

            Example: `--summary=ci.md`
            """
        ),
    )
    keep = BoolOption(default=False, help="Do not drop the branches at the end. They stay for a day.")
    dry_run = BoolOption(default=False, help="Print what would run, and run nothing.")


class CascadeCi(Goal):
    subsystem_cls = CascadeCiSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


def ci_arguments(options: CascadeCiSubsystem, build_root: str, project: str, *, several: bool) -> tuple[str, ...]:
    """Build the words after the command line of a project.

    Args:
        options: the options of the goal.
        build_root: the root of the repository.
        project: the name of the project.
        several: whether other projects run too.
    """
    words = ["ci", "--affected", f"{CHROOT}/{DIRECTORY}/{FILE}", "--partitions", str(options.partitions)]
    if options.summary:
        stem, suffix = os.path.splitext(os.path.join(build_root, options.summary))
        words += ["--summary", f"{stem}.{project}{suffix}" if several else f"{stem}{suffix}"]
    words += ["--keep"] if options.keep else []
    words += ["--dry-run"] if options.dry_run else []
    return tuple(words)


def ci_process(
    request: RunRequest,
    arguments: Sequence[str],
    affected: Digest,
    environment: Mapping[str, str],
) -> InteractiveProcess:
    """Build the process that runs a project.

    Args:
        request: how to run the project.
        arguments: the words after its command line.
        affected: the file that says what is affected.
        environment: the user's environment.
    """
    return InteractiveProcess(
        argv=(*request.args, *arguments),
        env={**environment, **request.extra_env},
        input_digest=request.digest,
        run_in_workspace=True,
        append_only_caches=request.append_only_caches or {},
        immutable_input_digests={**(request.immutable_input_digests or {}), DIRECTORY: affected},
    )


@goal_rule
async def cascade_ci(
    console: Console,
    specs: Specs,
    options: CascadeCiSubsystem,
    environment: CompleteEnvironmentVars,
    build_root: BuildRoot,
) -> CascadeCi:
    if not options.since or options.partitions < 1:
        problem = (
            f"Say what to compare with, such as `{bin_name()} {GOAL} --since=origin/main`."
            if not options.since
            else f"--partitions={options.partitions} is not a number of partitions. Give 1 or more."
        )
        console.print_stderr(console.red(problem))
        return CascadeCi(exit_code=WRONG_USE)
    repository = Repository(build_root.path)
    try:
        comparison = Comparison(repository, repository.base_of(options.since))
        graph = await repository_graph(RepositoryGraphRequest())
        report = Affected(options.since, comparison, graph).report()
    except GitError as error:
        console.print_stderr(console.red(str(error)))
        return CascadeCi(exit_code=WRONG_USE)
    touched = {item.name for item in report.items["projects"]}
    try:
        everything = RawSpecs(
            description_of_origin="the repository",
            recursive_globs=(RecursiveGlobSpec(""),),
            unmatched_glob_behavior=GlobMatchErrorBehavior.ignore,
        )
        found = await chosen_projects(specs, GOAL) if specs.includes else await projects_in(everything)
    except NoProjectError as error:
        console.print_stderr(console.red(str(error)))
        return CascadeCi(exit_code=WRONG_USE)
    projects = [project for project in found if project.address.spec in touched]
    if not projects:
        console.print_stdout(f"The changes since {options.since} touch no project.")
        return CascadeCi(exit_code=0)
    content = json.dumps(report.document()).encode()
    affected = await engine.create_digest(CreateDigest([FileContent(FILE, content)]))
    code = 0
    for project in projects:
        console.print_stderr(f"Running what the change touches in {project.address.spec} ...")
        request = await engine.run_request(CascadeProjectRunFieldSet.create(project))
        arguments = ci_arguments(options, build_root.path, project.address.target_name, several=len(projects) > 1)
        result = await engine.run_interactive(ci_process(request, arguments, affected, environment))
        code = max(code, abs(result.exit_code))
    return CascadeCi(exit_code=code)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
