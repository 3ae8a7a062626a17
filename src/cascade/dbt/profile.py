"""The dbt profile that Cascade generates, and the environment from which dbt reads what varies in it.

The text of the profile depends on nothing but its name, so that dbt can go on with what it parsed before.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.config.root import ROOT_VARIABLE
from cascade.dbt.layout import read_profile_name
from cascade.dbt.state_files import write_state_file
from cascade.dbt.trino_schema import trino_schema
from cascade.exceptions import ConfigError, UsageError
from cascade.table_ref import MAIN_BRANCH, branch_directory
from cascade.terminal.words import shows_colors

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

PROFILES_FILE = "profiles.yml"
PROFILES_VARIABLE = "DBT_PROFILES_DIR"
DEFERRED = "deferred"
BRANCH_OF_SOURCES = "DBT_CASCADE_BRANCH"
"""The variable that names the branch from which dbt on Trino reads sources that have it."""

_PROFILE = """\
# Cascade writes this file. To connect in another way, write a profiles.yml next to dbt_project.yml.
{name}:
  target: "{{{{ env_var('DBT_CASCADE_TARGET') }}}}"
  outputs:
    embedded:
      type: duckdb
      path: "{{{{ env_var('DBT_CASCADE_DUCKDB_FILE') }}}}"
      schema: main
      threads: 4
      settings:
        TimeZone: UTC
      plugins:
        - module: cascade.dbt.duckdb_plugin
    production:
      type: trino
      method: "{{{{ env_var('DBT_CASCADE_TRINO_METHOD') }}}}"
      host: "{{{{ env_var('DBT_CASCADE_TRINO_HOST') }}}}"
      port: "{{{{ env_var('DBT_CASCADE_TRINO_PORT') | as_number }}}}"
      user: "{{{{ env_var('DBT_CASCADE_TRINO_USER') }}}}"
      password: "{{{{ env_var('DBT_ENV_SECRET_CASCADE_TRINO', '') }}}}"
      database: "{{{{ env_var('DBT_CASCADE_TRINO_CATALOG') }}}}"
      schema: "{{{{ env_var('DBT_CASCADE_TRINO_SCHEMA') }}}}"
      timezone: UTC
      # dbt would send the password to a server with any certificate.
      cert: true
      threads: 4
"""
# The process of dbt reads the settings again, to find the lakehouse.
_PLACES = (
    "branch",
    "iceberg_catalog",
    "iceberg_warehouse",
    "nessie_uri",
    "nessie_ref",
    "catalog_credential",
    "catalog_token",
    "catalog_oauth2_uri",
    "catalog_scope",
    "s3_endpoint",
    "s3_region",
    "s3_access_key_id",
    "s3_secret_access_key",
)


def dbt_state_directory(config: CascadeConfig) -> Path:
    """Return the directory of what Cascade and dbt write for each other, inside the project's state directory."""
    if config.branch != MAIN_BRANCH:
        return branch_directory(config.state_directory, config.branch) / "dbt"
    return main_state_directory(config)


def main_state_directory(config: CascadeConfig) -> Path:
    """Return the directory of `dbt_state_directory` as it is for `main`."""
    return config.state_directory / "dbt"


def deferral_directory(config: CascadeConfig) -> Path:
    """Return the directory of the manifest that says where `main` has its models, for dbt on a branch on Trino."""
    return dbt_state_directory(config) / DEFERRED


def duckdb_file(config: CascadeConfig) -> Path:
    """Return the DuckDB file in which models are built when the target is `embedded`."""
    return dbt_state_directory(config) / "lakehouse.duckdb"


def dbt_target(config: CascadeConfig) -> str:
    """Return the target of the generated profile: the configured one, else `production` if there is a Trino server."""
    return config.dbt_target or ("production" if config.trino_host else "embedded")


def runs_on_trino(config: CascadeConfig) -> bool:
    """Return whether dbt runs on Trino, by the generated profile.

    Args:
        config: the settings.
    """
    return dbt_target(config) == "production" and own_profiles_directory(config) is None


def no_branch_reason(config: CascadeConfig) -> str | None:
    """Return why no branch keeps apart what models write; None if one does.

    Args:
        config: the settings.
    """
    if own_profiles_directory(config) is not None:
        return "the profile of dbt is your own, which says where models are built"
    return None


def require_place_for_branch(config: CascadeConfig) -> None:
    """Raise if models would be built where those of `main` are, although the settings name a branch.

    Args:
        config: the settings.

    Raises:
        UsageError: they would.
    """
    reason = no_branch_reason(config) if config.branch != MAIN_BRANCH else None
    if reason is not None:
        raise UsageError(f'Models cannot be built on the branch "{config.branch}": {reason}.')


def own_profiles_directory(config: CascadeConfig) -> Path | None:
    """Return the directory of the user's own profile: `DBT_PROFILES_DIR`, or a `profiles.yml` in the dbt project.

    Args:
        config: the settings.
    """
    given = os.environ.get(PROFILES_VARIABLE)
    if given:
        return Path(given).absolute()
    directory = config.dbt_project_directory
    return directory if (directory / PROFILES_FILE).is_file() else None


def profiles_directory(config: CascadeConfig) -> Path:
    """Return the directory of the profile that dbt uses. If the user has none, write the generated one.

    Args:
        config: the settings.
    """
    own = own_profiles_directory(config)
    if own is not None:
        return own
    directory = dbt_state_directory(config)
    text = profile_text(read_profile_name(config.dbt_project_directory))
    write_state_file(directory / PROFILES_FILE, text)
    return directory


def profile_text(name: str) -> str:
    """Return the text of the generated profile.

    Args:
        name: the profile that `dbt_project.yml` names.
    """
    import json

    # A string of JSON is one of YAML.
    return _PROFILE.format(name=json.dumps(name))


def dbt_environment(config: CascadeConfig) -> dict[str, str]:
    """Return the variables with which dbt finds the project, its profile and Cascade itself.

    Variables of dbt that the user has set, such as `DBT_TARGET_PATH`, keep their values.

    Args:
        config: the settings.

    Raises:
        ConfigError: the target is `production`, and there is no Trino server.
    """
    if runs_on_trino(config) and not config.trino_host:
        raise ConfigError(
            'dbt_target is "production", but trino_host is not set.',
            hint="Set CASCADE_TRINO_HOST to the host of the Trino server.",
        )
    state, kept = dbt_state_directory(config), main_state_directory(config) / "state"
    state.mkdir(parents=True, exist_ok=True)
    variables = {
        "DBT_PROJECT_DIR": str(config.dbt_project_directory),
        PROFILES_VARIABLE: str(profiles_directory(config)),
        **_unless_set(
            {
                "DBT_TARGET_PATH": str(state / "target"),
                "DBT_LOG_PATH": str(state / "logs"),
                "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
                # dbt colors what it prints also into files and pipes.
                **({} if shows_colors(sys.stdout) else {"DBT_USE_COLORS": "false"}),
                **({"DBT_STATE": str(kept)} if (kept / "manifest.json").is_file() else {}),
            }
        ),
        "DBT_CASCADE_TARGET": dbt_target(config),
        "DBT_CASCADE_DUCKDB_FILE": str(duckdb_file(config)),
        "DBT_CASCADE_TRINO_METHOD": "ldap" if config.trino_password else "none",
        "DBT_CASCADE_TRINO_HOST": config.trino_host or "",
        "DBT_CASCADE_TRINO_PORT": str(config.trino_port),
        "DBT_CASCADE_TRINO_USER": config.trino_user,
        "DBT_CASCADE_TRINO_CATALOG": config.trino_catalog,
        "DBT_CASCADE_TRINO_SCHEMA": trino_schema(config),
        **_branch_on_trino(config),
        ROOT_VARIABLE: str(config.project_root),
        # Inside a PEX, a new interpreter does not find the packages by itself.
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    if config.trino_password:
        variables["DBT_ENV_SECRET_CASCADE_TRINO"] = config.trino_password.get_secret_value()
    from pydantic import SecretStr

    for name in _PLACES:
        value = getattr(config, name)
        if value is not None and config.source_of(name) == "argument":
            secret = isinstance(value, SecretStr)
            variables[f"CASCADE_{name.upper()}"] = value.get_secret_value() if secret else str(value)
    return variables


def _branch_on_trino(config: CascadeConfig) -> dict[str, str]:
    """Return the variables with which dbt on Trino reads a branch, and models of `main` that the branch has not."""
    if config.branch == MAIN_BRANCH or not runs_on_trino(config):
        return {}
    return {
        BRANCH_OF_SOURCES: config.branch,
        "DBT_DEFER": "true",
        "DBT_DEFER_STATE": str(deferral_directory(config)),
        "DBT_FAVOR_STATE": "false",
    }


def _unless_set(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: os.environ.get(name) or value for name, value in variables.items()}
