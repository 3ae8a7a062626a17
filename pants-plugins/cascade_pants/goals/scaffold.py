"""`pants cascade-scaffold DIRECTORY`: write a new workflow, checks or a dbt model."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
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
from pants.engine.target import AllTargets
from pants.option.option_types import BoolOption, StrListOption, StrOption
from pants.util.docutil import bin_name
from pants.util.strutil import help_text, softwrap

from cascade_pants import engine
from cascade_pants.goals.projects import WRONG_USE, projects_at_root
from cascade_pants.goals.scaffold_answer import (
    NO_PLUGINS_BY_RESOLVE,
    ScaffoldAnswer,
    ScaffoldRequest,
    scaffold_answer,
)
from cascade_pants.goals.scaffold_arguments import (
    WrongUseError,
    directory_in,
    escapes,
    filled_table,
    package_in,
    source_root_of,
    table_for,
)
from cascade_pants.goals.scaffold_dbt import DBT, NewModel, clashing_model, model_report, new_model
from cascade_pants.reader.tables import other_table_notice
from cascade_pants.util_rules.plugins import plugins_by_resolve
from cascade_pants.util_rules.table_map import LocatedDeclaration, TableMap

QUALITY = "quality"
"""The type that stands for checks of a table."""

BUILT_IN = ("file", "rest-api", "database", "dataframe", QUALITY, DBT)
"""The types for which no plugin is asked."""


class CascadeScaffoldSubsystem(GoalSubsystem):
    name = "cascade-scaffold"
    help = help_text(
        """
        Write a new workflow: a function that ingests rows, their schema, a test and a BUILD file. Or write checks, or a
        dbt model, of a table that a workflow fills.

        Examples: `pants cascade-scaffold src/workflows/weather`,
        `pants cascade-scaffold --type=quality src/workflows/weather` and
        `pants cascade-scaffold --type=dbt src/transforms/weather`

        Put options before the directory: `pants cascade-scaffold --type=dataframe src/workflows/weather`. Pants takes
        an option after it for one of its own.

        The directory must be under a source root (`pants roots` lists them). Its name becomes the workflow's domain,
        here `weather`, and names the package, the group and the table `weather_observations`.

        The workflow runs right away, offline, and belongs to every `cascade_project` of its resolve. Its test runs it
        against a temporary lakehouse. Replace the source and the schema with your own.
        """
    )

    # Not an enumeration: the runtime of the resolve knows what it has templates for, and its error is the better one.
    type = StrOption(
        default="file",
        help=softwrap(
            """
            The source of the rows: `file` (CSV, JSON lines or Parquet next to the code), `rest-api` (dlt's REST
            source), `database` (a table, through dlt and SQLAlchemy) or `dataframe` (Polars). Or `quality`, for checks
            of the table that `--table` names, in `checks.py`. Or `dbt`, for a model of that table with its source and
            its data tests: in the dbt project around the directory, else in a new one. Plugins that
            a `cascade_project` names in its field `plugins` add sources.

            Example: `--type=rest-api`
            """
        ),
    )
    table = StrOption(
        default=None,
        help=softwrap(
            """
            The table to fill, to check or to model. By default the directory's name followed by `_observations`, or, to
            fill, a similar name if another workflow of the repository already fills that table.

            Example: `--table=hourly_weather`
            """
        ),
    )
    unique_key = StrListOption(
        help=softwrap(
            """
            The columns that identify a row. A run replaces rows that have the same key. By default `id`.

            Example: `--unique-key=station,observed_at`
            """
        ),
    )
    cron = StrOption(
        default=None,
        help=softwrap(
            """
            The schedule of the workflow, as a cron expression. By default it runs on demand only.

            Example: `--cron='0 6 * * *'` runs it every day at six. Pants reads a value that starts with `@` from a
            file, so double the sign: `--cron=@@daily`.
            """
        ),
    )
    force = BoolOption(default=False, help="Overwrite existing files.")
    dry_run = BoolOption(default=False, help="Print the files instead of writing them.")


class CascadeScaffold(Goal):
    subsystem_cls = CascadeScaffoldSubsystem
    environment_behavior = Goal.EnvironmentBehavior.LOCAL_ONLY


def files_to_write(build_path: str, answer: ScaffoldAnswer, root: str, *, joins: bool = False) -> dict[str, str]:
    """Collect every file of the new workflow.

    Args:
        build_path: the path of its BUILD file.
        answer: the files from the templates.
        root: the root of the repository.
        joins: whether the files join a workflow that may be there, whose BUILD file then stays.

    Returns:
        The text of each file by its path, BUILD first. A package above gets an `__init__.py` if its directory is new.
    """
    packages = {
        path: text
        for path, text in answer.packages.items()
        if not os.path.isdir(os.path.join(root, os.path.dirname(path)))
    }
    build = {} if joins and os.path.lexists(os.path.join(root, build_path)) else {build_path: answer.build}
    return {**build, **packages, **answer.files}


def written_report(
    files: Iterable[str], answer: ScaffoldAnswer, directory: str, projects: Sequence[Address], source: str
) -> str:
    """List what was written and the commands to type next.

    Args:
        files: the paths.
        answer: the files from the templates.
        directory: the directory of the workflow.
        projects: those at the root of the repository. The first is the example.
        source: where the ingestion reads its rows.
    """
    pants = bin_name()
    first = f":{projects[0].target_name}" if projects else "PROJECT"
    # What a plugin reads may not be there. The tests and the checks need none of it.
    has_rows = source in BUILT_IN and source != QUALITY
    return "\n".join(
        [
            *(f"Wrote {path}" for path in files),
            "",
            "Next:",
            f"  {pants} test {directory}::",
            f"  {pants} check {directory}::",
            # No server answers at the example's address. The tests and the checks need none.
            *(["", f"Then set BASE_URL in {directory} to your own API, and type:"] if source == "rest-api" else []),
            *([f"  {pants} run {first} -- materialize {answer.table} --partition {answer.partition}"] * has_rows),
        ]
    )


def preview(files: Mapping[str, str]) -> str:
    """Format the files that a dry run does not write.

    Args:
        files: the text of each file by its path.
    """
    return "\n".join(f"# {path}\n{text}" for path, text in files.items()) + "Nothing was written (--dry-run)."


def key_of(filler: LocatedDeclaration) -> Any:
    """Return the key of a table, or None if the source does not show it."""
    key = filler.declaration.argument("unique_key")
    return None if key is None or key.unread is not None else key.value


async def checks_request(package: str, directory: str, filler: LocatedDeclaration) -> dict[str, object]:
    """Return what the templates need to know for checks of a table.

    Args:
        package: the package of the checks.
        directory: its directory.
        filler: the declaration of the workflow that fills the table.
    """
    declaration = filler.declaration
    root = await source_root_of(os.path.dirname(filler.path))
    module = os.path.relpath(filler.path, root)[: -len(".py")].replace(os.sep, ".")
    is_named = declaration.name is not None and not declaration.in_factory
    return {
        "kind": QUALITY,
        "package": package,
        "directory": directory,
        "table": declaration.table,
        "unique_key": key_of(filler),
        "module": module if is_named else None,
        "attribute": declaration.name if is_named else None,
    }


@goal_rule
async def cascade_scaffold(
    console: Console,
    specs: Specs,
    options: CascadeScaffoldSubsystem,
    workspace: Workspace,
    build_root: BuildRoot,
    tailor: TailorSubsystem,
    tables: TableMap,
    targets: AllTargets,
    python_setup: PythonSetup,
) -> CascadeScaffold:
    model: NewModel | None = None
    table: str | None = None
    try:
        directory = directory_in(specs)
        if escapes(directory, build_root.path):
            raise WrongUseError(f"{directory} is outside this repository, {build_root.path}.")
        # What is in the directory is about to be overwritten.
        taken = tables.places(outside=directory)
        if options.type in (QUALITY, DBT):
            if options.unique_key or options.cron:
                what = "Checks take" if options.type == QUALITY else "A model takes"
                raise WrongUseError(f"{what} no --unique-key and no --cron: the workflow of the table has them.")
            filler = filled_table(directory, options.table, tables, options.type)
        if options.type == DBT:
            model = await new_model(directory, filler, key_of(filler), targets, python_setup)
            arguments = dict(model.arguments)
        elif options.type == QUALITY:
            package = package_in(directory, await source_root_of(directory))
            arguments = await checks_request(package, directory, filler)
        else:
            package = package_in(directory, await source_root_of(directory))
            usual_table = f"{package.rpartition('.')[2]}_observations"
            table = table_for(usual_table, options.table, taken)
            arguments = {
                "kind": "ingestion",
                "source": options.type,
                "package": package,
                "directory": directory,
                "table": table,
                "unique_key": list(options.unique_key) or None,
                "cron": options.cron,
                "flavour": "pants",
            }
    except WrongUseError as error:
        console.print_stderr(console.red(str(error)))
        return CascadeScaffold(exit_code=WRONG_USE)
    plugins = NO_PLUGINS_BY_RESOLVE
    if options.type not in BUILT_IN:
        plugins = await plugins_by_resolve(targets, python_setup)
    answer = await scaffold_answer(ScaffoldRequest.create(arguments, plugins))
    if answer.error is not None:
        console.print_stderr(console.red(answer.error))
        return CascadeScaffold(exit_code=1 if answer.runtime_missing else WRONG_USE)
    files = files_to_write(
        os.path.join(model.project if model else directory, tailor.build_file_name),
        answer,
        build_root.path,
        joins=model.exists if model else options.type == QUALITY,
    )
    clash = clashing_model(files, model) if model else None
    if clash is not None:
        console.print_stderr(
            console.red(f"{clash} already has the name of the new model. Give the directory another name.")
        )
        return CascadeScaffold(exit_code=WRONG_USE)
    existing = [path for path in files if os.path.lexists(os.path.join(build_root.path, path))]
    if existing and not options.force:
        listed = "\n".join(f"  {path}" for path in existing)
        console.print_stderr(
            console.red(
                f"Nothing was written, because these files already exist:\n{listed}\nUse --force to overwrite them."
            )
        )
        return CascadeScaffold(exit_code=1)
    if options.dry_run:
        console.print_stdout(preview(files))
        return CascadeScaffold(exit_code=0)
    digest = await engine.create_digest(CreateDigest(FileContent(path, text.encode()) for path, text in files.items()))
    workspace.write_digest(digest)
    if table is not None and options.table is None:
        console.print_stdout(other_table_notice(usual_table, table, taken))
    projects = await projects_at_root()
    addresses = [project.address for project in projects]
    if model is None:
        console.print_stdout(written_report(files, answer, directory, addresses, options.type))
    else:
        console.print_stdout(model_report(files, model, projects, build_root.path))
    return CascadeScaffold(exit_code=0)


def rules() -> list[Any]:
    """Return the rules of this module."""
    return list(collect_rules())
