"""What differs between the tables on the branch of a run and those that the branch began from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cascade.dbt.branch_models import model_differences
from cascade.dbt.profile import runs_on_trino
from cascade.dbt.trino_branch import trino_differences
from cascade.iceberg.branches import schema_of, table_with
from cascade.iceberg.diff import diff_tables
from cascade.iceberg.diff.points import Point
from cascade.iceberg.working_branch import branched_tables
from cascade.table_ref import MAIN_BRANCH, QUARANTINE_SUFFIX

if TYPE_CHECKING:
    from cascade.config import CascadeConfig
    from cascade.iceberg import Lakehouse


@dataclass(frozen=True)
class TableDifference:
    """What differs between two states of a table.

    Args:
        table: its name.
        added: number of rows that only the later state has.
        removed: number of rows that only the earlier state has.
        changed: number of rows of one key whose values differ; None for a table without a key.
        changed_columns: for each column that differs, a text with the number of rows.
        schema_changes: sentences about columns.
    """

    table: str
    added: int
    removed: int
    changed: int | None = None
    changed_columns: Sequence[str] = ()
    schema_changes: Sequence[str] = ()

    @property
    def row(self) -> tuple[object, ...]:
        """The difference in columns: the table, rows added, removed and changed, and what differs in columns."""
        columns = "; ".join([*self.changed_columns, *self.schema_changes])
        return self.table, self.added, self.removed, self.changed, columns

    def document(self) -> dict[str, object]:
        """Return the difference as a JSON document."""
        return {
            "table": self.table,
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "changed_columns": list(self.changed_columns),
            "schema_changes": list(self.schema_changes),
        }


def model_differences_of(config: CascadeConfig) -> tuple[list[TableDifference], dict[str, str]]:
    """Compare the models that dbt built on the branch, in a DuckDB file or on Trino, with those of `main`.

    Args:
        config: the settings, which name the branch.

    Returns:
        What differs, by model, and why models could not be compared.
    """
    try:
        found = [
            TableDifference(one.name, one.added, one.removed, schema_changes=one.schema_changes)
            for one in (trino_differences(config) if runs_on_trino(config) else model_differences(config))
        ]
    except Exception as error:
        return [], {"the models of dbt": f"{type(error).__name__}: {error}"}
    return found, {}


def differences(lakehouse: Lakehouse, directory: Path) -> tuple[list[TableDifference], dict[str, str]]:
    """Compare each table that got the branch with the snapshot where the branch began.

    Args:
        lakehouse: the lakehouse, on the branch.
        directory: the directory of the branch, which lists the tables.

    Returns:
        What differs, by table, and why tables could not be compared, by name. The quarantine of a table counts only if
        it differs.
    """
    found, problems = [], {}
    for one in branched_tables(directory, lakehouse.branch):
        name = one.ref.full_name
        try:
            loaded = lakehouse.load(one.ref.on(MAIN_BRANCH))
            head = loaded.metadata.refs.get(lakehouse.branch) if loaded is not None else None
            if loaded is None or head is None:
                continue
            if one.base is not None and loaded.snapshot_by_id(one.base) is None:
                problems[name] = "the snapshot where the branch began has expired."
                continue
            before = table_with(
                loaded,
                current_snapshot_id=one.base,
                current_schema_id=loaded.metadata.current_schema_id
                if one.base is None
                else schema_of(loaded, one.base),
            )
            diff = diff_tables(Point(MAIN_BRANCH, before), Point(lakehouse.branch, loaded), examples=0)
        except Exception as error:
            problems[name] = f"{type(error).__name__}: {error}"
            continue
        if diff or not one.ref.name.endswith(QUARANTINE_SUFFIX):
            found.append(
                TableDifference(
                    name,
                    diff.added,
                    diff.removed,
                    diff.changed if diff.unique_key else None,
                    [f"{column} in {rows}" for column, rows in diff.changed_columns.items()],
                    diff.schema_changes,
                )
            )
    return found, problems
