"""A reference to a table on one branch."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from cascade.exceptions import UsageError

DEFAULT_NAMESPACE = "raw"
MAIN_BRANCH = "main"
QUARANTINE_SUFFIX = "__quarantine"
AUDIT_PREFIX = "audit_"
"""How the branches begin on which the rows of a run wait for their checks."""
CI_PREFIX = "ci_"
"""How the branches of `cascade ci` begin."""
CI_SECONDS = 24 * 3600.0
"""Seconds after which a branch of `cascade ci` has no run any more, wherever it began."""
_TIME = "%Y%m%dT%H%M%S"
_BRANCH = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


def branch_problem(name: str) -> str | None:
    """Return why a branch to work on cannot have a name, or None if it can.

    Args:
        name: the name. It becomes one of a directory too.
    """
    if not _BRANCH.fullmatch(name):
        return f"{name!r} is not a name for a branch. Use up to 64 letters, digits, underscores, dots and hyphens."
    if name.startswith(AUDIT_PREFIX):
        return f"{name!r} begins like the branches on which rows wait for their checks. Choose another name."
    return None


def ci_branch_name() -> str:
    """Return a name for the branch of a new run of `cascade ci`, which says when it began."""
    return f"{CI_PREFIX}{datetime.now(UTC).strftime(_TIME)}_{secrets.token_hex(4)}"


def ci_branch_age(name: str, now: float) -> float | None:
    """Return how many seconds ago the run of a branch of `cascade ci` began; None for other branches.

    Args:
        name: name of the branch.
        now: seconds since the epoch.
    """
    try:
        began = datetime.strptime(name.removeprefix(CI_PREFIX).partition("_")[0], _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return now - began.timestamp() if name.startswith(CI_PREFIX) else None


def branch_directory(state: Path, branch: str) -> Path:
    """Return the directory of what is kept about a branch other than `main`: the states of dlt, Dagster and dbt.

    Args:
        state: the state directory of the project.
        branch: name of the branch.
    """
    return state / "branches" / branch


@dataclass(frozen=True, order=True)
class TableRef:
    """A table of a catalog, on one of its Iceberg branches.

    Args:
        namespace: the Iceberg namespace.
        name: the table's name, without its namespace.
        branch: the Iceberg branch that is read and written.
    """

    namespace: str
    name: str
    branch: str = MAIN_BRANCH

    @classmethod
    def parse(cls, name: str, *, branch: str = MAIN_BRANCH) -> TableRef:
        """Read the full name of a table, such as `raw.flights`.

        Args:
            name: namespace and table, with a dot between them.
            branch: the Iceberg branch.

        Raises:
            UsageError: the name has no namespace.
        """
        namespace, _, table = name.rpartition(".")
        if not namespace or not table:
            example = f"{DEFAULT_NAMESPACE}.{name.strip('.') or 'flights'}"
            raise UsageError(f"{name!r} is not the full name of a table. Put its namespace first, as in {example!r}.")
        return cls(namespace, table, branch)

    @classmethod
    def named(cls, name: str) -> TableRef:
        """Return the table that a user named.

        Args:
            name: what the user gave; the namespace `raw` may be left out.
        """
        namespace, _, table = name.replace("/", ".").rpartition(".")
        return cls(namespace or DEFAULT_NAMESPACE, table)

    @property
    def identifier(self) -> tuple[str, str]:
        """Namespace and name, as a catalog expects them."""
        return (self.namespace, self.name)

    @property
    def full_name(self) -> str:
        """Namespace and name as a string, such as `raw.flights`. A branch is not part of a table's name."""
        return f"{self.namespace}.{self.name}"

    @property
    def asset_key(self) -> tuple[str, ...]:
        """The parts of the table's Dagster asset key, which leaves out the namespace `raw`."""
        return (self.name,) if self.namespace == DEFAULT_NAMESPACE else self.identifier

    @property
    def op_name(self) -> str:
        """The name of the Dagster op that fills the table, which differs from the asset key."""
        return "dlt_" + "__".join(self.asset_key)

    @property
    def quarantine(self) -> TableRef:
        """The table that holds the refused rows of this one, on the same branch."""
        return replace(self, name=self.name + QUARANTINE_SUFFIX)

    def on(self, branch: str) -> TableRef:
        """Refer to the same table on another branch."""
        return replace(self, branch=branch)

    def __str__(self) -> str:
        return self.full_name if self.branch == MAIN_BRANCH else f"{self.full_name}@{self.branch}"
