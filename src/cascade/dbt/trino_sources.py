"""Let dbt on Trino read the branch of each source that has it. Trino cannot write to branches, but read them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from dbt.adapters.trino.impl import TrinoAdapter  # pants: no-infer-dep
from dbt.adapters.trino.relation import TrinoRelation  # pants: no-infer-dep

from cascade.iceberg.sql_text import sql_text
from cascade.table_ref import TableRef


class BranchedTables:
    """The tables of the lakehouse, by whether they have the branch that the settings name.

    Args:
        catalog: the catalog of Trino that holds the lakehouse.
        branch: the branch.
    """

    def __init__(self, catalog: str, branch: str) -> None:
        self.catalog = catalog.lower()
        self.branch = branch
        self._known: dict[TableRef, bool] = {}
        self._one_at_a_time = threading.Lock()

    def has(self, catalog: str | None, namespace: str | None, name: str | None) -> bool:
        """Return whether a table has the branch.

        Args:
            catalog: the catalog of Trino.
            namespace: the schema of Trino.
            name: the table.
        """
        if not namespace or not name or (catalog or "").lower() != self.catalog:
            return False
        ref = TableRef(namespace, name)
        # The threads of dbt share the lakehouse.
        with self._one_at_a_time:
            if ref not in self._known:
                self._known[ref] = self._find(ref)
            return self._known[ref]

    def _find(self, ref: TableRef) -> bool:
        from cascade.config import CascadeConfig
        from cascade.iceberg import open_lakehouse

        table = open_lakehouse(CascadeConfig.from_user_config()).load(ref)
        return table is not None and self.branch in table.metadata.refs


@dataclass(frozen=True, eq=False, repr=False)
class BranchRelation(TrinoRelation):
    """A table or a view on Trino, or a table of the lakehouse as it is on the branch.

    Args:
        version: the branch; None for the table as it is on `main`.
    """

    tables: ClassVar[BranchedTables | None] = None

    version: str | None = None

    @classmethod
    def create_from(cls, quoting: Any, relation_config: Any, **kwargs: Any) -> Any:
        """Create the relation of a model or a source. dbt calls this for each `source()`."""
        found = super().create_from(quoting, relation_config, **kwargs)
        if cls.tables is None or relation_config.resource_type != "source":
            return found
        has_branch = cls.tables.has(found.database, found.schema, found.identifier)
        return replace(found, version=cls.tables.branch) if has_branch else found

    def render(self) -> str:
        """Return the relation as SQL spells it."""
        text = str(super().render())
        if self.version is None or not self.path.identifier or not self.include_policy.identifier:
            return text
        return f"{text} FOR VERSION AS OF {sql_text(self.version)}"


def read_branch(catalog: str, branch: str) -> None:
    """Let this process of dbt read a branch where a table has it.

    Args:
        catalog: the catalog of Trino that holds the lakehouse.
        branch: the branch.
    """
    BranchRelation.tables = BranchedTables(catalog, branch)
    TrinoAdapter.Relation = BranchRelation
