"""What is cheaper: to write a data file anew, or to delete rows of it by position."""

from __future__ import annotations

from dataclasses import dataclass

from cascade.iceberg.data_file_writer import ROWS_PER_FILE


@dataclass(frozen=True)
class Costs:
    """Limits that decide how old versions of rows disappear.

    Writing a file of 250,000 rows and ten columns anew takes about 130 ms of CPU time, and a position delete file about
    3 ms. Each reader pays for deletes later: if 1 % of the rows are deleted, Polars takes 1.3 times as long.

    Args:
        small_rows: a file with at most this many rows is always written anew.
        large_rows: a file with more rows is never written anew, so that memory is bounded. Cascade writes none.
        deleted_share: the share of deleted rows from which a file is written anew.
        compared_share: the share of matching rows from which it is cheap to compare them with those of the batch.
    """

    small_rows: int = 20_000
    large_rows: int = 4 * ROWS_PER_FILE
    deleted_share: float = 0.1
    compared_share: float = 0.25

    def rewrites(self, rows: int, deleted: int, *, can_delete: bool) -> bool:
        """Return whether to write a file anew.

        Args:
            rows: number of rows in the file, deleted ones included.
            deleted: how many of them will be deleted.
            can_delete: whether the table's format has position delete files.
        """
        if not can_delete or rows <= self.small_rows or deleted >= rows:
            return True
        return rows <= self.large_rows and deleted >= self.deleted_share * rows

    def compares(self, rows: int, matching: int) -> bool:
        """Return whether comparing rows is cheap, because most of the file would be read or written anyway.

        Args:
            rows: number of rows in the file.
            matching: how many of them have a key of the batch.
        """
        return rows <= self.small_rows or matching >= self.compared_share * rows


DEFAULT_COSTS = Costs()
