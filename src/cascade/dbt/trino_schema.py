"""The schema in which dbt builds models on Trino: that of the settings on `main`, and one of its own on a branch.

Trino cannot write to branches. So the models of a branch are tables of other names.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from cascade.table_ref import CI_PREFIX, MAIN_BRANCH

if TYPE_CHECKING:
    from cascade.config import CascadeConfig

_LONGEST = 40


def trino_schema(config: CascadeConfig) -> str:
    """Return the schema in which dbt builds models that name no other one.

    Args:
        config: the settings, which name the branch.
    """
    return config.trino_schema if config.branch == MAIN_BRANCH else branch_schema(config, config.branch)


def branch_schema(config: CascadeConfig, branch: str) -> str:
    """Return the schema of a branch. Those of its models that name another one begin with it.

    Args:
        config: the settings, which name the schema of `main`.
        branch: name of the branch.
    """
    if branch.startswith(CI_PREFIX):
        return f"{_schemas_of_branches(config)}{branch}".lower()
    # Trino has no capital letters, and the schema `gold` of a branch `me` must not be that of a branch `me_gold`.
    mark = hashlib.sha256(branch.encode()).hexdigest()[:8]
    readable = re.sub(r"[^a-z0-9_]", "_", branch.lower())[:_LONGEST]
    return f"{_schemas_of_branches(config)}branch_{mark}_{readable}"


def is_within(schema: str, of_branch: str) -> bool:
    """Return whether a schema is that of a branch, or one that dbt made from it for models that name another one.

    Args:
        schema: the schema.
        of_branch: what `branch_schema` returned.
    """
    return schema.lower() == of_branch or schema.lower().startswith(f"{of_branch}_")


def ci_branch_of(config: CascadeConfig, schema: str) -> str | None:
    """Return the branch of `cascade ci` that a schema belongs to, in small letters; None if it belongs to none.

    Args:
        config: the settings, which name the schema of `main`.
        schema: the schema.
    """
    begins = _schemas_of_branches(config).lower()
    found = re.match(rf"{re.escape(begins)}({CI_PREFIX}\d{{8}}t\d{{6}}_[0-9a-f]{{8}})(_|$)", schema)
    return found[1] if found else None


def _schemas_of_branches(config: CascadeConfig) -> str:
    """Return how the schemas of all branches begin: dbt puts one underscore before the schema that a model names."""
    return f"{config.trino_schema.lower()}__"
