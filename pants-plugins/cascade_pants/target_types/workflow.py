"""The target `cascade_workflow`, and the target that it generates for each source file."""

from __future__ import annotations

from pants.backend.python.target_types import (
    InterpreterConstraintsField,
    PythonDependenciesField,
    PythonGeneratingSourcesBase,
    PythonResolveField,
    PythonRunGoalUseSandboxField,
    PythonSourceField,
    PythonSourceTarget,
    PythonTestTarget,
)
from pants.core.goals.run import RestartableField
from pants.core.target_types import ResourceSourceField
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    BoolField,
    OverridesField,
    StringSequenceField,
    Target,
    TargetGenerator,
    generate_file_based_overrides_field_help_message,
    generate_multiple_sources_field_help_message,
)
from pants.util.strutil import help_text


class CascadeWorkflowSourceField(PythonSourceField):
    """The file. Whatever works on a Python source works on this field too."""


class CascadeWorkflowSourceLoadField(BoolField):
    alias = "load"
    default = False
    help = help_text(
        """
        Whether a project loads this module even if its source shows no decorator and no Dagster definition.

        Set it with the field `load` of `cascade_workflow`, which takes file names.
        """
    )


class CascadeWorkflowSourceTarget(PythonSourceTarget):
    """One file of a workflow, other than a test or a test helper.

    It inherits from `python_source`, so that fields which other backends add to that, such as `skip_mypy`, work here.
    """

    alias = "cascade_workflow_source"
    core_fields = (  # type: ignore[assignment]
        *COMMON_TARGET_FIELDS,
        InterpreterConstraintsField,
        PythonDependenciesField,
        PythonResolveField,
        PythonRunGoalUseSandboxField,
        RestartableField,
        CascadeWorkflowSourceField,
        CascadeWorkflowSourceLoadField,
    )
    help = help_text(  # type: ignore[assignment]
        """
        One Python file of a Cascade workflow.

        `cascade_workflow` generates this target for each file other than tests and `conftest.py`. Everything that works
        on a `python_source` works on it. In a BUILD file, write `cascade_workflow()` instead.
        """
    )


class CascadeWorkflowSourcesField(PythonGeneratingSourcesBase):
    default = ("**/*.py", "**/*.pyi")
    help = generate_multiple_sources_field_help_message(
        "By default, every Python file in this directory and below. Test files (`test_*.py`, `*_test.py`, "
        "`tests.py`) become `python_test` targets and `conftest.py` becomes a `python_source`, as with `python_tests` "
        "and `python_test_utils`.\n\n"
        "Example: `sources=['**/*.py', '!scratch/**']`"
    )


class CascadeContractSourceField(ResourceSourceField):
    """The file of a contract."""


class CascadeContractTarget(Target):
    alias = "cascade_contract"
    core_fields = (*COMMON_TARGET_FIELDS, CascadeContractSourceField)
    help = help_text(
        """
        The contract of a table, such as `contracts/raw.flights.yml` beside the workflow that fills it.

        A `cascade_workflow` generates one for each contract. `pants check` compares it with the workflow, and
        `pants cascade-contracts` writes it. No code depends on it, so a change of it makes no table stale.
        """
    )


class CascadeWorkflowLoadField(StringSequenceField):
    alias = "load"
    help = help_text(
        """
        Files whose workflows come from a factory, so that Pants cannot see them. Names or globs relative to the BUILD
        file.

        A project loads each module that uses a Cascade or Dagster decorator or assigns a Dagster definition. A module
        such as `flights = make_ingestion("flights")` does neither, so list it here. `pants check` fails if one is
        missing, and names it.

        Example: `load=["generated.py", "factories/*.py"]`. By default, no files.
        """
    )


class CascadeWorkflowDataField(StringSequenceField):
    alias = "data"
    default = (
        *(f"**/*.{ending}" for ending in ("yaml", "yml", "json", "jsonl", "ndjson", "toml", "xml", "graphql", "avsc")),
        *(f"**/*.{ending}" for ending in ("sql", "jinja", "jinja2", "j2", "tmpl", "tpl", "html", "txt")),
        *(f"**/*.{ending}" for ending in ("csv", "tsv", "parquet")),
        "!**/pyproject.toml",
        "!**/dg.toml",
    )
    help = help_text(
        """
        Files that the code of the workflow reads when it runs. Names or globs relative to the BUILD file; a leading `!`
        excludes.

        Each becomes a `resource` that all Python files of the workflow depend on: it is in the PEX and next to the code
        in tests, and a change of it counts as a change of the workflow. Files that git ignores are left out.

        By default, YAML, JSON, TOML, XML, SQL, templates and data files in this directory and below, so that queries
        and Dagster's components work without being listed. Not among them are `pyproject.toml` and `dg.toml`, which
        only `load_from_defs_folder` needs: add the one that your code needs, as in `data=["**/*.yaml",
        "pyproject.toml"]`. Contracts of tables, such as `contracts/raw.flights.yml`, are no data either.

        Example: `data=["queries/*.sql"]`, or `data=[]` for none.
        """
    )


class CascadeWorkflowOverridesField(OverridesField):
    help = generate_file_based_overrides_field_help_message(
        CascadeWorkflowSourceTarget.alias,
        """
        overrides={
            "observations.py": {"skip_mypy": True},
            "test_observations.py": {"timeout": 120},
            ("legacy.py", "old/*.py"): {"tags": ["legacy"]},
        }
        """,
    )


def _moved_fields() -> tuple[type, ...]:
    """Return the fields of a Python source and of a Python test, each alias once."""
    kept = {*COMMON_TARGET_FIELDS, CascadeWorkflowSourceField, CascadeWorkflowSourceLoadField}
    by_alias: dict[str, type] = {}
    for field in (*CascadeWorkflowSourceTarget.core_fields, *PythonTestTarget.core_fields):
        if field not in kept and not issubclass(field, PythonSourceField):
            by_alias.setdefault(field.alias, field)
    return tuple(by_alias.values())


class CascadeWorkflowTarget(TargetGenerator, PythonSourceTarget, PythonTestTarget):
    """A workflow directory.

    It inherits from the two Python targets only to get the fields that other backends register on them.
    """

    alias = "cascade_workflow"
    generated_target_cls = CascadeWorkflowSourceTarget
    core_fields = (  # type: ignore[assignment]
        *COMMON_TARGET_FIELDS,
        CascadeWorkflowSourcesField,
        CascadeWorkflowLoadField,
        CascadeWorkflowDataField,
        CascadeWorkflowOverridesField,
    )
    copied_fields = COMMON_TARGET_FIELDS
    moved_fields = _moved_fields()
    help = help_text(  # type: ignore[assignment]
        """
        A directory with a Cascade workflow: functions with `@cascade_ingestion`, their schemas and their tests.

        One target owns all Python code in the directory and generates a target for each file. Dependencies are
        inferred from imports, the files that the code reads come along (see `data`), tests run, and you can set every
        field of `python_source` and `python_test` here (`resolve`, `timeout`, `skip_mypy`, `overrides`, ...).

        You need not register a workflow anywhere. Each `cascade_project` of the same resolve finds it and loads the
        modules that use a Cascade or Dagster decorator. Other modules load when these import them.

        Example, in `src/workflows/weather/BUILD`:

            cascade_workflow()

        `pants cascade-scaffold src/workflows/weather` writes a directory to start from. `pants tailor ::` adds the
        target to a directory with a decorator that no target owns yet.
        """
    )
