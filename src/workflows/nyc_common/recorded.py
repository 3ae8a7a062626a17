"""Reads the Parquet files that lie beside the workflows, from a checkout and from a PEX alike."""

from __future__ import annotations

from importlib.resources import as_file, files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from cascade.partitions import PartitionWindow


def read_recorded(package: str, table: str, window: PartitionWindow | None = None) -> pa.Table:
    """Read a recorded table, or the hours of it that a partition covers.

    The files are sorted by `time_hour`, so that one day is found in one or two row groups by their statistics.

    Args:
        package: the Python package whose `data` directory holds the file, such as `workflows.nyc_flights`.
        table: name of the file without `.parquet`.
        window: the partition; the whole table if absent.
    """
    import pyarrow.parquet as pq

    filters = None
    if window is not None:
        filters = [("time_hour", ">=", window.start), ("time_hour", "<", window.end)]
    with as_file(files(package) / "data" / f"{table}.parquet") as path:
        return pq.read_table(path, filters=filters)
