"""Find the keys of a batch in one data file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from cascade.iceberg.data_file_reader import DataFileReader, Projection, RowGroup
from cascade.iceberg.keys import key_names
from cascade.iceberg.merge.batch_keys import BatchKeys, physical_keys, whole_numbers
from cascade.iceberg.merge.versions import newer
from cascade.iceberg.position_deletes import is_deleted
from cascade.iceberg.same import same_rows

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Match:
    """Rows of a file whose keys are in a batch.

    Args:
        at: positions in the file, sorted.
        row: for each of them, the position in the batch.
    """

    at: np.ndarray[Any, Any]
    row: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return len(self.at)

    def where(self, mask: np.ndarray[Any, Any]) -> Match:
        """Return the matches for which a mask is true."""
        return Match(self.at[mask], self.row[mask])


def find_keys(opened: DataFileReader, columns: Projection, keys: BatchKeys, deleted: np.ndarray[Any, Any]) -> Match:
    """Find keys in a file. Row groups that cannot contain one are not read.

    Args:
        opened: the file.
        columns: the columns of the key.
        keys: the keys.
        deleted: positions of deleted rows, which do not match.
    """
    import numpy as np

    none = np.empty(0, dtype=np.int64)
    found = [Match(none, none)]
    for group in opened.groups:
        wanted = keys.within({column: opened.bounds(group, column) for column in keys.unique_key})
        if len(wanted):
            found.append(_in_group(opened.read(group, columns), group, wanted))
    match = Match(np.concatenate([part.at for part in found]), np.concatenate([part.row for part in found]))
    return match.where(~is_deleted(match.at, deleted)) if len(deleted) else match


def same_as_batch(opened: DataFileReader, columns: Projection, match: Match, rows: pa.Table) -> np.ndarray[Any, Any]:
    """Compare matching rows in all columns.

    Args:
        opened: the file.
        columns: all columns of the table.
        match: the rows to compare.
        rows: the batch, in the table's schema.

    Returns:
        A boolean for each match: whether the file's row equals that of the batch.
    """
    return _compared(opened, columns, match, rows, same_rows)


def newer_than_batch(opened: DataFileReader, version: Projection, match: Match, rows: pa.Table) -> np.ndarray[Any, Any]:
    """Compare the versions of matching rows.

    Args:
        opened: the file.
        version: the column that says which version of a key is the newest.
        match: the rows to compare.
        rows: the batch, in the table's schema.

    Returns:
        A boolean for each match: whether the file's row is newer than that of the batch.
    """
    return _compared(opened, version, match, rows, lambda stored, given: newer(stored.column(0), given.column(0)))


def _compared(
    opened: DataFileReader,
    columns: Projection,
    match: Match,
    rows: pa.Table,
    compare: Callable[[pa.Table, pa.Table], pa.Array],
) -> np.ndarray[Any, Any]:
    import numpy as np

    given = rows.select(columns.arrow.names)
    parts, start = [np.empty(0, dtype=bool)], 0
    for stored in opened.read_at(match.at, columns):
        end = start + stored.num_rows
        compared = compare(stored, given.take(pa.array(match.row[start:end])))
        parts.append(compared.to_numpy(zero_copy_only=False))
        start = end
    return np.concatenate(parts)


def _in_group(rows: pa.Table, group: RowGroup, wanted: BatchKeys) -> Match:
    import numpy as np

    stored = whole_numbers(rows.column(wanted.unique_key[0]))
    if stored is not None and wanted.numbers is not None and (stored[1:] > stored[:-1]).all():
        match = _searched(stored, wanted)
    else:
        keys = physical_keys(rows, wanted.unique_key, "at")
        both = keys.join(wanted.frame, on=key_names(wanted.unique_key), how="inner").sort("at")
        match = Match(both["at"].to_numpy(), both["row"].to_numpy())
    return Match(match.at.astype(np.int64) + group.start, match.row)


def _searched(stored: np.ndarray[Any, Any], wanted: BatchKeys) -> Match:
    """Find keys in a sorted column by binary search, which costs a fraction of a join."""
    import numpy as np

    assert wanted.numbers is not None
    at = np.searchsorted(stored, wanted.numbers)
    there = at < len(stored)
    there[there] = stored[at[there]] == wanted.numbers[there]
    return Match(at[there], wanted.frame["row"].to_numpy()[there])
