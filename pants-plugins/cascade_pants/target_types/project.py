"""The target `cascade_project`."""

from __future__ import annotations

from typing import Optional

from pants.backend.python.target_types import (
    InterpreterConstraintsField,
    PexExecutionMode,
    PexExecutionModeField,
    PexLayoutField,
    PythonResolveField,
)
from pants.core.goals.package import OutputPathField
from pants.core.goals.run import RestartableField
from pants.engine.addresses import Address, UnparsedAddressInputs
from pants.engine.target import (
    COMMON_TARGET_FIELDS,
    Dependencies,
    IntField,
    InvalidFieldException,
    InvalidFieldTypeException,
    SourcesField,
    SpecialCasedDependencies,
    StringSequenceField,
    Target,
    ValidNumbers,
)
from pants.util.strutil import help_text

from cascade_pants.engine import EnvironmentField


class CascadeProjectDependenciesField(Dependencies):
    supports_transitive_excludes = True
    help = help_text(
        """
        What the project needs in addition to its workflows, which are inferred.

        Example: `dependencies=["//config:cascade_config", "src/sql:queries"]`. Prefix an address with `!` to exclude an
        inferred dependency, or with `!!` to exclude it from the whole project, including transitive dependencies.
        """
    )


class CascadeProjectWorkflowsField(StringSequenceField):
    alias = "workflows"
    help = help_text(
        """
        The workflows of the project, as address specs.

        By default, every `cascade_workflow` of the project's resolve. Specs work as on the command line, relative to
        the root of the repository: `src/workflows/weather` (one directory), `src/workflows::` (a directory and
        everything below), `src/workflows/weather:weather` (one target). A leading `!` excludes.

        Example: `workflows=["src/workflows::", "!src/workflows/experiments::"]`

        A spec that matches no workflow, or only workflows of another resolve, is an error.
        """
    )


# A plain dependency would take the code of every workflow whose table the dbt project reads into the PEX, and the files
# of the dbt project to where a package of the same name may be.
class CascadeProjectDbtField(SpecialCasedDependencies):
    alias = "dbt_project"
    help = help_text(
        """
        The dbt project of the project, as the address of a `cascade_dbt_project`.

        Example: `dbt_project="src/transforms"`

        It takes the place of the setting `dbt_project_dir`, which only the environment variable
        `CASCADE_DBT_PROJECT_DIR` overrides. Its files are packaged into the PEX. The project depends on it, and on
        `dagster-dbt` and every `dbt-*` among the requirements of its resolve.
        """
    )

    @classmethod
    def compute_value(  # type: ignore[override]
        cls, raw_value: str | None, address: Address
    ) -> Optional[tuple[str, ...]]:  # noqa: UP045
        """Return the address as the only one of a sequence, which is what Pants resolves."""
        # `pants help` evaluates these types, and runs on CPython 3.9, which knows no other way to write them.
        if raw_value is not None and not isinstance(raw_value, str):
            raise InvalidFieldTypeException(address, cls.alias, raw_value, expected_type="a string, such as 'src/sql'")
        value: tuple[str, ...] | None = super().compute_value(None if raw_value is None else [raw_value], address)
        return value


def is_address(text: str) -> bool:
    """Return whether a plugin is named by its address, and not by the name of its distribution.

    Args:
        text: an entry of the field `plugins`.
    """
    return "/" in text or ":" in text


# A plain dependency on a `python_distribution` would build its wheel.
class CascadeProjectPluginsField(SpecialCasedDependencies):
    alias = "plugins"
    help = help_text(
        """
        The plugins of the project: distributions with entry points that Cascade reads, such as
        `cascade.plugins.commands`. Nothing imports them, so Pants does not find them by itself.

        A plugin is either the name of a requirement of the project's resolve, or the address of a
        `python_distribution` of the repository, whose field `entry_points` names what it adds.

        Example: `plugins=["acme-cascade", "src/acme_rules:dist"]`

        The project depends on them, they are packaged into the PEX, and `pants check` and `pants cascade-scaffold` use
        them. The wheel of a `python_distribution` is not built: its code is part of the project.
        """
    )

    def to_unparsed_address_inputs(self) -> UnparsedAddressInputs:
        """Return the entries that are addresses."""
        return UnparsedAddressInputs(
            [one for one in self.value or () if is_address(one)],
            owning_address=self.address,
            description_of_origin=f"the `{self.alias}` from the target {self.address}",
        )


class CascadeProjectManifestField(SourcesField):
    """Stands for the generated manifest module. It owns no file."""

    alias = "_manifest"
    expected_num_files = 0
    # Without a source root the generated module could not be imported from a PEX.
    uses_source_roots = True
    help = "The generated module that lists the project's workflows."


class CascadeProjectInterpreterConstraintsField(InterpreterConstraintsField):
    help = help_text(
        """
        The Python versions that the project runs on, such as `["==3.11.*"]`.

        `pants package` builds a PEX for one minor version. Name one here to choose it and to get the same bytes on
        every machine. If several remain, Pants uses the oldest version that the building machine has.

        By default, the versions that the option `[python].interpreter_constraints` and all workflows of the project
        allow. A workflow that allows fewer versions narrows those of the project.
        """
    )

    # Without a value, the field adds nothing to the constraints of the workflows and the runtime. The option as default
    # would be wider than those of a workflow that allows fewer versions, and Pants would refuse the project.

    def value_or_global_default(self, *_: object) -> tuple[str, ...]:
        """Return the constraints of the project itself. Pants up to 2.30 calls this."""
        return self.value or ()

    def value_or_configured_default(self, *_: object) -> tuple[str, ...]:
        """Return the constraints of the project itself. Pants from 2.31 on calls this."""
        return self.value or ()


class CascadeProjectExecutionModeField(PexExecutionModeField):
    default = PexExecutionMode.VENV.value
    help = help_text(
        f"""
        How the packaged PEX runs.

        With `{PexExecutionMode.VENV.value}`, the default, the PEX creates a virtual environment under `~/.cache/pex`
        (or `PEX_ROOT`) on its first start, which takes a few seconds. After that it starts like an installed program.
        With `{PexExecutionMode.ZIPAPP.value}`, it unpacks only its dependencies.
        """
    )


class CascadeProjectLayoutField(PexLayoutField):
    help = help_text(
        """
        The layout of the packaged PEX: `zipapp` (the default) is one file, `packed` and `loose` are directories.

        A `packed` directory has one zip file per requirement, so that a container image or a sync transfers only what
        changed. A `loose` directory has plain files. Start either with `python DIRECTORY` or `DIRECTORY/__main__.py`.
        """
    )


class CascadeProjectPortField(IntField):
    alias = "port"
    valid_numbers = ValidNumbers.positive_only
    help = help_text(
        """
        The port of the project's code server in the workspace that `pants cascade-workspace` writes.

        By default, the first port that no other project has, from the option `--first-port` on. A project without a
        port may get another one when a project is added, so set it where machines rely on it.

        Example: `port=4001`
        """
    )

    @classmethod
    def compute_value(cls, raw_value: Optional[int], address: Address) -> Optional[int]:  # noqa: UP045
        """Return the port, which must be one of TCP."""
        value = super().compute_value(raw_value, address)
        if value is not None and value > 65535:
            raise InvalidFieldException(
                f"The field `{cls.alias}` of the target {address} is {value}. A port is at most 65535."
            )
        return value


class CascadeProjectTarget(Target):
    alias = "cascade_project"
    core_fields = (
        *COMMON_TARGET_FIELDS,
        CascadeProjectDependenciesField,
        CascadeProjectWorkflowsField,
        CascadeProjectDbtField,
        CascadeProjectPluginsField,
        CascadeProjectManifestField,
        CascadeProjectInterpreterConstraintsField,
        CascadeProjectExecutionModeField,
        CascadeProjectLayoutField,
        CascadeProjectPortField,
        PythonResolveField,
        OutputPathField,
        RestartableField,
        EnvironmentField,
    )
    help = help_text(
        """
        Workflows that are deployed together: one Dagster code location.

        Pants finds the workflows in the BUILD graph and generates the manifest, a module that lists them. Then:

          - `pants run :dev` opens Dagster's UI with these workflows
          - `pants run :dev -- list` runs the Cascade command line with them
          - `pants --no-pantsd cascade-dev :dev` opens the UI without blocking other Pants commands
          - `pants cascade-workspace` writes a `workspace.yaml` with all projects
          - `pants package :dev` writes `dist/dev.pex`, which needs neither Pants nor pip
          - `pants dependencies :dev` shows what is in the project
          - `pants export-codegen :dev` writes the manifest to `dist/codegen` for you to read

        Example, in the BUILD file at the root of the repository:

            cascade_project(name="dev")

            cascade_project(
                name="billing",
                workflows=["src/workflows/billing::"],
                dbt_project="src/transforms/billing",
                interpreter_constraints=["==3.12.*"],
            )

        The directory of the BUILD file is the project's root. A project that runs under Pants keeps its state there, in
        `.cascade`: by default, that includes the catalog and the warehouse. The project's settings are
        `cascade_config.py` and the table `[tool.cascade]` of `pyproject.toml` in that directory. They are packaged into
        the PEX; `.env` is not.
        """
    )
