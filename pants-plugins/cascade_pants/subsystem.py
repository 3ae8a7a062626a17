"""The options that say how this repository gets and lays out Cascade."""

from __future__ import annotations

from pants.option.option_types import StrListOption, StrOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import help_text, softwrap


class CascadeSubsystem(Subsystem):
    options_scope = "cascade"
    help = help_text(
        """
        Cascade: workflows that ingest into Iceberg tables, run by Dagster.

        The targets are `cascade_workflow` and `cascade_project`; the goals are `cascade-scaffold` and `cascade-dev`,
        beside Pants' own `run`, `package`, `check`, `test` and `tailor`.
        """
    )

    runtime_requirement = StrOption(
        default="cascade-workflows",
        help=softwrap(
            """
            The requirement that provides the Cascade runtime, `import cascade`.

            Each resolve that has workflows must contain it, unless the runtime is first-party code of the repository.
            The plugin names it in the error that it raises where the runtime is missing, and takes the templates of
            `cascade-scaffold` from it.
            """
        ),
    )
    runtime_modules = StrListOption(
        default=["cascade.cli.main", "cascade.framework.definitions"],
        advanced=True,
        help=softwrap(
            """
            Modules of the runtime that every project depends on. The first holds `run_project`, which the manifest
            calls.
            """
        ),
    )
    process_modules = StrListOption(
        default=["dagster_webserver"],
        advanced=True,
        help=softwrap(
            """
            Modules that a project starts as processes, so that no import leads to them.

            Each is a dependency of every project where something in the resolve provides it, and is left out where
            nothing does.
            """
        ),
    )
    manifest_source_root = StrOption(
        default=None,
        advanced=True,
        help=softwrap(
            """
            The source root under which manifests are generated, such as `src/python`.

            It must be one of the repository's source roots (`pants roots` lists them). By default it is the source root
            of the project's first workflow.
            """
        ),
    )
