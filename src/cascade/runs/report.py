"""The report of a run, and its conversion to and from the metadata of Dagster's materialization."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa

from cascade.runs.overwritten import Overwritten
from cascade.schemas.rows import python_rows
from cascade.table_ref import MAIN_BRANCH, TableRef

if TYPE_CHECKING:
    import dagster as dg

SHOWN_ROWS = 10
SHOWN_REFUSED = 5
COUNTS = ("rows_in", "rows_good", "rows_refused", "rows_inserted", "rows_updated", "rows_removed")

Cell: TypeAlias = str | int | float | bool | None
"""A value that a Dagster table can contain."""

_PREFIX = "cascade/"
_NO_SNAPSHOT = "none"
# Larger whole numbers lose digits in a browser.
_LARGEST_NUMBER = 2**53


@dataclass(frozen=True)
class Refusal:
    """A refused row, as it is stored in the quarantine.

    Args:
        rule: name of the first rule that refused it.
        field: the field that broke the rule; None for a rule of the whole row.
        message: every reason, in whole sentences.
        row_json: the row as the source returned it, as JSON.
    """

    rule: str
    field: str | None
    message: str
    row_json: str


@dataclass(frozen=True)
class Preview:
    """Rows to show to the user.

    Args:
        columns: name of each column, and its kind in Dagster's tables: `bool`, `int`, `float` or `string`.
        rows: the rows. Dates, decimals, nested values and very large numbers are strings.
    """

    columns: tuple[tuple[str, str], ...] = ()
    rows: tuple[Mapping[str, Cell], ...] = ()

    @classmethod
    def of(cls, rows: pa.Table) -> Preview:
        """Create the preview of some rows."""
        return cls(
            columns=tuple((column.name, _kind(column.type)) for column in rows.schema),
            rows=tuple({name: _cell(value) for name, value in row.items()} for row in python_rows(rows)[0]),
        )


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Args:
        ref: the table and branch.
        partition: key of the partition; None for a table without partitions.
        run_id: the run.
        rows_in: rows that the source returned.
        rows_good: rows that passed validation.
        rows_refused: rows that failed validation.
        rows_inserted: rows that were added; under `merge`, those whose keys were new to the table.
        rows_updated: rows that replaced an older version.
        rows_removed: rows that left the table.
        snapshot_id: the current snapshot of the branch; None if the branch never had rows.
        committed: whether this run created that snapshot.
        partition_rows: rows of this run in the table, one for each key.
        table_rows: rows of the whole table.
        seconds: how long the run took.
        refused: the first refused rows.
        dropped_fields: fields of the source that the schema lacks.
        notices: what the run noticed that did not stop it, a line each.
        sample: the first rows of this run, as they are in the table.
        timings: seconds of each step, by its name.
        overwritten: a row of another partition that this run replaced, if it noticed one.
        table_bytes: size of the table's files in bytes, if its snapshot says.
        table_snapshots: number of snapshots that the table keeps.
    """

    ref: TableRef
    partition: str | None
    run_id: str
    rows_in: int
    rows_good: int
    rows_refused: int
    rows_inserted: int
    rows_updated: int
    rows_removed: int
    snapshot_id: int | None
    committed: bool
    partition_rows: int
    table_rows: int
    seconds: float
    refused: tuple[Refusal, ...] = ()
    dropped_fields: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    sample: Preview = field(default_factory=Preview)
    timings: Mapping[str, float] = field(default_factory=dict)
    overwritten: Overwritten | None = None
    table_bytes: int | None = None
    table_snapshots: int | None = None

    @property
    def table(self) -> str:
        """The full name of the table, such as `raw.flights`."""
        return self.ref.full_name

    @property
    def counts(self) -> Mapping[str, int]:
        """The numbers of rows, by the names of their fields."""
        return {name: getattr(self, name) for name in COUNTS}

    def to_metadata(self) -> dict[str, Any]:
        """Return the metadata of the run's materialization, from which `from_metadata` can restore the report."""
        import dagster as dg

        # The UI shows them in this order.
        values = {
            **self.counts,
            "refused_preview": table_metadata(_refused_preview(self.refused)) if self.refused else None,
            "dropped_fields": _listed(self.dropped_fields) if self.dropped_fields else None,
            "notices": "\n".join(self.notices) if self.notices else None,
            **(self.overwritten.to_metadata() if self.overwritten is not None else {}),
            "preview": table_metadata(self.sample),
            "table": self.table,
            "branch": self.ref.branch if self.ref.branch != MAIN_BRANCH else None,
            "partition": self.partition,
            # A snapshot's id has more digits than a browser can show as a number.
            "snapshot_id": str(self.snapshot_id) if self.snapshot_id is not None else _NO_SNAPSHOT,
            "committed": self.committed,
            "run_id": self.run_id,
            "seconds": self.seconds,
            "table_bytes": self.table_bytes,
            "table_snapshots": self.table_snapshots,
            "timings": dg.MetadataValue.json(dict(self.timings)),
        }
        return {
            **{_PREFIX + name: value for name, value in values.items() if value is not None},
            "dagster/row_count": self.table_rows,
            "dagster/partition_row_count": self.partition_rows,
        }

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, Any]) -> RunReport | None:
        """Read a report from the metadata of a materialization.

        Args:
            metadata: Dagster's metadata values, or plain values, by their names.

        Returns:
            The report, or None if the metadata does not come from a run of a workflow.
        """
        plain = {name: getattr(value, "value", value) for name, value in metadata.items()}
        found = {name.removeprefix(_PREFIX): value for name, value in plain.items() if name.startswith(_PREFIX)}
        if not {"table", "snapshot_id", "committed", "seconds", *COUNTS} <= found.keys():
            return None
        snapshot_id = found["snapshot_id"]
        return cls(
            ref=TableRef.parse(found["table"], branch=found.get("branch", MAIN_BRANCH)),
            partition=found.get("partition"),
            run_id=found.get("run_id", ""),
            **{name: found[name] for name in COUNTS},
            snapshot_id=None if snapshot_id == _NO_SNAPSHOT else int(snapshot_id),
            committed=found["committed"],
            partition_rows=plain.get("dagster/partition_row_count", 0),
            table_rows=plain.get("dagster/row_count", 0),
            seconds=found["seconds"],
            refused=_refusals(found.get("refused_preview")),
            dropped_fields=_unlisted(found.get("dropped_fields")),
            notices=tuple(found.get("notices", "").splitlines()),
            sample=_preview(found.get("preview")),
            overwritten=Overwritten.from_metadata(found),
            timings=found.get("timings", {}),
            table_bytes=found.get("table_bytes"),
            table_snapshots=found.get("table_snapshots"),
        )

    @classmethod
    def of_run(cls, result: dg.ExecuteInProcessResult, key: dg.AssetKey) -> RunReport | None:
        """Return the report on the materialization of an asset in a run, or None if there is no report.

        Args:
            result: the run.
            key: the asset.
        """
        for event in result.get_asset_materialization_events():
            if event.asset_key == key:
                return cls.from_metadata(event.materialization.metadata)
        return None


def _refused_preview(refused: tuple[Refusal, ...]) -> Preview:
    return Preview(
        columns=tuple((name, "string") for name in ("rule", "field", "message", "row")),
        rows=tuple(
            {"rule": row.rule, "field": row.field, "message": row.message, "row": row.row_json} for row in refused
        ),
    )


def table_metadata(preview: Preview) -> dg.TableMetadataValue:
    """Return rows as a table of Dagster's metadata."""
    import dagster as dg

    columns = [dg.TableColumn(name, kind) for name, kind in preview.columns]
    records = [dg.TableRecord(dict(row)) for row in preview.rows]
    return dg.MetadataValue.table(records=records, schema=dg.TableSchema(columns=columns))


def _preview(table: Any) -> Preview:
    if table is None:
        return Preview()
    return Preview(
        columns=tuple((column.name, column.type) for column in table.schema.columns),
        rows=tuple(dict(record.data) for record in table.records),
    )


def _refusals(table: Any) -> tuple[Refusal, ...]:
    rows = [record.data for record in table.records] if table is not None else []
    return tuple(Refusal(row["rule"], row["field"], row["message"], row["row"]) for row in rows)


def _listed(names: tuple[str, ...]) -> str:
    """Join names with commas if they can be split again, and as JSON if not."""
    text = ", ".join(names)
    return text if not text.startswith("[") and tuple(text.split(", ")) == names else json.dumps(names)


def _unlisted(text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    return tuple(json.loads(text) if text.startswith("[") else text.split(", "))


def _cell(value: object) -> Cell:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _LARGEST_NUMBER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _kind(arrow: pa.DataType) -> str:
    if pa.types.is_boolean(arrow):
        return "bool"
    if pa.types.is_integer(arrow):
        return "int"
    return "float" if pa.types.is_floating(arrow) else "string"
