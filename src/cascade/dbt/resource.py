"""dagster-dbt's resource, with the profile and the state of the project."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING, Any, ClassVar

from dagster_dbt import DbtCliInvocation, DbtCliResource  # pants: no-infer-dep
from packaging.version import Version

from cascade.dbt.process import dbt_executable, require_dbt_project
from cascade.dbt.profile import dbt_environment, profiles_directory
from cascade.dbt.start import hide_keyring_notice

if TYPE_CHECKING:
    from cascade.config import CascadeConfig


class _ProjectDbt(DbtCliResource):
    """The resource of one project, which starts dbt in an environment of its own."""

    # Not a field, because Dagster shows fields, and one of the variables may be a password.
    environment: ClassVar[Mapping[str, str]] = {}

    @property
    def _cli_version(self) -> Version:
        # dagster-dbt would start `dbt --version`, which takes seconds and asks the package index for a newer one.
        return Version(installed_version("dbt-core"))

    def cli(self, args: Any, **arguments: Any) -> DbtCliInvocation:
        """Start dbt; see `DbtCliResource.cli`."""
        hide_keyring_notice()
        with _variables(self.environment):
            return super().cli(args, **arguments)


def build_dbt_resource(config: CascadeConfig | None = None) -> DbtCliResource:
    """Build dagster-dbt's resource for the dbt project of a project, with the profile that `cascade dbt` uses.

    Assets of your own, which dagster-dbt's `@dbt_assets` makes, can take it as their resource `dbt`.

    Args:
        config: the settings; read from their sources by default.

    Returns:
        The resource.

    Raises:
        UsageError: dbt is not installed, or there is no dbt project.
        ConfigError: the target is `production`, and there is no Trino server.
    """
    if config is None:
        from cascade.config import CascadeConfig

        config = CascadeConfig.from_user_config()
    require_dbt_project(config)
    # dagster-dbt makes copies of the resource, which must have the same environment.
    kind = type("DbtCliResource", (_ProjectDbt,), {"environment": dbt_environment(config), "__module__": __name__})
    resource: DbtCliResource = kind(
        project_dir=str(config.dbt_project_directory),
        profiles_dir=str(profiles_directory(config)),
        dbt_executable=str(dbt_executable(config)),
    )
    return resource


@contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    """Set variables of this process, in which dagster-dbt's adapter reads the profile, and restore them afterwards."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
