"""The name of a project's directory, and the names that follow from it."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

from cascade.scaffold.names import suggest, without_accents

_BETWEEN_WORDS = re.compile(r"[^A-Za-z0-9]+")
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\/\ud800-\udfff]')
_LONGEST = 100

_TAKEN = frozenset(
    {
        *("cascade", "cascade-workflows", "cascade-pants-plugin", "cascade-pants", "workflows", "tests", "transforms"),
        *("dagster", "dagster-webserver", "dagster-dbt", "dagster-dg-cli", "dagster-postgres", "dlt", "pyiceberg"),
        *("polars", "pandas", "pandera", "pyarrow", "numpy", "pydantic", "pydantic-settings", "sqlalchemy", "croniter"),
        *("click", "rich", "jinja2", "requests", "responses", "watchfiles", "psutil", "tzdata", "python-dotenv"),
        *(
            "dbt",
            "dbt-core",
            "dbt-duckdb",
            "dbt-trino",
            "duckdb",
            "trino",
            "s3fs",
            "pytest",
            "ruff",
            "mypy",
            "pip",
            "uv",
        ),
    }
)
"""Names of what a project installs or imports. A distribution of such a name would stand in its own way."""


def directory_problems(name: str) -> Iterator[str]:
    """Yield a sentence for each reason why a directory cannot be called so, or no distribution can be named after it.

    Args:
        name: the name of a project's directory, without the directories above it.
    """
    if _FORBIDDEN.search(name) or name != name.strip() or name.startswith(("-", ".")) or name.endswith("."):
        yield (
            f"{name!r} will not do as the name of a directory everywhere: use letters, digits, dashes and underscores, "
            f"beginning with a letter. Use {_suggestion(name)!r}, for instance."
        )
    elif not re.search(r"[A-Za-z]", name):
        yield f"{name!r} has no letter from a to z, from which a package could be named. Use {_suggestion(name)!r}."
    elif len(name) > _LONGEST:
        yield f"The name has {len(name)} characters. {_LONGEST} are as many as it may have."


def normal_form(name: str) -> str:
    """Write a name as package indexes compare names: in lower case, without accents, words joined by dashes.

    Args:
        name: any text.
    """
    return _BETWEEN_WORDS.sub("-", without_accents(name)).strip("-").lower()


def distribution_name(name: str) -> str:
    """Derive the name of a project's distribution.

    Args:
        name: the name of its directory, which `directory_problems` accepts.

    Returns:
        Its normal form, followed by `-project` where Python itself or a package of the project has that name already.
    """
    derived = normal_form(name)
    taken = derived in _TAKEN or derived.replace("-", "_") in sys.stdlib_module_names
    return f"{derived}-project" if taken else derived


def dbt_name(distribution: str) -> str:
    """Derive the name of a dbt project, which is an identifier.

    Args:
        distribution: what `distribution_name` gave.
    """
    return suggest(distribution, prefix="project")


def _suggestion(name: str) -> str:
    words = normal_form(name)[:_LONGEST]
    return words if re.search(r"[a-z]", words) else "-".join(filter(None, ("project", words)))
