"""`pants cascade-scaffold DIRECTORY`: write a new workflow."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from pants.backend.python.subsystems.setup import PythonSetup
from pants.base.build_root import BuildRoot
from pants.base.specs import Specs
from pants.core.goals.tailor import TailorSubsystem
from pants.engine.addresses import Address
from pants.engine.console import Console
from pants.engine.fs import CreateDigest, FileContent, Workspace
from pants.engine.goal import Goal, GoalSubsystem
from pants.engine.rules import collect_rules, goal_rule
from pants.option.option_types import BoolOption, StrListOption, StrOption
from pants.source.source_root import NoSourceRootError, SourceRootsRequest
from pants.util.docutil import bin_name
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.goals.projects import projects_at_root
from cascade_pants.goals.scaffold_answer import ScaffoldAnswer, ScaffoldRequest, scaffold_answer
from cascade_pants.goals.scaffold_table import TableTakenError, declared_tables, table_for, taken_notice
from cascade_pants.util_rules.all_workflows import AllWorkflows

WRONG_USE = 2
EXAMPLE = "cascade-scaffold src/workflows/weather"


class CascadeScaffoldSubsystem(GoalSubsystem):
    name = "cascade-scaffold"
    help = help_text(
        """
        Write a new workflow: a function that ingests, the schema of its rows, a test and a BUILD file.

        Example: `pants cascade-scaffold src/workflows/weather`

        The directory must lie under a source root (`pants roots` lists them); its name becomes the workflow's subject,
        here `weather`, and with it the name of the package, the group and the table `weather_observations`.
        The workflow runs at once, offline, and belongs to every `cascade_project` of its resolve. Its test runs it into
        a throw-away lakehouse. Replace the source and the schema by your own.
        """
    )

    # Not an enumeration: the runtime of the resolve knows what it has templates for, and its error is the better one.
    type = StrOption(
        default="file",
        help=softwrap(
            """
            Where rows come from: `file` (CSV, JSON lines or Parquet beside the code), `rest-api` (dlt's REST source),
            `database` (a table, through dlt and SQLAlchemy) or `dataframe` (Polars).

            Example: `--type=rest-api`
            """
        ),
    )
    table = StrOption(
        default=None,
        help=softwrap(
            """
            The table to fill. By default the directory's name and `_observations`; if another workflow of the
            repository fills that one already, a name near to it.

            Example: `--table=hourly_weather`
            """
        ),
    )
    unique_key = StrListOption(
        help=softwrap(
            """
            The columns that identify a row. A run replaces rows of the same key. By default `id`.

            Example: `--unique-key=station,observed_at`
            """
        ),
    )
    cron = StrOption(
        default=None,
        help=softwrap(
            """
            When the workflow runs by itself, as a cron expression. By default it runs only when asked to.

            Example: `--cron='0 6 * * *'`, every day at six. Pants takes a value that begins with `@` for the name of a
            file, so double it: `--cron=@@daily`.
            """
        ),
    )
    force = BoolOption(default=False, help="Overwrite files that exist already.")
    dry_run = BoolOption(default=False, help="Print the files instead of writing them.")


class CascadeScaffold(Goal):
    subsystem_cls = CascadeScaffoldSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


class WrongUseError(Exception):
    """The command line asks for something that cannot be done."""


def directory_in(specs: Specs) -> str:
    """Find the one new directory that the command line names.

    Args:
        specs: what was given, relative to the root of the repository. A path with a dot in its name arrives as a file.

    Returns:
        The directory.

    Raises:
        WrongUseError: something else than one directory was given.
    """
    given = specs.includes
    paths = [*(spec.directory for spec in given.dir_literals), *(spec.file for spec in given.file_literals)]
    others = [
        str(spec)
        for kind in (
            given.address_literals,
            given.dir_globs,
            given.recursive_globs,
            given.ancestor_globs,
            given.file_globs,
        )
        for spec in kind
    ]
    if len(paths) == 1 and not others and not specs.ignores:
        return paths[0]
    what = ", ".join([*paths, *others]) or "nothing"
    raise WrongUseError(f"cascade-scaffold takes one directory, and got {what}. Example: {bin_name()} {EXAMPLE}")


def package_in(directory: str, source_root: str) -> str:
    """Name the package of a directory.

    Args:
        directory: relative to the root of the repository.
        source_root: the source root above it, `.` for the root of the repository.

    Raises:
        WrongUseError: the directory is the source root itself.
    """
    parts = PurePath(directory).relative_to(source_root).parts
    if not parts:
        example = PurePath(source_root, "workflows", "weather")
        raise WrongUseError(
            f"{directory or 'The root of the repository'} is a source root. A workflow is a package below it, "
            f"such as {example}."
        )
    return ".".join(parts)


def escapes(directory: str, root: str) -> bool:
    """Whether a directory leads out of the repository, through `..` or a symbolic link.

    Args:
        directory: relative to the root.
        root: of the repository.
    """
    real_root = os.path.realpath(root)
    return os.path.commonpath([real_root, os.path.realpath(os.path.join(root, directory))]) != real_root


def build_file(directory: str, files: Iterable[str], resolve: str | None) -> str:
    """Write the BUILD file of a workflow.

    Args:
        directory: of the workflow.
        files: all files of the workflow. Those that are not Python become resources, which sandboxes and PEXes get.
        resolve: the resolve to name, if it is not the default one.
    """
    data = sorted({os.path.dirname(os.path.relpath(path, directory)) for path in files if not path.endswith(".py")})
    arguments = []
    if data:
        arguments.append('dependencies=[":data"]')
    if resolve is not None:
        arguments.append(f'resolve="{resolve}"')
    text = f"cascade_workflow({', '.join(arguments)})\n"
    if data:
        globs = ", ".join(f'"{folder}/*"' if folder else '"*"' for folder in data)
        text += f'\nresources(name="data", sources=[{globs}])\n'
    return text


def files_to_write(
    directory: str, root: str, answer: ScaffoldAnswer, build_path: str, resolve: str | None
) -> dict[str, str]:
    """Put together everything that the new workflow needs.

    Args:
        directory: of the workflow.
        root: of the repository.
        answer: the files from the templates.
        build_path: path of the BUILD file.
        resolve: the resolve to name in it, if it is not the default one.

    Returns:
        The text of each file by its path, BUILD first. Packages above get an `__init__.py` if their directory is new.
    """
    packages = {
        path: text
        for path, text in answer.packages.items()
        if not os.path.isdir(os.path.join(root, os.path.dirname(path)))
    }
    return {build_path: build_file(directory, answer.files, resolve), **packages, **answer.files}


def written_report(files: Iterable[str], answer: ScaffoldAnswer, directory: str, projects: Sequence[Address]) -> str:
    """Say what was written and what to type next.

    Args:
        files: the paths.
        answer: the files from the templates.
        directory: of the workflow.
        projects: those at the root of the repository, of which the first is taken as the example.
    """
    pants = bin_name()
    first = f":{projects[0].target_name}" if projects else "PROJECT"
    return "\n".join(
        [
            *(f"Wrote {path}" for path in files),
            "",
            "Next:",
            f"  {pants} test {directory}::",
            f"  {pants} check {directory}::",
            f"  {pants} run {first} -- materialize {answer.table} --partition {answer.partition}",
        ]
    )


def preview(files: Mapping[str, str]) -> str:
    """Show the files that a dry run does not write.

    Args:
        files: the text of each by its path.
    """
    return "\n".join(f"# {path}\n{text}" for path, text in files.items()) + "Nothing was written (--dry-run)."


async def source_root_of(directory: str) -> str:
    """Find the source root above a directory.

    Raises:
        WrongUseError: there is none.
    """
    # A file stands for the directory, so that a directory that is itself a source root counts as one.
    file = PurePath(directory, "observations.py")
    try:
        roots = await engine.source_roots(SourceRootsRequest.for_files([str(file)]))
    except NoSourceRootError:
        raise WrongUseError(
            f"{directory} is not under a source root, so its code could not be imported. `{bin_name()} roots` lists "
            "the source roots; [source].root_patterns in pants.toml sets them."
        ) from None
    return roots.path_to_root[file].path


@goal_rule
async def cascade_scaffold(
    console: Console,
    specs: Specs,
    options: CascadeScaffoldSubsystem,
    workspace: Workspace,
    build_root: BuildRoot,
    python_setup: PythonSetup,
    tailor: TailorSubsystem,
    workflows: AllWorkflows,
) -> CascadeScaffold:
    try:
        directory = directory_in(specs)
        if escapes(directory, build_root.path):
            raise WrongUseError(f"{directory} is outside this repository, {build_root.path}.")
        package = package_in(directory, await source_root_of(directory))
        domain = package.rpartition(".")[2]
        taken = await declared_tables(workflows, outside=directory)
        table = table_for(domain, options.table, taken)
    except (WrongUseError, TableTakenError) as error:
        console.print_stderr(console.red(str(error)))
        return CascadeScaffold(exit_code=WRONG_USE)
    answer = await scaffold_answer(
        ScaffoldRequest.create(
            {
                "kind": "ingestion",
                "source": options.type,
                "package": package,
                "directory": directory,
                "table": table,
                "unique_key": list(options.unique_key) or None,
                "cron": options.cron,
                "flavour": "pants",
            }
        )
    )
    if answer.error is not None:
        console.print_stderr(console.red(answer.error))
        return CascadeScaffold(exit_code=1 if answer.runtime_missing else WRONG_USE)
    resolve = answer.resolve if answer.resolve != python_setup.default_resolve else None
    build_path = os.path.join(directory, tailor.build_file_name)
    files = files_to_write(directory, build_root.path, answer, build_path, resolve)
    existing = [path for path in files if os.path.lexists(os.path.join(build_root.path, path))]
    if existing and not options.force:
        listed = "\n".join(f"  {path}" for path in existing)
        console.print_stderr(
            console.red(f"These files exist already, and nothing was written:\n{listed}\n--force overwrites them.")
        )
        return CascadeScaffold(exit_code=1)
    if options.dry_run:
        console.print_stdout(preview(files))
        return CascadeScaffold(exit_code=0)
    digest = await engine.create_digest(CreateDigest(FileContent(path, text.encode()) for path, text in files.items()))
    workspace.write_digest(digest)
    if table is not None and options.table is None:
        console.print_stdout(taken_notice(domain, table, taken))
    projects = await projects_at_root()
    console.print_stdout(written_report(files, answer, directory, [project.address for project in projects]))
    return CascadeScaffold(exit_code=0)


def rules() -> list[Any]:
    """The rules of this module."""
    return list(collect_rules())
