"""The target `cascade_dbt_project`, and the target that it generates for each file."""

from __future__ import annotations

import json
from typing import Any

from pants.backend.python.target_types import PythonResolveField
from pants.core.target_types import ResourceSourceField
from pants.engine.addresses import Address
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    BoolField,
    Dependencies,
    Field,
    IntField,
    InvalidFieldException,
    MultipleSourcesField,
    StringField,
    Target,
    TargetFilesGenerator,
    ValidNumbers,
    generate_multiple_sources_field_help_message,
)
from pants.util.strutil import help_text


class CascadeDbtSourceField(ResourceSourceField):
    """The file."""


class CascadeDbtDependenciesField(Dependencies):
    help = help_text(
        """
        What the dbt project needs from outside of its directory: macros of a path in `macro-paths`, or another
        `cascade_dbt_project` that `packages.yml` names with `local:`.

        Example: `dependencies=["src/sql/shared:macros", "src/transforms/base"]`. What the files of the project need of
        each other is inferred, and so are the workflows that fill the tables of its sources.
        """
    )


class CascadeDbtTargetField(StringField):
    alias = "target"
    default = "embedded"
    help = help_text(
        """
        The target of the dbt profile, `embedded` or `production` in the profile that Cascade generates.

        It matters where the project asks for `target.name`, such as in `+enabled: "{{ target.name == 'production' }}"`.
        """
    )


class CascadeDbtVarsField(Field):
    alias = "vars"
    default = None
    help = help_text(
        """
        Variables of dbt that take precedence over those of `dbt_project.yml` in the graph of the project, and in
        `pants test`. Commands such as `pants run :dev -- dbt build` and the UI do not read this field: give dbt its
        option `--vars`, or set in `dbt_project.yml` what always holds.

        Example: `vars={"days": 3, "layers": ["bronze", "silver"]}`
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Any, address: Address) -> str | None:
        """Return the variables as JSON, which is hashable and the same for equal variables."""
        value = super().compute_value(raw_value, address)
        if value is None:
            return None
        try:
            if isinstance(value, str):
                value = json.loads(value)
            return json.dumps(_plain(value), sort_keys=True)
        except (TypeError, ValueError) as error:
            raise InvalidFieldException(
                f"The field `{cls.alias}` of {address} is {raw_value!r}. Use a dictionary of texts, numbers, booleans, "
                f"lists and dictionaries, such as {{'days': 3}}. ({error})"
            ) from error


def _plain(value: Any) -> Any:
    if hasattr(value, "items"):
        return {str(name): _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, (list, tuple)) else value


class CascadeDbtThreadsField(IntField):
    alias = "threads"
    valid_numbers = ValidNumbers.positive_only
    help = help_text(
        """
        How many models and tests dbt runs at once in `pants test`. By default 4, as in the profile that Cascade
        generates.

        Example: `threads=8`
        """
    )


class CascadeDbtSkipTestsField(BoolField):
    alias = "skip_tests"
    default = False
    help = help_text(
        """
        Whether `pants test` leaves the project out, such as one whose SQL DuckDB does not understand.

        Example: `skip_tests=True`
        """
    )


class CascadeDbtSkipSqlfluffField(BoolField):
    alias = "skip_sqlfluff"
    default = False
    help = help_text(
        """
        Whether `pants lint` and `pants fmt` leave the project out where sqlfluff is configured.

        Example: `skip_sqlfluff=True`
        """
    )


class CascadeDbtFileTarget(Target):
    alias = "cascade_dbt_file"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        CascadeDbtDependenciesField,
        CascadeDbtSkipSqlfluffField,
        CascadeDbtSkipTestsField,
        CascadeDbtSourceField,
        CascadeDbtTargetField,
        CascadeDbtThreadsField,
        CascadeDbtVarsField,
        PythonResolveField,
    )
    help = help_text(
        """
        One file of a dbt project: a model, a seed, a snapshot, a test, a file of macros or of properties.

        `cascade_dbt_project` generates this target for each file. Its dependencies are the files that dbt needs for it
        and the workflows that fill the tables it reads. In a BUILD file, write `cascade_dbt_project()` instead.
        """
    )


_OF_THE_PROJECT = (
    CascadeDbtSkipSqlfluffField,
    CascadeDbtSkipTestsField,
    CascadeDbtTargetField,
    CascadeDbtThreadsField,
    CascadeDbtVarsField,
    PythonResolveField,
)


class CascadeDbtSourcesField(MultipleSourcesField):
    default = (
        *(f"**/*.{ending}" for ending in ("sql", "yml", "yaml", "csv", "md", "py")),
        *("!target/**", "!logs/**", "!.*/**"),
    )
    help = generate_multiple_sources_field_help_message(
        "By default, all SQL, YAML, CSV, Markdown and Python files in this directory and below, without those that dbt "
        "writes to `target` and `logs`. Packages in `dbt_packages` are among them if git does not ignore them.\n\n"
        "Example: `sources=['**/*', '!scratch/**']`"
    )


class CascadeDbtProjectTarget(TargetFilesGenerator):
    alias = "cascade_dbt_project"
    generated_target_cls = CascadeDbtFileTarget
    core_fields = (
        *COMMON_TARGET_FIELDS,
        CascadeDbtSourcesField,
        *_OF_THE_PROJECT,
    )
    copied_fields = (*COMMON_TARGET_FIELDS, *_OF_THE_PROJECT)
    moved_fields = (CascadeDbtDependenciesField,)
    help = help_text(
        """
        A dbt project: the directory with a `dbt_project.yml`.

        It generates a target for each file, and infers what each needs without starting dbt: the models that it refers
        to, the macros that it calls, the YAML that describes it, and the workflow that fills each table it reads. So
        `pants dependents` of a workflow shows its models, and `--changed-since` finds them. Jinja is parsed by Jinja,
        in a process of the resolve, which therefore needs the Cascade runtime.

          - `pants dependencies src/transforms/models/gold/delays.sql` shows what a model needs
          - `pants dependents --transitive src/workflows/flights` shows the models above a workflow
          - `pants test src/transforms::` builds the models in a throwaway lakehouse and runs their tests
          - `pants check src/transforms::` reports a `ref` to nothing, a source without a workflow, models of one name
          - `pants lint src/transforms::` and `pants fmt src/transforms::` run sqlfluff where it is configured

        A source that is not filled by a workflow has the marker `meta: {cascade: {external: true}}` in its YAML.

        Example, in `src/transforms/BUILD`:

            cascade_dbt_project(vars={"days": 3})

        `pants tailor ::` adds the target to a directory with a `dbt_project.yml` that no target owns yet.
        """
    )
