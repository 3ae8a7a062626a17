"""A reference to a table on one branch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from cascade.exceptions import UsageError

DEFAULT_NAMESPACE = "raw"
MAIN_BRANCH = "main"
QUARANTINE_SUFFIX = "__quarantine"


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
