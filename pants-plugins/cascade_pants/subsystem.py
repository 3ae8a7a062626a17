"""The options of the scope `[cascade]`."""

from __future__ import annotations

from pants.option.option_types import StrListOption, StrOption
from pants.option.subsystem import Subsystem
from pants.util.strutil import help_text, softwrap


class CascadeSubsystem(Subsystem):
    options_scope = "cascade"
    help = help_text(
        """
        Cascade: workflows that ingest into Iceberg tables, run by Dagster.

        The targets are `cascade_workflow`, `cascade_project` and `cascade_dbt_project`. The goals are
        `cascade-scaffold`, `cascade-dev`, `cascade-affected`, `cascade-workspace` and `cascade-manifest`; Pants' own
        `run`, `package`, `check`, `test`, `lint`, `fmt` and `tailor` work too.
        """
    )

    runtime_requirement = StrOption(
        default="cascade-workflows",
        help=softwrap(
            """
            The requirement that provides the Cascade runtime, `import cascade`.

            Every resolve with workflows needs it, unless the runtime is first-party code of the repository.
            `cascade-scaffold` takes its templates from it.
            """
        ),
    )
    require_owners = StrListOption(
        default=[],
        help=softwrap(
            """
            The workflows that must have `owners`, as address specs; `pants check` reports each one that has none. A
            leading `!` excludes.

            Example: `require_owners = ["src/workflows::", "!src/workflows/experiments::"]`
            """
        ),
    )
    external_assets = StrListOption(
        default=[],
        help=softwrap(
            """
            The assets that something other than the workflows and dbt projects of this repository materializes, as
            patterns of asset keys. `pants check` reports every other key in `deps` that none of these declares.

            Example: `external_assets = ["crm/*", "exchange_rates"]`
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
            Modules that a project starts as processes and never imports.

            Every project depends on each of these modules that its resolve provides.
            """
        ),
    )
    manifest_source_root = StrOption(
        default=None,
        advanced=True,
        help=softwrap(
            """
            The source root under which manifests are generated, such as `src/python`.

            It must be a source root of the repository (`pants roots` lists them). By default, the source root of the
            project's first workflow.
            """
        ),
    )
